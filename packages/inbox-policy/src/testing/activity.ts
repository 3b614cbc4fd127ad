// Activities of alice on a peer, for the tests of what is read of them.

import type { ActivityRules, Denied, JsonObject, JsonValue, ReadActivity } from '../types.ts';
import { readActivity } from '../activity/read.ts';

export const OWN_HOST = 'm.example';
export const PEER = 'r.example';
export const VICTIM = 'v.example';
export const ALICE = `https://${PEER}/u/alice`;
export const PUBLIC = 'https://www.w3.org/ns/activitystreams#Public';
export const NOW_MS = Date.parse('2026-11-25T12:00:00Z');

/** What the gateway asks netguard, as far as the tests need it. */
export const isPublicHost = (host: string): boolean =>
  host.includes('.') && !/(?:^|\.)(?:localhost|local|internal|onion|svc)$/.test(host);

export const rulesWith = (some: Partial<ActivityRules> = {}): ActivityRules => ({
  ownHosts: new Set([OWN_HOST]), isPublicHost, ldPolicy: 'strict', relays: new Set(), nowMs: NOW_MS, ...some,
});

export type Json = Readonly<Record<string, unknown>>;

export const activity = (type: string, rest: Json = {}): Json => ({
  '@context': ['https://www.w3.org/ns/activitystreams', 'https://w3id.org/security/v1'],
  id: `https://${PEER}/a/1`, type, actor: ALICE, ...rest,
});

export const note = (rest: Json = {}): Json => ({
  id: `https://${PEER}/n/1`, type: 'Note', attributedTo: ALICE, to: [PUBLIC], cc: [`${ALICE}/followers`], content: '<p>x</p>', ...rest,
});

export const create = (object: unknown = note(), rest: Json = {}): Json => activity('Create', { to: [PUBLIC], object, ...rest });

export const person = (rest: Json = {}): Json => ({
  id: ALICE, type: 'Person', preferredUsername: 'alice', inbox: `${ALICE}/inbox`, outbox: `${ALICE}/outbox`, ...rest,
});

export const update = (object: unknown): Json => activity('Update', { object });

export interface ReadOptions {
  readonly rules?: ActivityRules;
  readonly keyHost?: string;
  readonly keyId?: string;
}

/** By alice's key, or by that of a host. */
export function read(value: Json, options: ReadOptions = {}): ReadActivity | Denied {
  const { rules = rulesWith(), keyHost = PEER } = options;
  const { keyId = `https://${keyHost}/u/alice#main-key` } = options;
  return readActivity(JSON.parse(JSON.stringify(value)) as JsonObject, { keyId, keyHost }, rules);
}

/** `ok`, or the code without what all codes begin with. */
export function verdict(value: Json, options?: ReadOptions): string {
  const result = read(value, options);
  return result.ok ? 'ok' : result.code.replace('SEKISHO_INBOX_', '');
}

/** Code and path. */
export function refusal(value: Json, options?: ReadOptions): string {
  const result = read(value, options);
  return result.ok ? 'ok' : `${result.code.replace('SEKISHO_INBOX_', '')} ${result.detail}`;
}

export function accepted(value: Json, options?: ReadOptions): ReadActivity {
  const result = read(value, options);
  if (!result.ok) throw new Error(`${result.code} ${result.detail}`);
  return result;
}

export const many = <T>(count: number, item: (at: number) => T): readonly T[] => Array.from({ length: count }, (_, at) => item(at));

/** All keys of a value and of what is in it. */
export function keysWithin(value: JsonValue | undefined): readonly string[] {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).flatMap((item) => keysWithin(item));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value as JsonObject).flatMap(([key, item]) => [key, ...keysWithin(item)]);
}

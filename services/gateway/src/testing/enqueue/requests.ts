// Signed activities, read as the gateway reads them.

import { type Denied, type InboxHead, type ReadActivity, parseStrictJson, readActivity, readHead } from '@sekisho/inbox-policy';
import { type CavageOptions, type ExactRequest, type Rfc9421Options, legitimateActivities, signCavage, signRfc9421 } from '@sekisho/testkit';
import { PREFIX } from './misskey.ts';

export const PEER = 'alice.peer.example';
export const KEY_ID = `https://${PEER}/users/alice#main-key`;
export const HOST = PREFIX;

export interface Received {
  readonly request: ExactRequest;
  readonly head: InboxHead;
  readonly activity: ReadActivity;
}

type Given<T> = Partial<Omit<T, 'body'>> & { readonly activity?: Readonly<Record<string, unknown>> };

/** By name; each call makes new ids. */
export const activities = (): Readonly<Record<string, Readonly<Record<string, unknown>>>> =>
  legitimateActivities({ self: HOST, peer: PEER, third: 'third.peer.example' });
const create = (): Readonly<Record<string, unknown>> => activities()['create'] ?? {};
const bytes = (activity: Readonly<Record<string, unknown>>): Buffer => Buffer.from(JSON.stringify(activity));

export const byCavage = ({ activity = create(), ...rest }: Given<CavageOptions> = {}): Received =>
  receive(signCavage({ host: HOST, keyId: KEY_ID, body: bytes(activity), ...rest }));
export const byRfc9421 = ({ activity = create(), ...rest }: Given<Rfc9421Options> = {}): Received =>
  receive(signRfc9421({ host: HOST, keyId: KEY_ID, body: bytes(activity), ...rest }));

/** @throws Error when the policy refuses it. */
function receive(request: ExactRequest): Received {
  const isPublicHost = (host: string): boolean => host.endsWith('.example');
  const rules = { host: HOST, origin: `https://${HOST}`, mode: 'enqueue' as const, nowMs: Date.now(), dateSkewS: 300, isPublicHost };
  const head = passed(readHead({ method: request.method, target: request.target, rawHeaders: request.headers.flat() }, rules));
  const { value } = passed(parseStrictJson(request.body));
  const { keyId, keyHost } = head.signature;
  const activity = passed(readActivity(value, { keyId, keyHost }, { ownHosts: new Set([HOST]), isPublicHost, ldPolicy: 'strict', relays: new Set(), nowMs: Date.now() }));
  return { request, head, activity };
}

function passed<T extends { readonly ok: true }>(outcome: T | Denied): T {
  if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.detail}`);
  return outcome;
}

/** All keys at all depths. */
export function keysIn(value: unknown): Set<string> {
  const keys = new Set<string>();
  JSON.stringify(value, (key, part: unknown) => {
    if (key !== '' && !/^\d+$/.test(key)) keys.add(key);
    return part;
  });
  return keys;
}

// The corpus of hostile deliveries. Its own builder, which is data like the rest, turns a case into the bytes of a request.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TEST_KEY_NAMES, testKey } from '../activitypub/keys.ts';
import type { ExactRequest } from '../activitypub/request.ts';
import { corpusFolder } from './folder.ts';
import { type Line, oneOf, readLines, text } from './lines.ts';

export interface AttackHosts {
  readonly self: string;
  readonly peer: string;
  readonly victim: string;
  readonly evil: string;
}

export interface AttackCase {
  readonly id: string;
  readonly area: string;
  readonly name: string;
  readonly base: string;
  /** `deny`: an error status; `drop`: 2xx; in both nothing goes upstream. */
  readonly decision: 'deny' | 'drop';
  /** `must`: decidable from the request; `verify`: with the key only; `should`: another policy is defensible. */
  readonly level: 'must' | 'verify' | 'should';
  readonly statuses: readonly number[];
  /** How often it is sent. */
  readonly times: number;
  build(): ExactRequest;
}

export interface AttackCorpus {
  readonly cases: readonly AttackCase[];
  /** What the cases were made of: each must be accepted. */
  readonly bases: readonly { readonly name: string; build(): ExactRequest }[];
}

interface Built {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  readonly chunked: boolean;
}
type Bases = Readonly<Record<string, object>>;
interface Builder {
  build(one: object, bases: Bases, options: object): Built;
  load(folder: string): { bases: Bases };
}

export const ATTACK_HOSTS: AttackHosts = { self: 'instance.peer.example', peer: 'sender.peer.example', victim: 'victim.peer.example', evil: 'evil.peer.example' };

/**
 * All cases; empty without a corpus. Everything is signed with `testKey()`s, `actor` being that of https://{peer}/users/alice.
 * @throws Error when the folder exists but holds no cases.
 */
export async function readAttackCorpus(hosts: Partial<AttackHosts> = {}, folder = corpusFolder()): Promise<AttackCorpus> {
  if (folder === undefined) return { cases: [], bases: [] };
  const root = join(folder, 'inbox-attacks');
  const lines = readLines(join(root, 'cases.jsonl'));
  const builder = await import(pathToFileURL(join(root, 'build.mjs')).href) as Builder;
  const { bases } = builder.load(root);
  const keys = Object.fromEntries(TEST_KEY_NAMES.map((name) => [name, testKey(name)]));
  const build = (one: object): ExactRequest => {
    const { method, path, headers, body, chunked } = builder.build(one, bases, { hosts: { ...ATTACK_HOSTS, ...hosts }, keys, now: new Date() });
    return { method, target: path, headers, body, chunked };
  };
  return {
    cases: lines.map((line) => toCase(line, () => build(line))),
    bases: Object.keys(bases).map((name) => ({ name, build: () => build({ base: name }) })),
  };
}

function toCase(line: Line, build: () => ExactRequest): AttackCase {
  const expect = line['expect'] as Line;
  const { times = 1 } = (line['request'] ?? {}) as { times?: number };
  const statuses = (expect['status'] ?? []) as readonly number[];
  if (statuses.length === 0) throw new TypeError('a corpus case expects no status');
  return {
    id: text(line, 'id'), area: text(line, 'area'), name: text(line, 'name'), base: text(line, 'base'),
    decision: oneOf(expect, 'decision', ['deny', 'drop']), level: oneOf(expect, 'level', ['must', 'verify', 'should']),
    statuses, times, build,
  };
}

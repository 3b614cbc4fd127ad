// Reads worst bodies in a process of its own, which has as much memory as its flags say.
//   frees N   reads N bodies and keeps nothing
//   keeps N   keeps what was read, as a part that remembers what it sees would
//   holds     says how many bytes of heap what is read of one body holds, by kind; needs --expose-gc
//   lists K   the same of the kind K where numbered keys are kept as they come
//   redacts K the same of the kind K of what is kept for captures

import { parseStrictJson, readActivity, sanitiseActivity } from '../index.ts';
import { redactActivity } from '../rules/capture/redact.ts';
import { nestedHosts } from '../rules/lists/check.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import { rulesWith } from './activity.ts';
import { WORST_BODIES } from './worst-bodies.ts';

/** Of each kind, to hold at once. */
const HELD = 5;

const rules = rulesWith();
const signer = { keyId: 'https://r.example/users/alice#main-key', keyHost: 'r.example' };

interface Read {
  readonly ok: boolean;
  readonly parts: readonly unknown[];
}

function read(text: string): Read {
  const parsed = parseStrictJson(Buffer.from(text));
  if (!parsed.ok) return { ok: false, parts: [parsed] };
  const activity = readActivity(parsed.value, signer, rules);
  return { ok: activity.ok, parts: [parsed.value, activity, nestedHosts(parsed.value), activity.ok ? sanitiseActivity(activity) : undefined] };
}

function readMany(count: number, keeps: boolean): object {
  const kinds = Object.values(WORST_BODIES);
  const kept: unknown[] = [];
  const seen = { ok: 0, refused: 0 };
  for (let n = 0; n < count; n++) {
    const { ok, parts } = read(kinds[n % kinds.length]?.(n) ?? '');
    seen[ok ? 'ok' : 'refused'] += 1;
    if (keeps) kept.push(parts);
  }
  return seen;
}

function heapBytes(): number {
  // Twice: what the first leaves to finalisers goes with the second.
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function heldBy(make: (n: number) => unknown): number {
  const holds = (from: number): unknown[] => Array.from({ length: HELD }, (_, at) => make(from + at));
  holds(HELD); // Compiled by now.
  const before = heapBytes();
  const held = holds(0);
  const bytes = (heapBytes() - before) / held.length;
  // Held until here.
  return held.at(-1) === held ? 0 : bytes;
}

function asTheyCome(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: JsonValue) => asTheyCome(item));
  const copy: Record<string, JsonValue> = Object.create(null);
  for (const [key, item] of Object.entries(value)) copy[key] = asTheyCome(item);
  return copy;
}

const COPIES: Readonly<Record<string, (value: JsonObject) => unknown>> = { lists: asTheyCome, redacts: redactActivity };

function copied(text: string, copy: (value: JsonObject) => unknown): unknown {
  const parsed = parseStrictJson(Buffer.from(text));
  return parsed.ok ? copy(parsed.value) : parsed;
}

function byKind(keep: (text: string) => unknown, only?: string): object {
  const kinds = Object.entries(WORST_BODIES).filter(([name]) => only === undefined || name === only);
  return Object.fromEntries(kinds.map(([name, make]) => [name, heldBy((n) => keep(make(n)))]));
}

function run([how = '', what]: readonly string[]): object {
  if (how === 'holds') return byKind(read);
  const copy = COPIES[how];
  return copy === undefined ? readMany(Number(what), how === 'keeps') : byKind((text) => copied(text, copy), what);
}
process.stdout.write(JSON.stringify(run(process.argv.slice(2))));

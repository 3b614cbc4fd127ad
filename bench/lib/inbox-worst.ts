// Bodies of 64 KiB that are as dear as they get: for the parser, for the checks of an activity, or for both.

import { INBOX_LIMITS } from '@sekisho/contracts';
import { type JsonObject, parseStrictJson, readActivity } from '@sekisho/inbox-policy';
import { checkHostName } from '@sekisho/netguard';
import { SELF } from './inbox-mix.ts';

const PEER = 'sender.peer.example';
const ACTOR = `https://${PEER}/users/alice`;
const RUNS = 200;
const WARM = 50;
const BYTES = INBOX_LIMITS.bodyBytesMax;
const CONTEXT = 'https://www.w3.org/ns/activitystreams';

type Item = (at: number) => unknown;
const many = (count: number, item: Item): readonly unknown[] => Array.from({ length: count }, (_, at) => item(at));

/** As many items as fit. */
function filled(make: (items: readonly unknown[]) => unknown, item: Item, most: number): Buffer {
  let low = 0;
  for (let high = most; low < high;) {
    const middle = Math.ceil((low + high) / 2);
    if (Buffer.byteLength(JSON.stringify(make(many(middle, item)))) <= BYTES) low = middle;
    else high = middle - 1;
  }
  return Buffer.from(JSON.stringify(make(many(low, item))));
}

const create = (object: object, rest: object = {}): object => ({
  '@context': CONTEXT, id: `https://${PEER}/1`, type: 'Create', actor: ACTOR, ...rest,
  object: { id: `https://${PEER}/2`, type: 'Note', attributedTo: ACTOR, content: '', ...object },
});

/** By name; some are accepted, some refused at their very end. */
const WORST: Readonly<Record<string, () => Buffer>> = {
  'long content': () => Buffer.from(JSON.stringify(create({ content: '<p>'.repeat(10_000) }))),
  'escapes': () => Buffer.from(`{"x":["${String.raw`\u00e9`.repeat(5_400)}","${String.raw`\n`.repeat(16_000)}"]}`),
  'surrogates': () => Buffer.from(`{"x":["${String.raw`\ud83c\udf75`.repeat(2_700)}","${String.raw`\ud83c\udf75`.repeat(2_700)}"]}`),
  'characters of four bytes': () => Buffer.from(`{"x":["${'🍵'.repeat(8_000)}","${'🍵'.repeat(8_000)}"]}`),
  'keys': () => Buffer.from(`{${many(4_090, (at) => `"key${at}":0`).join(',')}}`),
  'long keys': () => Buffer.from(`{${many(600, (at) => `"${'k'.repeat(90)}${at}":0`).join(',')}}`),
  'brackets': () => Buffer.from('['.repeat(BYTES)),
  'nested as far as may be': () => Buffer.from(`{"x":[${many(250, () => '['.repeat(14) + ']'.repeat(14)).join(',')}]}`),
  'numbers': () => Buffer.from(`{"x":[${many(3_200, () => '1.797693134862e+307').join(',')}]}`),
  'recipients': () => filled((to) => create({}, { to }), (at) => `https://${PEER}/users/${'u'.repeat(80)}${at}`, 512),
  'recipients in another spelling': () => filled((to) => create({}, { to }), (at) => `https://${PEER.toUpperCase()}/users/${'ü'.repeat(40)}${at}`, 512),
  'hosts': () => filled((to) => create({}, { to }), (at) => `https://${'h'.repeat(60)}${at}.peer.example/u`, 128),
  'tags': () => filled((tag) => create({ tag }), (at) => ({ type: at < 64 ? 'Mention' : 'Emoji', href: `https://${PEER}/${at}`, name: `:n${at}:`, icon: { type: 'Image', url: `https://${PEER}/e/${at}.png` } }), 256),
  'terms of a context': () => {
    const terms = Object.fromEntries(many(500, (at) => [`t${at}`, `https://${PEER}/ns/${'x'.repeat(60)}#${at}`]) as readonly [string, string][]);
    return Buffer.from(JSON.stringify({ ...create({}), '@context': [CONTEXT, terms] }));
  },
  'prefixes upon prefixes': () => {
    const terms = Object.fromEntries(many(500, (at) => [`t${at}`, `t${at + 1}:${'x'.repeat(40)}`]) as readonly [string, string][]);
    return Buffer.from(JSON.stringify({ ...create({}), '@context': [CONTEXT, terms] }));
  },
  'items of a collection': () => filled((items) => ({ '@context': CONTEXT, id: `https://${PEER}/1`, type: 'Collection', actor: ACTOR, items }),
    (at) => ({ id: `https://${PEER}/i/${at}`, type: 'Like', actor: ACTOR, object: `https://${SELF}/notes/${at}` }), INBOX_LIMITS.collectionItemsMax),
  'unknown properties': () => filled((x) => ({ ...create({}), x }), (at) => ({ [`k${at}`]: [at] }), 1_300),
};

export interface WorstCase {
  readonly name: string;
  readonly bytes: number;
  readonly outcome: string;
  readonly medianMs: number;
  readonly maxMs: number;
}

export function measureWorst(): readonly WorstCase[] {
  return Object.entries(WORST).map(([name, make]) => {
    const body = make();
    const times = many(WARM + RUNS, () => {
      const began = performance.now();
      judge(body);
      return performance.now() - began;
    }).slice(WARM) as number[];
    times.sort((a, b) => a - b);
    return { name, bytes: body.length, outcome: judge(body), medianMs: times[RUNS >> 1] ?? NaN, maxMs: times.at(-1) ?? NaN };
  });
}

function judge(body: Buffer): string {
  const parsed = parseStrictJson(body);
  if (!parsed.ok) return parsed.code;
  const value: JsonObject = parsed.value;
  const verdict = readActivity(value, { keyId: `${ACTOR}#main-key`, keyHost: PEER }, {
    ownHosts: new Set([SELF]), isPublicHost: (host) => checkHostName(host).ok, ldPolicy: 'strict', relays: new Set(), nowMs: Date.now(),
  });
  return verdict.ok ? 'allow' : verdict.code;
}

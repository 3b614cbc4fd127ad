// Bodies at the limits: what a sender gets the most memory for. Each number makes others, so that nothing that keeps what it
// has seen before gets by with one of each.

import { INBOX_LIMITS } from '@sekisho/contracts';

const { bodyBytesMax, nodesMax, depthMax, stringBytesMax } = INBOX_LIMITS;
/** Values of the activity around them. */
const AROUND = 16;
const ROOM = nodesMax - AROUND;

const head = (n: number): string => `{"type":"Like","id":"https://r.example/${n}","actor":"https://r.example/users/alice","object":"https://m.example/notes/${n}"`;
const note = (n: number): string => `{"type":"Create","id":"https://r.example/${n}","actor":"https://r.example/users/alice","object":{"type":"Note","id":"https://r.example/n/${n}"`;

/** As many items as the body may have bytes, and no more than `count`. */
function filled(before: string, item: (at: number) => string, after: string, count = ROOM): string {
  const items: string[] = [];
  let bytes = before.length + after.length;
  for (let at = 0; at < count; at++) {
    const next = item(at);
    bytes += next.length + 1;
    if (bytes > bodyBytesMax) break;
    items.push(next);
  }
  return `${before}${items.join(',')}${after}`;
}

const nested = (open: string, close: string, depth = depthMax - 3): string => `${open.repeat(depth)}0${close.repeat(depth)}`;
/** How many there may be of what counts as so many values. */
const inner = (values: number): number => Math.floor(ROOM / values);
const OBJECT = 2;
const NUMBERED = 4;

export const WORST_BODIES: Readonly<Record<string, (n: number) => string>> = {
  'empty objects': (n) => filled(`${head(n)},"x":[`, () => '{}', ']}', inner(OBJECT)),
  'lists of one': (n) => filled(`${head(n)},"x":[`, (at) => `[${at}]`, ']}', inner(2)),
  'lists in lists': (n) => filled(`${head(n)},"x":[`, () => nested('[', ']'), ']}', inner(depthMax - 2)),
  'objects in objects': (n) => filled(`${head(n)},"x":[`, () => nested('{"a":', '}'), ']}', inner(OBJECT * (depthMax - 3) + 1)),
  'objects in objects, all other keys': (n) => filled(`${head(n)},"x":[`, (at) => nested(`{"k${n}-${at}":`, '}'), ']}', inner(OBJECT * (depthMax - 3) + 1)),
  'keys that are numbers': (n) => filled(`${head(n)},"x":[`, () => '{"1023":1}', ']}', inner(NUMBERED + 1)),
  'keys that are numbers, in each other': (n) => filled(`${head(n)},"x":[`, () => nested('{"1023":', '}'), ']}', inner(NUMBERED * (depthMax - 3) + 1)),
  'a word and a number': (n) => filled(`${head(n)},"x":[`, () => '{"a":1,"1023":1}', ']}', inner(NUMBERED + 2)),
  'keys that are numbers, in one object': (n) => filled(`${head(n)},"x":{`, (at) => `"${at * 1_023}":1`, '}}'),
  'objects of one key, all others': (n) => filled(`${head(n)},"x":[`, (at) => `{"k${n}-${at}":1}`, ']}', inner(OBJECT + 1)),
  'objects of three keys': (n) => filled(`${head(n)},"x":[`, () => '{"a":"","b":"","c":""}', ']}', inner(OBJECT + 3)),
  'objects of seven keys': (n) => filled(`${head(n)},"x":[`, () => '{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1}', ']}', inner(OBJECT + 7)),
  'one object of all keys': (n) => filled(head(n), (at) => `${at === 0 ? ',' : ''}"k${n}-${at}":1`, '}'),
  'numbers': (n) => filled(`${head(n)},"x":[`, (at) => `${n}.${at}`, ']}'),
  'strings': (n) => filled(`${head(n)},"x":[`, (at) => `"s${n}-${at}"`, ']}'),
  'parts of strings': (n) => filled(`${head(n)},"x":[`, (at) => `"long enough to be a part ${n} ${at}"`, ']}'),
  'long strings': (n) => `${head(n)},"x":"${n}${'a'.repeat(stringBytesMax - 10)}","y":"${'b'.repeat(stringBytesMax - 500)}"}`,
  'strings of two bytes': (n) => `${head(n)},"x":"${n}${'あ'.repeat(stringBytesMax / 3 - 10)}","y":"${'い'.repeat(stringBytesMax / 3 - 200)}"}`,
  'escapes': (n) => `${head(n)},"x":"${n}${String.raw`\u3042`.repeat(stringBytesMax / 3 - 200)}"}`,
  'recipients on other hosts': (n) => filled(`${note(n)},"attributedTo":"https://r.example/users/alice","to":[`, (at) => `"https://h${n}-${at % 120}.example/users/${at}"`, ']}}', 500),
  'terms of a context': (n) => filled(`{"@context":[{`, (at) => `"t${n}-${at}":"https://c${n}.example/${at}"`, `}],${head(n).slice(1)},"signature":{"type":"RsaSignature2017"}}`),
  'values above the limit': (n) => filled(`${head(n)},"x":[`, (at) => `{"k${n}-${at}":1}`, ']}', inner(OBJECT)),
  'a key twice at the end': (n) => filled(head(n), (at) => `${at === 0 ? ',' : ''}"k${n}-${at}":1`, `,"k${n}-0":1}`),
  'no end': (n) => filled(head(n), (at) => `${at === 0 ? ',' : ''}"k${n}-${at}":1`, ''),
};

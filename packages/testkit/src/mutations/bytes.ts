// Mutations of the bytes, rightly digested and signed: what two parsers read differently, and what no parser should have to.

import { type Mutation, onActivity, onBytes } from './mutation.ts';

const splice = (body: Buffer, ...insert: readonly (Buffer | string)[]): Buffer => {
  const brace = body.indexOf(0x7b) + 1;
  return Buffer.concat([body.subarray(0, brace), ...insert.map((part) => Buffer.from(part)), body.subarray(brace)]);
};
const JSON_OR_TYPE = ['SEKISHO_INBOX_JSON', 'SEKISHO_INBOX_JSON_LIMIT'] as const;

export const BYTE_MUTATIONS: readonly Mutation[] = [
  onBytes('a byte order mark', ['SEKISHO_INBOX_UTF8'], (body) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), body])),
  onBytes('UTF-16', ['SEKISHO_INBOX_UTF8', 'SEKISHO_INBOX_JSON'], (body) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(body.toString(), 'utf16le')]), ({ body }) => body.length < 30_000),
  onBytes('a byte that is no UTF-8', ['SEKISHO_INBOX_UTF8'], (body) => splice(body, '"x":"', Buffer.from([0xff]), '",')),
  onBytes('an overlong slash', ['SEKISHO_INBOX_UTF8'], (body) => splice(body, '"x":"', Buffer.from([0xc0, 0xaf]), '",')),
  onBytes('a surrogate in UTF-8', ['SEKISHO_INBOX_UTF8'], (body) => splice(body, '"x":"', Buffer.from([0xed, 0xa0, 0x80]), '",')),
  onBytes('actor twice', ['SEKISHO_INBOX_JSON_KEYS'], (body, { victim }) => splice(body, `"actor":"https://${victim}/u",`)),
  onBytes('type twice, escaped', ['SEKISHO_INBOX_JSON_KEYS'], (body) => splice(body, '"\\u0074ype":"Delete",')),
  onBytes('a key twice below', ['SEKISHO_INBOX_JSON_KEYS'], (body) => splice(body, '"x":[{"a":1,"a":1}],')),
  onBytes('__proto__', ['SEKISHO_INBOX_JSON_KEYS'], (body) => splice(body, '"__proto__":{"a":1},')),
  onBytes('truncated', JSON_OR_TYPE, (body) => body.subarray(0, -1)),
  onBytes('something after it', JSON_OR_TYPE, (body) => Buffer.concat([body, Buffer.from('{}')])),
  onBytes('a comment', JSON_OR_TYPE, (body) => splice(body, '/**/')),
  onBytes('a comma at the end', JSON_OR_TYPE, (body) => Buffer.from(body.toString().replace(/\}\s*$/, ',}'))),
  onBytes('an array around it', JSON_OR_TYPE, (body) => Buffer.concat([Buffer.from('['), body, Buffer.from(']')])),
  onBytes('a newline in a string', JSON_OR_TYPE, (body) => splice(body, '"x":"\n",')),
  onBytes('null', JSON_OR_TYPE, () => Buffer.from('null')),
  onBytes('nothing', JSON_OR_TYPE, () => Buffer.alloc(0)),
  onBytes('nested 64 deep', ['SEKISHO_INBOX_JSON_LIMIT'], (body) => splice(body, `"x":${'['.repeat(64)}${']'.repeat(64)},`)),
  onBytes('5,000 values', ['SEKISHO_INBOX_JSON_LIMIT'], (body) => splice(body, `"x":[${'0,'.repeat(5_000)}0],`), ({ body }) => body.length < 50_000),
  onBytes('a long string', ['SEKISHO_INBOX_JSON_LIMIT'], (body) => splice(body, `"x":"${'x'.repeat(33_000)}",`), ({ body }) => body.length < 30_000),
  ...['@included', '@graph', '@reverse', '@nest'].map((keyword) => onActivity(keyword, ['SEKISHO_INBOX_LD'], (activity) => void (activity[keyword] = []))),
  onActivity('@id beside id', ['SEKISHO_INBOX_LD'], (activity, { victim }) => void (activity['@id'] = `https://${victim}/1`)),
  onActivity('@included within', ['SEKISHO_INBOX_LD'], (activity) => void (activity['x'] = { '@included': [] })),
  ...([
    ['swaps actor and object', { actor: 'as:object', object: 'as:actor' }],
    ['aliases a keyword', { rearranged: '@reverse' }],
    ['defines by @reverse', { x: { '@reverse': 'as:object' } }],
    ['scopes a context', { x: { '@id': 'as:object', '@context': { to: 'as:cc' } } }],
  ] as const).map(([name, context]) => onActivity(`a context that ${name}`, ['SEKISHO_INBOX_LD'], (activity) => {
    const old = activity['@context'];
    activity['@context'] = [...(Array.isArray(old) ? old as unknown[] : old === undefined ? [] : [old]), context];
  })),
];

// Mutations of the request: route, type, head and signature.

import { createHash } from 'node:crypto';
import { COVERED, signRfc9421, testKey, withHeader } from '../activitypub/index.ts';
import { type Mutation, onRequest } from './mutation.ts';

const HOUR_S = 3_600;
const without = (name: string): readonly string[] => COVERED.filter((own) => own !== name);
const template = (keyId: string, more: string): string => `keyId="${keyId}",algorithm="rsa-sha256",headers="${COVERED.join(' ')}",${more}signature="{signature}"`;
const right = (): object => ({});

export const REQUEST_MUTATIONS: readonly Mutation[] = [
  // A filter that looks at the raw path is gone around by these; Misskey's router decodes them.
  ...['/%69nbox', '/%69%6e%62%6f%78', '/users/a/%69nbox', '/users/a%2Fb/inbox'].map((target) => onRequest(`path ${target}`, ['SEKISHO_INBOX_PATH'], () => ({ target }))),
  ...['application/json', 'text/plain', 'text/html', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/activity+json; charset=utf-16'].map((contentType) =>
    onRequest(`type ${contentType}`, ['SEKISHO_INBOX_MEDIA_TYPE'], () => ({ contentType }))),
  onRequest('no type', ['SEKISHO_INBOX_MEDIA_TYPE'], () => ({ covered: without('content-type') }), (request) => withHeader(request, 'content-type', undefined)),
  onRequest('gzip', ['SEKISHO_INBOX_CONTENT_ENCODING'], () => ({ headers: [['Content-Encoding', 'gzip']] })),
  onRequest('64 KiB and more', ['SEKISHO_INBOX_TOO_LARGE'], ({ body }) => ({ body: Buffer.concat([body, Buffer.alloc(65_537 - body.length, ' ')]) })),
  onRequest('64 KiB and more in chunks', ['SEKISHO_INBOX_TOO_LARGE'], ({ body }) => ({ body: Buffer.concat([body, Buffer.alloc(70_000, ' ')]) }), (request) => ({ ...request, chunked: true })),
  onRequest('old date behind X-Date', ['SEKISHO_INBOX_HEADERS'], () => ({ dateOffsetS: -HOUR_S, headers: [['X-Date', new Date().toUTCString()]] })),
  onRequest('Authorization: Signature', ['SEKISHO_INBOX_HEADERS'], right, (request) => ({
    ...request, headers: request.headers.map(([name, value]) => (name === 'Signature' ? ['Authorization', `Signature ${value}`] : [name, value])),
  })),
  ...(['Digest', 'Date', 'Signature', 'Content-Type', 'Host'] as const).map((name) => onRequest(`${name} twice`, ['SEKISHO_INBOX_HEADERS', ...(name === 'Host' ? ['SEKISHO_INBOX_HOST'] as const : [])], right, (request) => ({
    ...request, headers: [...request.headers, [name, request.headers.find(([own]) => own === name)?.[1] ?? '']],
  }))),
  onRequest('unsigned', ['SEKISHO_INBOX_UNSIGNED'], right, (request) => withHeader(request, 'signature', undefined)),
  {
    name: 'RFC 9421 alone', codes: ['SEKISHO_INBOX_RFC9421', 'SEKISHO_INBOX_SIGNATURE'], applies: () => true,
    request: ({ body, keyId }, { self, key }) => signRfc9421({ body, keyId, host: self, ...(key === undefined ? {} : { key }) }),
  },
  onRequest('keyId twice', ['SEKISHO_INBOX_SIGNATURE'], ({ keyId }, { victim }) => ({ template: template(`https://${victim}/u#k`, `keyId="${keyId}",`) })),
  onRequest('an unreadable signature', ['SEKISHO_INBOX_SIGNATURE'], () => ({ template: 'Hello' })),
  onRequest('keyId by http', ['SEKISHO_INBOX_KEY_ID'], ({ keyId }) => ({ keyId: keyId.replace('https:', 'http:') })),
  ...['https://127.0.0.1/k', 'https://[::1]/k', 'https://localhost/k', 'https://redis:6379/k', 'acct:a@b.example'].map((keyId) =>
    onRequest(`keyId ${keyId}`, ['SEKISHO_INBOX_KEY_ID', 'SEKISHO_INBOX_SIGNER'], () => ({ keyId }))),
  onRequest('rsa-sha1', ['SEKISHO_INBOX_ALGORITHM'], () => ({ algorithm: 'rsa-sha1', hash: 'sha1', key: testKey().privateKey })),
  onRequest('hmac', ['SEKISHO_INBOX_ALGORITHM'], () => ({ algorithm: 'hmac-sha256' })),
  onRequest('no algorithm', ['SEKISHO_INBOX_ALGORITHM'], () => ({ algorithm: null })),
  ...['(request-target)', 'host', 'date', 'digest'].map((name) => onRequest(`${name} unsigned`, ['SEKISHO_INBOX_SIGNED_HEADERS', ...(name === 'date' ? ['SEKISHO_INBOX_DATE'] as const : [])], () => ({ covered: without(name) }))),
  onRequest('the host of another', ['SEKISHO_INBOX_HOST'], (_, { victim }) => ({ host: victim })),
  onRequest('an old date', ['SEKISHO_INBOX_DATE'], () => ({ dateOffsetS: -310 })),
  onRequest('a date ahead', ['SEKISHO_INBOX_DATE'], () => ({ dateOffsetS: 310 })),
  onRequest('a date that is none', ['SEKISHO_INBOX_DATE'], () => ({ date: 'yesterday' })),
  onRequest('no digest', ['SEKISHO_INBOX_DIGEST', 'SEKISHO_INBOX_SIGNED_HEADERS'], () => ({ digest: null, covered: without('digest') })),
  onRequest('digest by SHA-512', ['SEKISHO_INBOX_DIGEST'], ({ body }) => ({ digest: `SHA-512=${createHash('sha512').update(body).digest('base64')}` })),
  onRequest('digest of another body', ['SEKISHO_INBOX_DIGEST'], () => ({ digest: `SHA-256=${createHash('sha256').update('x').digest('base64')}` })),
  onRequest('one byte flipped', ['SEKISHO_INBOX_DIGEST'], right, (request, { body }) => {
    const flipped = Buffer.from(body);
    flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 1;
    return { ...request, body: flipped };
  }),
];

// On a real server, as a client sees it: the wire is the contract.
import { once } from 'node:events';
import { type Server, createServer, request as send } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CODES, CODE_NAMES, type Code } from '@sekisho/contracts';
import { SECURITY_HEADERS } from './headers.ts';
import { pictureEtag } from './key.ts';
import { type RefusalFacts, requestIdOf, sendOptions, sendPicture, sendRefusal } from './respond.ts';
import type { MediaRequest, Picture } from './types.ts';

const body = Buffer.from('0123456789');
const picture: Picture = {
  kind: 'picture', type: 'image/webp', body, etag: pictureEtag(body), width: 1, height: 1, frames: 1, framesCapped: false, fileName: undefined,
};
const capped: Picture = { ...picture, framesCapped: true };
const plain: MediaRequest = {
  method: 'GET', url: 'https://a.origin.example/dummy.png', mode: 'emoji', fallback: false, origin: false,
  range: undefined, ifRange: undefined, ifNoneMatch: undefined, loop: { via: [], cdnLoop: [] },
};
const pseudonym = 'sekisho-0123456789abcdef';

let server: Server;
let port = 0;
let answer: (res: Parameters<typeof sendOptions>[0]) => unknown = () => undefined;
beforeAll(async () => {
  server = createServer((_req, res) => void answer(res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  port = address.port;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

async function ask(act: typeof answer, method = 'GET') {
  answer = act;
  const req = send({ port, host: '127.0.0.1', method, agent: false }).end();
  const [res] = (await once(req, 'response')) as [import('node:http').IncomingMessage];
  const bytes = await buffer(res);
  return { status: res.statusCode, headers: res.headers, bytes, text: bytes.toString() };
}
const asPicture = (change: Partial<MediaRequest> = {}, shown = picture) =>
  ask((res) => sendPicture(res, { ...plain, ...change }, shown, { cache: 'hit', requestId: 'request-1' }), change.method);
const asRefusal = (facts: RefusalFacts, fallback = false, method: 'GET' | 'HEAD' = 'GET') =>
  ask((res) => sendRefusal(res, { method, fallback }, facts, { requestId: 'request-1', pseudonym }), method);
const expectSecurity = (headers: Record<string, unknown>): void => {
  for (const { name, value } of SECURITY_HEADERS) expect(headers[name.toLowerCase()]).toBe(value);
  expect(headers['x-request-id']).toBe('request-1');
};

describe('sendPicture()', () => {
  it('sends the whole contract', async () => {
    const { status, headers, text } = await asPicture();
    expect({ status, text }).toEqual({ status: 200, text: '0123456789' });
    expectSecurity(headers);
    expect(headers).toMatchObject({
      'content-type': 'image/webp', 'content-length': '10', etag: picture.etag, 'cache-control': 'public, max-age=31536000, immutable',
      'content-disposition': 'inline; filename="dummy.png.webp"', 'sekisho-cache': 'hit', 'accept-ranges': 'bytes',
    });
    expect(headers['sekisho-note']).toBeUndefined();
    expect(headers['sekisho-code']).toBeUndefined();
    expect((await asPicture({}, capped)).headers['sekisho-note']).toBe('frames-capped');
  });

  it('answers HEAD with the same headers and no body, range or not', async () => {
    const { status, headers, text } = await asPicture({ method: 'HEAD', range: 'bytes=0-3' });
    expect({ status, text, length: headers['content-length'] }).toEqual({ status: 200, text: '', length: '10' });
  });

  it.each([
    [picture.etag, 304], [`W/${picture.etag}`, 304], [`"a", ${picture.etag}`, 304], ['*', 304], [`"a",W/${picture.etag} , "b"`, 304],
    ['"a"', 200], [picture.etag.slice(1, -1), 200], [`${'"a",'.repeat(64)}${picture.etag}`, 200], ['', 200],
  ])('If-None-Match %j gives %i', async (ifNoneMatch, status) => {
    const seen = await asPicture({ ifNoneMatch });
    expect(seen.status).toBe(status);
    if (status !== 304) return;
    expectSecurity(seen.headers);
    expect(seen.text).toBe('');
    expect(seen.headers.etag).toBe(picture.etag);
    expect(seen.headers['content-length']).toBeUndefined();
  });

  it.each([
    ['bytes=0-3', 206, '0123', 'bytes 0-3/10'], ['bytes=9-', 206, '9', 'bytes 9-9/10'], ['bytes=-2', 206, '89', 'bytes 8-9/10'],
    ['bytes=-99', 206, '0123456789', 'bytes 0-9/10'], ['bytes=5-999', 206, '56789', 'bytes 5-9/10'],
    ['bytes=10-', 416, undefined, 'bytes */10'], ['bytes=-0', 416, undefined, 'bytes */10'], ['bytes=3-2', 200, '0123456789', undefined],
  ])('Range %s gives %i', async (range, status, text, contentRange) => {
    const seen = await asPicture({ range });
    expect({ status: seen.status, contentRange: seen.headers['content-range'] }).toEqual({ status, contentRange });
    if (text !== undefined) expect({ text: seen.text, length: seen.headers['content-length'] }).toEqual({ text, length: String(text.length) });
    if (status === 416) expect(seen.headers).toMatchObject({ 'sekisho-code': 'RANGE_NOT_SATISFIABLE', 'cache-control': 'no-store' });
    expectSecurity(seen.headers);
  });

  it.each([[picture.etag, 206], [`W/${picture.etag}`, 200], ['"other"', 200], ['Wed, 21 Oct 2015 07:28:00 GMT', 200]])(
    'If-Range %j gives %i',
    async (ifRange, status) => expect((await asPicture({ range: 'bytes=0-3', ifRange })).status).toBe(status),
  );

  it('prefers If-None-Match to Range', async () => {
    expect((await asPicture({ range: 'bytes=99-', ifNoneMatch: picture.etag })).status).toBe(304);
  });
});

describe('sendRefusal()', () => {
  const facts = (code: Code): RefusalFacts => ({ code, upstreamStatus: code === 'SEKISHO_UPSTREAM_STATUS' ? 404 : undefined });
  const statusOf = (code: Code): number => CODES[code].status || 404;

  it('keeps every code inside the contract', async () => {
    const bodies = new Map<string, Set<string>>();
    for (const code of CODE_NAMES) {
      const { status, headers, text } = await asRefusal(facts(code));
      expect({ code, status }).toEqual({ code, status: statusOf(code) });
      expectSecurity(headers);
      expect(headers['sekisho-code']).toBe(CODES[code].publicCode);
      expect(['max-age=300', 'no-store']).toContain(headers['cache-control']);
      expect(headers['content-length']).toBe(String(Buffer.byteLength(text)));
      expect(text).not.toContain('SEKISHO_');
      const waits = status === 429 || status === 503;
      expect('retry-after' in headers).toBe(waits);
      if (waits || status === 508) expect(headers['cache-control']).toBe('no-store');
      bodies.set(CODES[code].publicCode, (bodies.get(CODES[code].publicCode) ?? new Set()).add(text));
    }
    for (const texts of bodies.values()) expect(texts.size).toBe(1);
  });

  it('answers every forbidden target with the same bytes', async () => {
    const answers: string[] = [];
    for (const code of CODE_NAMES.filter((name) => name.startsWith('SEKISHO_TARGET_'))) {
      const { status, headers, text } = await asRefusal({ code });
      answers.push(JSON.stringify({ status, text, ...headers, date: undefined }));
    }
    expect(new Set(answers).size).toBe(1);
  });

  it('serves the placeholder where fallback asks for it, short-lived', async () => {
    for (const code of CODE_NAMES) {
      const seen = await asRefusal(facts(code), true);
      const never = ['BAD_REQUEST', 'METHOD_NOT_ALLOWED', 'LOOP', 'RANGE_NOT_SATISFIABLE', 'REQUEST_TIMEOUT'].includes(CODES[code].publicCode);
      expect({ code, status: seen.status }).toEqual({ code, status: never ? statusOf(code) : 200 });
      if (never) continue;
      expectSecurity(seen.headers);
      expect(seen.headers['content-type']).toBe('image/png');
      expect(seen.headers['cache-control']).toMatch(/^(?:max-age=300|no-store)$/);
      if ([429, 503].includes(statusOf(code))) expect(seen.headers['cache-control']).toBe('no-store');
      expect(seen.bytes.subarray(1, 4).toString()).toBe('PNG');
    }
  });

  it.each([[400, 400], [401, 401], [403, 403], [404, 404], [410, 410], [451, 451], [499, 499], [429, 503], [399, 502], [500, 502], [undefined, 502]])(
    'mirrors an upstream %s as %i',
    async (upstreamStatus, status) => {
      const seen = await asRefusal({ code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus });
      expect(seen.status).toBe(status);
      expect(seen.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
    },
  );

  it.each([[undefined, '1'], [0, '1'], [7.2, '8'], [99_999, '3600'], [Number.NaN, '1']])('Retry-After of %s is %s', async (retryAfterS, text) => {
    expect((await asRefusal({ code: 'SEKISHO_LIMIT_CLIENT', retryAfterS })).headers['retry-after']).toBe(text);
  });

  it('names the loop and the methods', async () => {
    expect((await asRefusal({ code: 'SEKISHO_LOOP' })).headers['proxy-status']).toBe(`${pseudonym}; error=proxy_loop_detected`);
    expect((await asRefusal({ code: 'SEKISHO_REQUEST_METHOD' })).headers.allow).toBe('GET, HEAD, OPTIONS');
  });

  it('does not let a shared cache keep what is about the client', async () => {
    for (const code of ['SEKISHO_CLIENT_PROXY', 'SEKISHO_CLIENT_ACCESS'] as const) {
      for (const fallback of [false, true]) expect((await asRefusal({ code }, fallback)).headers['cache-control']).toBe('no-store');
    }
  });

  it('has no body for HEAD', async () => {
    const seen = await asRefusal({ code: 'SEKISHO_TARGET_NAME' }, false, 'HEAD');
    expect({ status: seen.status, text: seen.text }).toEqual({ status: 403, text: '' });
  });
});

// The refusals and names of the proxy block in Misskey's own unit test of its file server, at this layer.
describe("Misskey's proxy contract", () => {
  it.each([
    ['text with emoji', 'SEKISHO_TYPE_NOT_CONVERTIBLE', 404, 'max-age=300'],
    ['text without a mode', 'SEKISHO_TYPE_REFUSED', 403, 'max-age=300'],
    ['flat badge', 'SEKISHO_IMAGE_FLAT', 404, 'max-age=300'],
    ['user agent misskey/1.0', 'SEKISHO_CLIENT_PROXY', 403, 'no-store'],
    ['no url', 'SEKISHO_REQUEST_URL_INVALID', 400, 'max-age=300'],
  ] as const)('%s', async (_name, code, status, cacheControl) => {
    const seen = await asRefusal({ code });
    expect({ status: seen.status, cacheControl: seen.headers['cache-control'] }).toEqual({ status, cacheControl });
  });

  it.each([
    ['dummy.png', 'image/webp', 'dummy.png.webp'], ['dummy.svg', 'image/webp', 'dummy.svg.webp'], ['dummy.png', 'image/png', 'dummy.png'],
  ])('%s as %s is called %s', async (file, type, name) => {
    const seen = await asPicture({ url: `https://a.origin.example/${file}` }, { ...picture, type });
    expect(seen.headers).toMatchObject({ 'content-type': type, 'content-disposition': `inline; filename="${name}"` });
  });
});

describe('sendOptions()', () => {
  it('answers 204 with CORS', async () => {
    const { status, headers, text } = await ask((res) => sendOptions(res, 'request-1'), 'OPTIONS');
    expect({ status, text }).toEqual({ status: 204, text: '' });
    expectSecurity(headers);
    expect(headers.allow).toBe('GET, HEAD, OPTIONS');
  });
});

describe('requestIdOf()', () => {
  it.each(['request-1', 'a'.repeat(64)])('keeps %s', (id) => expect(requestIdOf(id)).toBe(id));
  it.each([undefined, '', 'short', 'a'.repeat(65), 'request 1', 'request-1\n', ['request-1', 'request-2']])('replaces %j', (id) => {
    expect(requestIdOf(id)).toMatch(/^[0-9a-f-]{36}$/);
  });
});

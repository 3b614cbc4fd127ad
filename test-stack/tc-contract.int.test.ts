// The must-beat list: each defect of the official proxy, and that we do not have it. Then the wire contract around it.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { BOMBS, encodeGif, gif, makePicture, makeStream, PICTURES } from '@sekisho/testkit';
import { type Answer, ask } from './client.ts';
import { expectMediaAnswer, expectPicture, expectRefusal } from './contract.ts';
import { type Fixture, START_MS, startFixture } from './fixture.ts';

let stack: Fixture;
let picture: Buffer;

beforeAll(async () => {
  picture = await makePicture('png-avatar');
  stack = await startFixture({
    files: { 'own.png': { body: picture, type: 'image/png', name: 'me.png' }, 'clip.webm': { body: makeStream('video/webm', 200_000), type: 'video/webm' } },
    redirects: { 'twice.webp': 'https://instance.peer.example/proxy/static.webp?url=https%3A%2F%2Finstance.peer.example%2Ffiles%2Fown.png&static=1' },
  });
  // What Misskey answers for the thumbnail of a remote picture.
  stack.misskey.redirects.set('thumb.webp', `https://instance.peer.example/proxy/static.webp?url=${encodeURIComponent(await stack.publishPicture('png-avatar'))}&static=1`);
}, START_MS);
afterAll(async () => await stack?.stop());
jest.setTimeout(40_000);

const CODES_OF_MODES = ['emoji=1', 'avatar=1', 'static=1', 'preview=1'];

describe('the must-beat list', () => {
  it('1: caches no broken picture for a year, serves the fallback for it, leaks no message', async () => {
    const url = stack.publish(await BOMBS['png-cut'].bytes(), { type: 'image/png' });
    const broken = stack.publish(Buffer.concat([(await makePicture('png-emoji')).subarray(0, 300), Buffer.alloc(300, 7)]));
    for (const query of CODES_OF_MODES) {
      const answer = await stack.media(broken, query);
      expectRefusal(answer, 422, 'UNDECODABLE');
      expect(answer.body.toString()).not.toMatch(/png|libspng|vips|read error/i);
      const fallback = await stack.media(broken, `${query}&fallback=1`);
      expect(fallback.status).toBe(200);
      expect(fallback.headers['cache-control']).toBe('max-age=300');
      expectMediaAnswer(fallback);
    }
    expectMediaAnswer(await stack.media(url, 'emoji=1'));
  });

  it('2: delivers no request to a private address, and tells nothing about it', async () => {
    const before = stack.misskey.requests.length;
    const closed = await stack.media('http://127.0.0.1:1/x.png', 'emoji=1');
    const open = await stack.media(`http://127.0.0.1:${stack.misskey.port}/files/own.png`, 'emoji=1');
    const redirected = await stack.media(stack.origin.url(`/redirect?to=${encodeURIComponent(`http://127.0.0.1:${stack.misskey.port}/`)}`), 'emoji=1');
    for (const answer of [closed, open, redirected]) {
      expectRefusal(answer, 403, 'FORBIDDEN_TARGET');
      expect(answer.ms).toBeGreaterThanOrEqual(245);
      expect(answer.body.equals(closed.body)).toBe(true);
    }
    expect(stack.misskey.requests.length).toBe(before);
    // The control: a public target, by this stack's setting, is reached.
    expect((await stack.media(await stack.publishPicture('png-emoji'), 'emoji=1')).status).toBe(200);
  });

  it('3: passes a picture at once while hostile SVGs are decoded', async () => {
    const bomb = await BOMBS['svg-use'].bytes();
    const bombs = [1, 2, 3, 4].map(async (n) => await stack.media(stack.publish(Buffer.concat([bomb, Buffer.alloc(n, 0x20)])), 'emoji=1', { client: '198.51.100.3' }));
    const through = await stack.media(await stack.publishPicture('png-emoji'), '', { client: '203.0.113.3' });
    await expectPicture(through);
    expect(through.ms).toBeLessThan(5_000);
    for (const answer of await Promise.all(bombs)) expectMediaAnswer(answer);
  });

  it('4: spends no more than the limit of CPU on one request', async () => {
    const before = await stack.metric('worker', 'sekisho_image_worker_decode_cpu_seconds_sum');
    const answer = await stack.media(stack.publish(await BOMBS['svg-filter'].bytes()), '', { client: '198.51.100.4' });
    expectMediaAnswer(answer);
    expect((await stack.metric('worker', 'sekisho_image_worker_decode_cpu_seconds_sum')) - before).toBeLessThan(4);
  });

  it('5: joins equal requests, caches the picture, and has metrics and health', async () => {
    const url = await stack.publishPicture('png-wide');
    const path = new URL(url).pathname;
    const answers = await Promise.all(Array.from({ length: 20 }, async () => await stack.media(url, 'emoji=1')));
    for (const answer of answers) await expectPicture(answer);
    expect(stack.origin.hits(path)).toBe(1);
    const again = await stack.media(url, 'emoji=1');
    expect(again.headers['sekisho-cache']).toBe('hit');
    expect(stack.origin.hits(path)).toBe(1);
    expect(await stack.metric('gateway', 'sekisho_gateway_flight_joins_total')).toBeGreaterThan(0);
    expect((await ask(`http://127.0.0.1:${stack.stack.ports.gatewayOps[0]}/healthz`)).status).toBe(200);
  });

  it('6: streams video and answers ranges', async () => {
    const video = makeStream('video/mp4', 300_000);
    const url = stack.publish(video, { type: 'video/mp4', ranges: true, etag: '"v1"' });
    const answer = await stack.media(url, '', { headers: { range: 'bytes=1000-1999' } });
    expect(answer.status).toBe(206);
    expect(answer.headers['content-range']).toBe('bytes 1000-1999/300000');
    expect(answer.body.equals(video.subarray(1_000, 2_000))).toBe(true);
    // Safari's first question.
    const two = await stack.media(url, '', { headers: { range: 'bytes=0-1' } });
    expect({ status: two.status, body: two.body.toString('hex') }).toEqual({ status: 206, body: video.subarray(0, 2).toString('hex') });
  });

  it('7: turns pictures upright in emoji and avatar mode', async () => {
    const url = await stack.publishPicture('jpeg-orientation-6');
    expect(await expectPicture(await stack.media(url, 'emoji=1'))).toMatchObject({ width: 96, height: 128 });
    expect(await expectPicture(await stack.media(url, 'avatar=1'))).toMatchObject({ width: 240, height: 320 });
  });

  it('8: gives polyglots no way to run', async () => {
    for (const name of ['gif-script', 'png-html-tail'] as const) {
      const answer = await stack.media(await stack.publishPicture(name));
      expectMediaAnswer(answer);
      expect(answer.headers['content-type']).toBe(PICTURES[name].type);
    }
  });

  it('9: passes small APNG and animated AVIF, makes large ones still', async () => {
    for (const name of ['apng-small', 'avif-animated'] as const) {
      const answer = await stack.media(await stack.publishPicture(name), 'emoji=1');
      expect(answer.status).toBe(200);
      expect(answer.body.equals(await makePicture(name))).toBe(true);
      expect(answer.headers['content-type']).toBe(PICTURES[name].type);
    }
    for (const name of ['apng-wide', 'apng-heavy'] as const) {
      const seen = await expectPicture(await stack.media(await stack.publishPicture(name), 'emoji=1'));
      expect(seen).toMatchObject({ type: 'image/webp', frames: 1 });
    }
  });

  it('10: gives clean names', async () => {
    const names = async (disposition: string, path = '/published/name'): Promise<string> => {
      stack.origin.serve(path, { bytes: picture, disposition });
      const answer = await stack.media(`${stack.origin.url(path)}?v=${encodeURIComponent(disposition)}`);
      expect(answer.status).toBe(200);
      return String(answer.headers['content-disposition']);
    };
    expect(await names('inline; filename="../../etc/passwd"')).not.toMatch(/\.\.\/|\/|\\/);
    expect(await names('', '/published/dir/')).toMatch(/filename="[^".][^"]*\.png"/);
    expect(await names('attachment; filename="a.png"')).toBe('inline; filename="a.png"');
    stack.origin.serve('/published/anime.png', { bytes: await makePicture('apng-small') });
    expect((await stack.media(stack.origin.url('/published/anime.png'))).headers['content-disposition']).toMatch(/filename="anime\.png"|filename="anime\.png\.apng"|filename="anime\.apng"/);
  });

  it('11: answers OPTIONS, and long URLs in the path', async () => {
    const options = await stack.get('/media/x', { method: 'OPTIONS' });
    expect(options.status).toBe(204);
    expectMediaAnswer(options);
    const path = `/published/${'a'.repeat(3_000)}`;
    stack.tls.serve(path, { bytes: picture });
    const long = await stack.get(`/proxy/emoji/${encodeURIComponent(stack.tls.url(path).slice('https://'.length))}?emoji=1`);
    expect((await expectPicture(long)).type).toBe('image/webp');
  });

  it('12: refuses proxies by any of their names, and no client without a name', async () => {
    const url = await stack.publishPicture('png-emoji');
    const hits = stack.origin.hits(new URL(url).pathname);
    for (const agent of ['Misskey/2026.1 (https://x)', 'MisskeyMediaProxy/0.0.24', 'CherryPick/4.1', 'Sharkey/2025', 'Sekisho/0.1 (Misskey/; +https://y)', 'Mozilla misskey/1.0']) {
      expectRefusal(await stack.media(url, 'emoji=1', { headers: { 'user-agent': agent } }), 403, 'FORBIDDEN_CLIENT');
    }
    expect(stack.origin.hits(new URL(url).pathname)).toBe(hits);
    expect((await stack.media(url, 'emoji=1')).status).toBe(200);
  });
});

describe('the wire contract', () => {
  it('takes both dialects, any file name, an empty path', async () => {
    const plain = await stack.publishPicture('png-emoji');
    stack.tls.serve('/p/emoji.png', { bytes: picture });
    const encoded = encodeURIComponent(plain);
    const bare = encodeURIComponent(stack.tls.url('/p/emoji.png').slice('https://'.length));
    for (const path of [
      `/media/emoji.webp?url=${encoded}&emoji=1`, `/proxy/emoji.webp?emoji=1&url=${encoded}`, `/proxy/?url=${encoded}&emoji`, `/media?url=${encoded}&emoji=1`,
      `/proxy/any%20name?url=${encoded}&emoji=0`, `/media/emoji/${bare}?emoji=1`, `/proxy/emoji/${bare}?fallback=1&emoji=1`,
    ]) {
      const seen = await expectPicture(await stack.get(path));
      expect({ path, ...seen }).toMatchObject({ path, type: 'image/webp', height: 128 });
    }
  });

  it.each([['emoji=', 128], ['emoji=0', 128], ['avatar=0', 256], ['emoji=1&avatar=1', 128], ['emoji&static', 128], ['avatar=1&static=1&preview', 256], ['static&preview', 256], ['preview=1&badge=1', 200]])(
    'counts %s by presence and rank',
    async (query, height) => {
      expect(await expectPicture(await stack.media(await stack.publishPicture('png-emoji'), query))).toMatchObject({ type: 'image/webp', height });
    },
  );

  it('answers HEAD as GET, without the body', async () => {
    const url = await stack.publishPicture('png-emoji');
    for (const query of ['emoji=1', '']) {
      const get = await stack.media(url, query);
      const head = await stack.media(url, query, { method: 'HEAD' });
      expect({ status: head.status, body: head.body.length }).toEqual({ status: 200, body: 0 });
      for (const name of ['content-type', 'content-length', 'etag', 'cache-control']) expect(head.headers[name]).toBe(get.headers[name]);
      expectMediaAnswer(head);
    }
  });

  it('gives an ETag, a year of cache, and 304 for it', async () => {
    const url = await stack.publishPicture('png-emoji');
    const first = await stack.media(url, 'emoji=1');
    expect(first.headers['sekisho-cache']).toBe('miss');
    expect(first.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    const etag = String(first.headers.etag);
    for (const value of [etag, `"x", ${etag}`, `W/${etag}`, '*']) {
      const answer = await stack.media(url, 'emoji=1', { headers: { 'if-none-match': value } });
      expect({ value, status: answer.status, body: answer.body.length }).toEqual({ value, status: 304, body: 0 });
      expectMediaAnswer(answer);
    }
    expect((await stack.media(url, 'emoji=1', { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND'])('refuses %s, also with fallback', async (method) => {
    const answer = await stack.media('https://a.origin.example/x', 'fallback=1', { method });
    expectRefusal(answer, 405, 'METHOD_NOT_ALLOWED');
    expect(answer.headers.allow).toBe('GET, HEAD, OPTIONS');
  });

  it.each([204, 304])('takes the empty answer %i for no picture', async (status) => {
    expectRefusal(await stack.media(stack.origin.url(`/status/${status}`)), 403, 'FORBIDDEN_TYPE');
    expectRefusal(await stack.media(stack.origin.url(`/status/${status}?x`), 'emoji=1'), 404, 'FORBIDDEN_TYPE');
  });

  it.each([
    ['no path', '/media'], ['a name alone', '/media/x.webp'], ['a mode alone', '/proxy/x.webp?emoji=1'], ['an empty url', '/media/x?url='], ['no URL', '/media/x?url=nothing'],
    ['another scheme', '/media/x?url=ftp%3A%2F%2Fa.origin.example%2F'],
    ['two urls', '/media/x?url=https%3A%2F%2Fa.origin.example%2F&url=https%3A%2F%2Fb.origin.example%2F'],
    ['a URL too long', `/media/x?url=https%3A%2F%2Fa.origin.example%2F${'a'.repeat(8_200)}`],
  ])(
    'refuses %s with 400, also with fallback',
    async (_what, path) => {
      expectRefusal(await stack.get(path), 400, 'BAD_REQUEST');
      expectRefusal(await stack.get(`${path}${path.includes('?') ? '&' : '?'}fallback=1`), 400, 'BAD_REQUEST');
    },
  );

  it.each([400, 401, 403, 404, 410, 451])('mirrors %i', async (status) => {
    expectRefusal(await stack.media(stack.origin.url(`/status/${status}`, `m${status}.origin.example`), 'emoji=1'), status, 'UPSTREAM_REFUSED');
    expectRefusal(await stack.media(stack.origin.url(`/status/${status}?b`, `n${status}.origin.example`)), status, 'UPSTREAM_REFUSED');
  });

  it('makes 429 of an upstream 503 with its Retry-After, and pauses that host alone', async () => {
    const answer = await stack.media(stack.origin.url('/status/429?retry-after=30', 'busy.origin.example'), 'emoji=1');
    expectRefusal(answer, 503, 'OVERLOADED');
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(60);
    stack.origin.serve('/busy.png', { bytes: picture });
    expectRefusal(await stack.media(stack.origin.url('/busy.png', 'busy.origin.example'), 'emoji=1'), 503, 'OVERLOADED');
    expect(stack.origin.hits('/busy.png')).toBe(0);
    await expectPicture(await stack.media(stack.origin.url('/busy.png', 'calm.origin.example'), 'emoji=1'));
  });

  it('has one body for all faults of an upstream', async () => {
    const urls = ['/status/500', '/no-http', '/big-headers?bytes=40000', '/redirect?none', '/loop', '/reset?head=0', '/double-gzip'].map((path, at) => stack.origin.url(path, `f${at}.origin.example`));
    const answers: Answer[] = [];
    for (const url of urls) answers.push(await stack.media(url, 'emoji=1'));
    answers.forEach((answer, at) => {
      expect({ url: urls[at], status: answer.status, code: answer.headers['sekisho-code'] }).toEqual({ url: urls[at], status: 502, code: 'UPSTREAM_FAULT' });
      expect(answer.body.equals(answers[0]?.body ?? Buffer.alloc(0))).toBe(true);
      expectMediaAnswer(answer);
    });
  });

  it('serves the placeholder for any refusal with fallback, for five minutes at most', async () => {
    for (const url of [stack.origin.url('/status/404', 'p1.origin.example'), stack.origin.url('/status/500', 'p2.origin.example'), 'https://10.0.0.1/', 'https://nothing.invalid/x', await stack.publishPicture('text')]) {
      const answer = await stack.media(url, 'emoji=1&fallback=1');
      expect({ url, status: answer.status, type: answer.headers['content-type'] }).toEqual({ url, status: 200, type: 'image/png' });
      expect(answer.headers['cache-control']).toBe('max-age=300');
      expectMediaAnswer(answer);
    }
  });

  it('keeps the picture and its placeholder apart in the cache', async () => {
    stack.origin.serve('/later.png', { status: 503, bytes: Buffer.from('x') });
    const url = stack.origin.url('/later.png', 'later.origin.example');
    expect((await stack.media(url, 'emoji=1&fallback=1')).headers['content-type']).toBe('image/png');
    stack.origin.serve('/later.png', { bytes: picture });
    expect((await expectPicture(await stack.media(url, 'emoji=1&fallback=1'))).type).toBe('image/webp');
  });

  it('takes one spelling per picture and one entry per mode', async () => {
    const url = await stack.publishPicture('png-emoji');
    const { pathname } = new URL(url);
    const spellings = [url, `${url}#fragment`, url.replace('a.origin', 'A.ORIGIN'), url.replace('http:', 'HTTP:'), url.replace('example:', 'example.:')];
    for (const spelling of spellings) await expectPicture(await stack.media(spelling, 'emoji=0'));
    expect(stack.origin.hits(pathname)).toBe(1);
    await expectPicture(await stack.media(url, 'avatar'));
    expect(stack.origin.hits(pathname)).toBe(2);
    expectRefusal(await stack.media(url.replace('//', '//user:secret@'), 'emoji'), 403, 'FORBIDDEN_TARGET');
  });

  it('takes a request id in and gives it out, or makes one', async () => {
    const id = 'req-1234.abcd_EF';
    expect((await stack.media('https://10.0.0.1/', '', { headers: { 'x-request-id': id } })).headers['x-request-id']).toBe(id);
    expect((await stack.media('https://10.0.0.1/', '', { headers: { 'x-request-id': 'has blanks in it' } })).headers['x-request-id']).not.toContain(' ');
  });

  it('gives nothing of the upstream but the medium', async () => {
    const answer = await stack.media(stack.origin.url('/set-cookie'));
    expect(answer.status).toBe(200);
    expectMediaAnswer(answer);
    expect(answer.headers).not.toHaveProperty('refresh');
    expect(answer.headers).not.toHaveProperty('x-secret');
  });

  it('notes where frames were capped', async () => {
    const many = stack.publish(gif({ width: 4, height: 4, frames: 301, loop: 0 }));
    const answer = await stack.media(many, 'emoji=1');
    expect(await expectPicture(answer)).toMatchObject({ frames: 1 });
    expect(answer.headers['sekisho-note']).toBe('frames-capped');
    const fine = await stack.media(stack.publish(await encodeGif({ width: 4, height: 4, frames: 300, loop: 0 })), 'emoji=1');
    expect((await expectPicture(fine)).frames).toBeGreaterThan(1);
    expect(fine.headers['sekisho-note']).toBeUndefined();
  });
});

describe('own files', () => {
  const own = 'https://instance.peer.example/files/own.png';

  it('come from Misskey, first hop only, without the client\'s headers', async () => {
    const answer = await stack.media(own, 'avatar=1', { headers: { cookie: 'token=secret', authorization: 'Bearer x' } });
    expect(await expectPicture(answer)).toMatchObject({ type: 'image/webp', height: 320 });
    const asked = stack.misskey.requests.filter(({ url }) => url === '/files/own.png');
    expect(asked.length).toBe(1);
    expect(asked[0]?.rawHeaders.join('\n').toLowerCase()).not.toMatch(/cookie|authorization|secret/);
  });

  it('follow one redirect to our own media route', async () => {
    expect(await expectPicture(await stack.media('https://instance.peer.example/files/thumb.webp', 'avatar=1'))).toMatchObject({ type: 'image/webp', height: 320 });
    expectRefusal(await stack.media('https://instance.peer.example/files/twice.webp', 'avatar=1'), 508, 'LOOP');
  });

  it.each(['https://instance.peer.example/', 'https://instance.peer.example/files/own.png?x=1', 'https://instance.peer.example/api/meta', 'https://instance.peer.example:8443/files/own.png', 'https://instance.peer.example/files/../api', 'https://instance.peer.example./notes/1'])(
    'are no way to %s: 508',
    async (url) => {
      expectRefusal(await stack.media(url, 'emoji=1&fallback=1'), 508, 'LOOP');
    },
  );

  it('are refused after a redirect of a stranger: 508', async () => {
    expectRefusal(await stack.media(stack.origin.url(`/redirect?to=${encodeURIComponent(own)}`), 'emoji=1'), 508, 'LOOP');
  });

  it('are unwrapped once when the proxy is wrapped in itself', async () => {
    const inner = `https://instance.peer.example/proxy/x.webp?url=${encodeURIComponent(await stack.publishPicture('png-emoji'))}`;
    expect((await expectPicture(await stack.media(inner, 'emoji=1'))).height).toBe(128);
    expectRefusal(await stack.media(`https://instance.peer.example/media/x?url=${encodeURIComponent(inner)}`, 'emoji=1'), 508, 'LOOP');
  });

  it('are the only thing served with origin=1', async () => {
    expect((await stack.get(`/proxy/image.webp?url=${encodeURIComponent(own)}&origin=1`)).status).toBe(200);
    expectRefusal(await stack.get(`/proxy/image.webp?url=${encodeURIComponent(await stack.publishPicture('png-emoji'))}&origin=1`), 403, 'FORBIDDEN_CLIENT');
  });
});

describe('the unit test of Misskey\'s own proxy, from outside', () => {
  const cases = [
    ['text', 'emoji=1', 404], ['text', '', 403], ['html', '', 403], ['empty', 'preview=1', 404], ['tiff', 'emoji=1', 404], ['png-flat', 'badge=1', 404],
  ] as const;
  it.each(cases)('%s with %p: %i for five minutes', async (name, query, status) => {
    const answer = await stack.media(await stack.publishPicture(name), query);
    expect(answer.status).toBe(status);
    expect(answer.headers['cache-control']).toBe('max-age=300');
    expectMediaAnswer(answer);
  });

  it.each(['emoji=1', 'avatar=1', 'static=1', 'preview=1'])('dummy.png with %s is dummy.png.webp for ever', async (query) => {
    stack.origin.serve('/dummy.png', { bytes: picture, type: 'image/png' });
    const answer = await stack.media(stack.origin.url('/dummy.png'), query);
    expect(answer.headers).toMatchObject({ 'content-type': 'image/webp', 'content-disposition': 'inline; filename="dummy.png.webp"' });
    expect(answer.headers['cache-control']).toContain('immutable');
  });

  it('dummy.svg is dummy.svg.webp, and never SVG', async () => {
    stack.origin.serve('/dummy.svg', { bytes: await makePicture('svg'), type: 'image/svg+xml' });
    const answer = await stack.media(stack.origin.url('/dummy.svg'));
    expect(await expectPicture(answer)).toMatchObject({ type: 'image/webp', width: 64 });
    expect(answer.headers['content-disposition']).toBe('inline; filename="dummy.svg.webp"');
  });

  it('a picture without a mode passes as it is', async () => {
    const answer = await stack.media(stack.origin.url('/dummy.png'));
    expect(answer.headers['content-type']).toBe('image/png');
    expect(answer.body.equals(picture)).toBe(true);
  });

  it('files answer a range of four bytes', async () => {
    const answer = await stack.get(`/proxy/x?url=${encodeURIComponent('https://instance.peer.example/files/clip.webm')}`, { headers: { range: 'bytes=0-3' } });
    expect(answer.status).toBe(206);
    expect(answer.headers['content-range']).toBe('bytes 0-3/200000');
    expect(answer.body.length).toBe(4);
  });
});

// The attacks of the media path that are not about addresses: loops, slow and endless upstreams, compressed bombs, names.

import { connect, createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { loopIdentity } from '@sekisho/netguard';
import { gzipConstant, makePicture } from '@sekisho/testkit';
import { ask } from './client.ts';
import { expectMediaAnswer, expectPicture, expectRefusal } from './contract.ts';
import { type Fixture, START_MS, eventually, startFixture } from './fixture.ts';
import { residentBytes } from './processes.ts';

jest.setTimeout(60_000);
const MiB = 1024 * 1024;
const OURS = 'instance.peer.example';
const { pseudonym } = loopIdentity(OURS);

let stack: Fixture;
let picture: Buffer;
/** Accepts connections and never says a word: a TLS handshake that stalls. */
let mute: Server;
let mutePort = 0;

beforeAll(async () => {
  picture = await makePicture('png-avatar');
  mute = createServer((socket) => void socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const address = mute.address();
  mutePort = address === null || typeof address === 'string' ? 0 : address.port;
  stack = await startFixture({ allowTargets: [`127.0.0.1:${mutePort}`] });
}, START_MS);
afterAll(async () => {
  await stack?.stop();
  mute?.close();
});

describe('a loop', () => {
  const lines: readonly [string, Record<string, string | readonly string[]>][] = [
    ['Via', { via: `1.1 ${pseudonym}` }],
    ['Via among others, over two lines', { via: ['1.0 cache', `HTTP/1.1 ${pseudonym} (behind)`] }],
    ['Via in capitals', { via: `1.1 ${pseudonym.toUpperCase()}` }],
    ['Via with a port', { via: `1.1 ${pseudonym}:443` }],
    ['Via by our host', { via: `1.1 ${OURS}` }],
    ['Via in a comment', { via: `1.1 x (${pseudonym})` }],
    ['Via that does not parse', { via: `1.1;;;${pseudonym}` }],
    ['CDN-Loop', { 'cdn-loop': OURS }],
    ['CDN-Loop with parameters', { 'cdn-loop': `cdn.example; a="b,c", ${OURS.toUpperCase()}; v=1` }],
    ['too many hops', { via: '1.1 a, 1.1 b, 1.1 c, 1.1 d, 1.1 e, 1.1 f' }],
  ];
  it.each(lines)('shown by %s ends in 508, even for what is in the cache', async (_name, headers) => {
    const url = stack.publish(picture);
    const path = new URL(url).pathname;
    expectRefusal(await stack.media(url, 'emoji&fallback', { headers }), 508, 'LOOP');
    expectRefusal(await stack.media(url, '', { headers }), 508, 'LOOP');
    expect(stack.origin.hits(path)).toBe(0);
    await expectPicture(await stack.media(url, 'emoji'));
    const answer = await stack.media(url, 'emoji', { headers });
    expectRefusal(answer, 508, 'LOOP');
    expect(answer.headers['proxy-status']).toContain('proxy_loop_detected');
    expect(stack.origin.hits(path)).toBe(1);
  });

  it('is visible to the next one: Via, CDN-Loop and User-Agent go upstream, inbound entries kept', async () => {
    const url = stack.publish(picture);
    await expectPicture(await stack.media(url, 'emoji', { headers: { via: ['1.0 first', '1.1 second (x)'], 'cdn-loop': 'cdn.example' } }));
    const [request] = stack.origin.requests.filter(({ url: path }) => path === new URL(url).pathname);
    expect(request?.headers.via).toMatch(new RegExp(`^1\\.0 first, 1\\.1 second(?: \\(x\\))?, 1\\.1 ${pseudonym}$`));
    expect(request?.headers['cdn-loop']).toBe(`cdn.example, ${OURS}`);
    expect(request?.headers['user-agent']).toMatch(/^Sekisho\/\S+ \(Misskey\/; \+https:\/\/instance\.peer\.example\/?\)$/);
    expect(request?.headers['accept-encoding'] ?? 'identity').toBe('identity');
    for (const name of ['cookie', 'x-forwarded-for', 'referer', 'authorization', 'origin']) expect(request?.headers).not.toHaveProperty(name);
  });

  it('by a redirect to ourselves ends in 508, and Misskey hears nothing', async () => {
    const before = stack.misskey.requests.length;
    for (const to of [`https://${OURS}/media/x?url=https%3A%2F%2Fa.origin.example%2F`, `https://${OURS}/api/meta`, `http://${OURS.toUpperCase()}./`]) {
      expectRefusal(await stack.media(stack.origin.url(`/redirect?to=${encodeURIComponent(to)}`), 'emoji'), 508, 'LOOP');
    }
    expect(stack.misskey.requests.length).toBe(before);
  });
});

describe('an upstream that wastes time', () => {
  const slow: readonly [string, string, number][] = [
    ['says nothing', '/hang', 504], ['answers late', '/slow?ms=60000', 504], ['drips its headers', '/header-drip', 504], ['sends 103 without end', '/103-flood', 504],
    ['drips its body', '/drip?ms=200', 504], ['stops in its body', '/stall?head=100', 504],
  ];
  it('is left within the deadline, and disturbs nobody', async () => {
    const flood = Array.from({ length: 60 }, async (_, at) => await stack.media(stack.origin.url('/hang', `flood${at}.origin.example`), 'emoji', { client: `198.51.100.${at}` }));
    const running = slow.map(async ([, path]) => ({ path, answer: await stack.media(stack.origin.url(path, `slow${path.length}.origin.example`), 'emoji', { client: '192.0.2.1' }) }));
    const handshake = stack.media(`https://mute.origin.example:${mutePort}/x.png`, 'emoji', { client: '192.0.2.2' });
    for (let turn = 0; turn < 5; turn += 1) {
      const answer = await stack.media(stack.publish(picture), 'emoji', { client: '203.0.113.5' });
      await expectPicture(answer);
      expect(answer.ms).toBeLessThan(5_000);
    }
    for (const { path, answer } of await Promise.all(running)) {
      expect({ path, status: answer.status }).toEqual({ path, status: slow.find(([, each]) => each === path)?.[2] });
      expect(answer.ms).toBeLessThan(25_000);
      expectMediaAnswer(answer);
    }
    const stalled = await handshake;
    expect([502, 504]).toContain(stalled.status);
    expect(stalled.ms).toBeLessThan(12_000);
    for (const answer of await Promise.all(flood)) expect([503, 504]).toContain(answer.status);
    expect(await eventually(async () => (await stack.metric('gateway', 'sekisho_gateway_line_running_entries')) === 0, 5_000)).toBe(true);
  });
});

const COMPRESS = {
  gzip: (plain: Buffer): Buffer => gzipSync(plain, { level: 1 }),
  deflate: (plain: Buffer): Buffer => deflateSync(plain, { level: 1 }),
  br: (plain: Buffer): Buffer => brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  zstd: (plain: Buffer): Buffer => zstdCompressSync(plain),
};

describe('a body that is too much', () => {
  it('without end, called a picture: 413 at the limit of pictures, and the connection is closed', async () => {
    let sent = 0;
    let closed = false;
    stack.origin.handle('/endless.png', (_request, response) => {
      response.writeHead(200, { 'content-type': 'image/png' });
      response.once('close', () => {
        closed = true;
      });
      const block = Buffer.alloc(64 * 1024);
      const go = (): void => {
        while (!response.destroyed && response.write(block)) sent += block.length;
        sent += block.length;
      };
      response.on('drain', go);
      response.write(picture);
      go();
    });
    expectRefusal(await stack.media(stack.origin.url('/endless.png'), 'emoji'), 413, 'SOURCE_TOO_LARGE');
    expect(await eventually(() => closed, 5_000)).toBe(true);
    expect(sent).toBeLessThan(40 * MiB);
  });

  it('announced: 413 before it is read', async () => {
    stack.origin.handle('/announced.png', (_request, response) => {
      response.writeHead(200, { 'content-length': 21 * MiB });
      response.write(picture);
    });
    const answer = await stack.media(stack.origin.url('/announced.png'), 'emoji');
    expectRefusal(answer, 413, 'SOURCE_TOO_LARGE');
    stack.origin.handle('/announced.mp4', (_request, response) => {
      response.writeHead(200, { 'content-length': 251 * MiB });
      response.write(Buffer.from('0000001c667479706d703432', 'hex'));
      response.write(Buffer.alloc(8_192));
    });
    expectRefusal(await stack.media(stack.origin.url('/announced.mp4')), 413, 'SOURCE_TOO_LARGE');
  });

  it.each(['gzip', 'deflate', 'br', 'zstd'] as const)('in %s: a bomb is cut at the limit of decoded bytes', async (coding) => {
    const bomb = Buffer.concat([picture, Buffer.alloc(48 * MiB)]);
    const url = stack.publish(COMPRESS[coding](bomb), { headers: { 'content-encoding': coding }, type: 'image/png' });
    const answer = await stack.media(url, 'emoji', { timeoutMs: 30_000 });
    expect([413, 502]).toContain(answer.status);
    expectMediaAnswer(answer);
  });

  it('in gzip of gzip: refused', async () => {
    expectRefusal(await stack.media(stack.publish(gzipConstant(0, MiB), { contentEncoding: ['gzip', 'gzip'] }), 'emoji'), 502, 'UPSTREAM_FAULT');
  });

  it.each([['shorter', -10], ['longer', 5_000]])('%s than its Content-Length: no picture of it', async (_name, by) => {
    stack.origin.handle(`/length${by}.png`, (request, response) => {
      request.socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: ${picture.length - by}\r\nconnection: close\r\n\r\n`), picture]));
      response.destroy();
    });
    const answer = await stack.media(stack.origin.url(`/length${by}.png`), 'emoji');
    expect([422, 502]).toContain(answer.status);
    expectMediaAnswer(answer);
  });

  it('as response headers: 502', async () => {
    expectRefusal(await stack.media(stack.origin.url('/big-headers?bytes=20000', 'big.origin.example'), 'emoji'), 502, 'UPSTREAM_FAULT');
  });

  it('as request headers: refused at the door', async () => {
    const answer = await stack.get('/media/x?url=https%3A%2F%2Fa.origin.example%2F', { headers: { 'x-big': 'a'.repeat(17_000) } });
    expect([400, 431]).toContain(answer.status);
  });
});

describe('a name from outside', () => {
  const names = [
    'inline; filename="a\r\nset-cookie: x=y.png"', 'inline; filename="a%0d%0aset-cookie: x=y"', "inline; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x%3Dy.png",
    'inline; filename="a\\"; filename=\\"b.html"', `inline; filename="${'a'.repeat(8_000)}.png"`, "inline; filename*=UTF-8''%E2%80%AEgnp.exe", "inline; filename*=UTF-8''%00a.png", 'inline; filename=""',
    "attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", 'inline; filename="x.svg"', "inline; filename*=UTF-8''%F0%28%8C%28", 'inline; filename="シール.png"',
  ];
  it.each(names.map((value, at) => [at, value] as const))('%i is one short header line', async (at, disposition) => {
    // Bytes as they come: node:http would refuse to write most of them.
    stack.origin.handle(`/named/${at}`, (request, response) => {
      request.socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-disposition: ${disposition.replaceAll(/[\r\n]/g, ' ')}\r\ncontent-length: ${picture.length}\r\nconnection: close\r\n\r\n`), picture]));
      response.detachSocket(request.socket);
    });
    const answer = await stack.media(stack.origin.url(`/named/${at}`));
    expect(answer.status).toBe(200);
    expectMediaAnswer(answer);
    const value = String(answer.headers['content-disposition']);
    expect(answer.rawHeaders.filter((each) => /^content-disposition$/i.test(each)).length).toBe(1);
    expect(value).toMatch(/^inline; filename="[\w.-]{1,200}"(?:; filename\*=UTF-8''[\w.%!'~-]+)?$/);
    expect(value.length).toBeLessThan(1_200);
    expect(value).toMatch(/\.png["]?/);
    expect(decodeURIComponent(value)).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069/\\]/u);
  });
});

describe('bytes that are two things', () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script><rect width="9" height="9"/></svg>';
  const bodies: readonly [string, Buffer][] = [
    ['SVG with a BOM', Buffer.from(`\ufeff${svg}`)], ['SVG in UTF-16', Buffer.from(`\ufeff${svg}`, 'utf16le')], ['SVG in UTF-7', Buffer.from(`+ADw-svg xmlns='http://www.w3.org/2000/svg'+AD4-`)],
    ['SVG after blanks', Buffer.from(`${' '.repeat(5_000)}${svg}`)], ['SVG with a doctype', Buffer.from(`<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://127.0.0.1/x.dtd">${svg}`)],
    ['HTML with SVG in it', Buffer.from(`<html><body>${svg}</body></html>`)], ['XML with a stylesheet', Buffer.from(`<?xml version="1.0"?><?xml-stylesheet href="http://127.0.0.1/x.xsl"?>${svg}`)],
    ['WebP by name, SVG by bytes', Buffer.from(svg)], ['PNG magic before HTML', Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.from('<script>alert(1)</script>')])],
    ['GIF magic before a script', Buffer.from('GIF89a=1;alert(1)//')], ['RIFF that is nothing', Buffer.from('RIFF\x10\0\0\0WEBP<script>')], ['MP4 box before HTML', Buffer.from('\0\0\0\x14ftyp<html><script>alert(1)</script>')],
  ];
  it.each(bodies)('%s never leaves as a document', async (_name, bytes) => {
    for (const query of ['', 'emoji', 'fallback&static']) {
      const answer = await stack.media(stack.publish(bytes, { type: 'image/webp' }), query);
      expectMediaAnswer(answer);
      expect(answer.headers['content-type'] ?? '').toMatch(/^(?:image\/(?!svg)|video\/|audio\/|application\/(?:json|ogg))/);
    }
  });
});

describe('a client that wastes time', () => {
  it('with its headers is cut off', async () => {
    const socket = connect(stack.stack.ports.gateways[0] ?? 0, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write('GET /media/x HTTP/1.1\r\nhost: x\r\nx-slow: ');
    const drip = setInterval(() => socket.write('a'), 500);
    const began = performance.now();
    socket.resume();
    await once(socket, 'close');
    clearInterval(drip);
    expect(performance.now() - began).toBeLessThan(25_000);
  });
});

describe('after all of this', () => {
  it('the services are small and well', async () => {
    await expectPicture(await stack.media(stack.publish(picture), 'emoji'));
    for (const child of [...stack.stack.children.gateways, stack.stack.children.fetcher]) {
      expect(child.exitCode).toBeNull();
      expect(residentBytes(child.pid ?? 0)).toBeLessThan(500 * MiB);
    }
    expect((await ask(`http://127.0.0.1:${stack.stack.ports.fetcherOps}/readyz`)).status).toBe(200);
    expect(stack.log.filter((line) => /"level":"(?:error|fatal)"|Unhandled|Warning: Possible/.test(line))).toEqual([]);
  });
});

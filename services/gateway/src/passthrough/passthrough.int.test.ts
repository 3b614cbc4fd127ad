import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, type RequestOptions, request as httpRequest } from 'node:http';
import { type Server, type Socket, connect, createServer as createTcpServer } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type MisskeyStub, startMisskeyStub } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { type GatewayServer, type ServerLimits, createGatewayServer } from '../server/server.ts';
import type { PassEnd } from './exchange.ts';
import { type Passthrough, type PassthroughLimits, createPassthrough } from './passthrough.ts';

const MiB = 1024 * 1024;
const client = { address: '203.0.113.9', key: '203.0.113.9', net: '203.0.113.0/24' };
const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Setup {
  readonly stub: MisskeyStub;
  readonly gateway: GatewayServer;
  readonly passthrough: Passthrough;
  readonly port: number;
  readonly ends: PassEnd[];
}

async function setup(limits: Partial<PassthroughLimits> = {}, serverLimits: Partial<ServerLimits> = {}): Promise<Setup> {
  const stub = await startMisskeyStub({ publicUrl: 'https://misskey.example' });
  return { ...(await front(stub.url, limits, serverLimits)), stub, ...pushCloser(() => stub.close()) };
}

const pushCloser = (close: () => Promise<unknown>): object => {
  closers.unshift(close);
  return {};
};

async function front(url: string, limits: Partial<PassthroughLimits> = {}, serverLimits: Partial<ServerLimits> = {}): Promise<Omit<Setup, 'stub'>> {
  const ends: PassEnd[] = [];
  const passthrough = createPassthrough({ url, publicUrl: 'https://misskey.example', limits: { sweepMs: 50, ...limits } });
  const context = { client, requestId: 'request-1', onEnd: (end: PassEnd) => void ends.push(end) };
  const gateway = createGatewayServer({
    hot: () => false,
    app: (req, res) => passthrough.handle(req, res, context),
    upgrade: (req, socket, head) => passthrough.upgrade(req, socket, head, context),
    limits: { checkMs: 50, drainMs: 200, ...serverLimits },
  });
  const port = await gateway.listen(0, '127.0.0.1');
  closers.push(() => passthrough.close(), () => gateway.close());
  return { gateway, passthrough, port, ends };
}

async function ask(port: number, path: string, options: RequestOptions & { body?: Buffer | string } = {}): Promise<IncomingMessage> {
  const req = httpRequest({ port, path, host: '127.0.0.1', agent: false, headers: { host: 'misskey.example' }, ...options });
  req.end(options.body);
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  return res;
}

/** Sends bytes as they are and returns all that comes back until the close. */
async function raw(port: number, bytes: string, waitMs = 5_000): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const timer = setTimeout(() => socket.destroy(), waitMs);
  socket.write(bytes, 'latin1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => socket.once('close', resolve));
  clearTimeout(timer);
  return Buffer.concat(chunks).toString('latin1');
}

const PIECES = 60_000;
/** One upload in single bytes. */
function createPieces(port: number): { readonly socket: Socket; heapBytes(): Promise<number>; answer(): Promise<string> } {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const settledHeapBytes = async (): Promise<number> => {
    gc();
    // What the tests before left goes in two steps.
    await delay(200);
    gc();
    return process.memoryUsage().heapUsed;
  };
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  return {
    socket,
    /** That it takes. */
    heapBytes: async () => {
      const bytes = Buffer.from(`POST /stub/echo HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${'1\r\na\r\n'.repeat(PIECES)}`);
      const before = await settledHeapBytes();
      await new Promise((resolve) => socket.write(bytes, resolve));
      await delay(1_000);
      return (await settledHeapBytes()) - before;
    },
    answer: async () => {
      socket.write('0\r\n\r\n');
      const answer = await text(socket);
      return answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1);
    },
  };
}

describe('passing on', () => {
  it('keeps method, raw path, Host, order and case, and says itself who the client is', async () => {
    const { port, stub } = await setup();
    const path = '/api/../%2e/a//b?x=%2F&y=1;z';
    await raw(port, `GET ${path} HTTP/1.1\r\nhOsT: misskey.example\r\nX-Forwarded-For: 10.0.0.1\r\nX-TWICE: 1\r\nx-twice: 2\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nCookie: a=\xe4\r\n\r\n`);
    expect(stub.requests).toHaveLength(1);
    expect(stub.requests[0]).toMatchObject({ method: 'GET', url: path });
    expect(stub.requests[0]?.rawHeaders).toEqual([
      'host', 'misskey.example', 'connection', 'keep-alive', 'X-TWICE', '1', 'x-twice', '2', 'Cookie', 'a=\xe4',
      'X-Forwarded-For', '203.0.113.9', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'misskey.example', 'X-Request-Id', 'request-1',
    ]);
  });

  it('keeps repeated headers of the answer and drops those of the hop', async () => {
    const { port } = await setup();
    const answer = await raw(port, 'GET /stub/headers HTTP/1.1\r\nHost: misskey.example\r\nConnection: close\r\n\r\n');
    for (const line of ['Set-Cookie: a=1; Path=/', 'SET-COOKIE: b=2', 'X-Mixed-Case: sch\xf6n', 'x-twice: 1', 'X-Twice: 2', 'X-Request-Id: request-1']) {
      expect(answer).toContain(`\r\n${line}\r\n`);
    }
    expect(answer).not.toMatch(/x-private|proxy-authenticate|upstream-own/i);
  });

  it.each([['GET', 200, true], ['HEAD', 200, false]])('%s of a page', async (method, status, hasBody) => {
    const { port, ends } = await setup();
    const res = await ask(port, '/', { method });
    expect(res.statusCode).toBe(status);
    expect(Number(res.headers['content-length'])).toBeGreaterThan(100);
    expect((await text(res)).length > 0).toBe(hasBody);
    await until(() => ends.length === 1);
    expect(ends[0]).toMatchObject({ status: 200, code: undefined, aborted: false });
  });

  it.each([204, 304])('%d has no body and no length', async (code) => {
    const { port } = await setup();
    const res = await ask(port, `/stub/status?code=${code}`);
    expect([res.statusCode, res.headers['content-length'], res.headers['transfer-encoding']]).toEqual([code, undefined, undefined]);
    expect(await text(res)).toBe('');
  });

  it('leaves compressed bytes alone and passes ranges', async () => {
    const { port, stub } = await setup();
    const zipped = await ask(port, '/stub/gzip');
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(await buffer(zipped)).toString()).toBe('squeezed '.repeat(1_000));
    stub.files.set('a.bin', { body: Buffer.from('0123456789'), type: 'application/octet-stream' });
    const part = await ask(port, '/files/a.bin', { headers: { host: 'misskey.example', range: 'bytes=2-4' } });
    expect([part.statusCode, part.headers['content-range'], await text(part)]).toEqual([206, 'bytes 2-4/10', '234']);
  });

  it('ignores informational answers', async () => {
    const { port } = await setup();
    const answer = await raw(port, 'GET /stub/hints HTTP/1.1\r\nHost: misskey.example\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain('hinted');
  });

  it.each<[string, number, boolean]>([['short', 1_000, false], ['at the edge', 16 * 1024, false], ['over it', 16 * 1024 + 1, false], ['long', 3 * MiB, false], ['chunked', 300_000, true]])(
    'passes a %s body unchanged',
    async (_name, bytes, chunked) => {
      const { port, stub } = await setup();
      const body = randomBytes(bytes);
      const headers = { host: 'misskey.example', ...(chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': bytes }) };
      const res = await ask(port, '/stub/echo', { method: 'POST', headers, body });
      const echoed = JSON.parse(await text(res)) as { bytes: number; hash: string };
      expect(echoed).toMatchObject({ bytes, hash: createHash('sha256').update(body).digest('hex') });
      expect(stub.requests[0]?.bodyBytes).toBe(bytes);
    },
  );

  it('says 100-continue itself', async () => {
    const { port, stub } = await setup();
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /stub/echo HTTP/1.1\r\nHost: misskey.example\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n');
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first.toString()).toMatch(/^HTTP\/1\.1 100 /);
    socket.write('body');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 /);
    expect(stub.requests[0]?.bodyBytes).toBe(4);
  });
});

describe('back-pressure', () => {
  it('reads no faster than the client does', async () => {
    const { port, stub } = await setup();
    const res = await ask(port, `/stub/big?bytes=${200 * MiB}`);
    await once(res, 'readable');
    await delay(300);
    const before = process.memoryUsage().rss;
    await delay(300);
    // Buffers of three sockets and the kernel; the stub could have sent all by now.
    expect(stub.bytesSent).toBeLessThan(30 * MiB);
    expect(process.memoryUsage().rss - before).toBeLessThan(20 * MiB);
    res.destroy();
    await until(() => stub.requests[0]?.aborted === true);
  });

  it('reads a whole large body once the client goes on', async () => {
    const { port } = await setup();
    const res = await ask(port, `/stub/big?bytes=${20 * MiB}&chunked=1`);
    let bytes = 0;
    for await (const chunk of res as AsyncIterable<Buffer>) bytes += chunk.length;
    expect(bytes).toBe(20 * MiB);
  });

  it('takes no more of an upload than Misskey reads', async () => {
    const { port } = await setup();
    const req = httpRequest({ port, host: '127.0.0.1', agent: false, path: '/api/drive/files/create?slow=1000', method: 'POST', headers: { host: 'm', 'content-length': 100 * MiB } });
    req.on('error', () => undefined);
    let written = 0;
    const chunk = Buffer.alloc(256 * 1024);
    const push = (): void => {
      while (written < 100 * MiB) {
        written += chunk.length;
        if (!req.write(chunk)) return;
      }
    };
    req.on('drain', push);
    push();
    await delay(700);
    expect(written).toBeLessThan(40 * MiB);
    req.destroy();
  });
});

describe('breaking off', () => {
  it('lets go of Misskey when the client leaves before the answer', async () => {
    const { port, stub, passthrough, ends } = await setup();
    const req = httpRequest({ port, host: '127.0.0.1', path: '/stub/hang', agent: false, headers: { host: 'm' } }).end();
    req.on('error', () => undefined);
    await until(() => stub.requests.length === 1);
    req.destroy();
    await until(() => stub.requests[0]?.aborted === true);
    expect(ends).toEqual([{ status: 0, bytes: 0, code: 'SEKISHO_ABORTED', aborted: true }]);
    expect(passthrough.running).toBe(0);
  });

  it('lets go of Misskey when the client leaves in its upload', async () => {
    const { port, stub, passthrough, ends } = await setup();
    const req = httpRequest({ port, host: '127.0.0.1', path: '/stub/echo', method: 'POST', agent: false, headers: { host: 'm', 'content-length': MiB } });
    req.on('error', () => undefined);
    req.write(Buffer.alloc(100_000));
    await until(() => (stub.requests[0]?.bodyBytes ?? 0) > 0);
    req.destroy();
    await until(() => stub.requests[0]?.aborted === true);
    await until(() => passthrough.running === 0);
    expect(ends).toMatchObject([{ code: 'SEKISHO_ABORTED', aborted: true }]);
  });

  it.each(['mode=length', 'mode=chunked', 'mode=closing', 'mode=length&fin=1', 'mode=chunked&fin=1', 'mode=closing&fin=1'])(
    'resets the client when Misskey dies in a body (%s)',
    async (query) => {
      const { port, ends } = await setup();
      const res = await ask(port, `/stub/die?${query}`);
      await expect(text(res)).rejects.toThrow('aborted');
      await until(() => ends.length === 1);
      expect(ends[0]).toMatchObject({ status: 200, aborted: true, code: 'SEKISHO_MISSKEY_AWAY' });
    },
  );

  it('answers 503 when Misskey dies before it answers, after one more try', async () => {
    const { port, stub } = await setup();
    const res = await ask(port, '/stub/die?mode=before');
    expect([res.statusCode, res.headers['retry-after'], res.headers['sekisho-code']]).toEqual([503, '5', 'OVERLOADED']);
    expect(stub.requests).toHaveLength(2);
  });

  it('never repeats a POST', async () => {
    const { port, stub } = await setup();
    const res = await ask(port, '/stub/die?mode=before', { method: 'POST', body: 'x' });
    expect(res.statusCode).toBe(503);
    expect(stub.requests).toHaveLength(1);
  });

  it('answers 503 while Misskey is away, and passes again when it is back', async () => {
    const { port, stub } = await setup();
    expect((await ask(port, '/')).statusCode).toBe(200);
    await stub.close();
    const away = await ask(port, '/', { headers: { host: 'm', 'x-request-id': 'mine-12345' } });
    expect([away.statusCode, away.headers['retry-after'], await text(away)]).toEqual([
      503, '5', '{"code":"OVERLOADED","message":"The service is busy, try again later."}',
    ]);
    const again = await startMisskeyStub({ port: stub.port });
    closers.push(() => again.close());
    expect((await ask(port, '/')).statusCode).toBe(200);
  });

  it('passes an answer that comes before the upload is read', async () => {
    const { port } = await setup();
    const req = httpRequest({ port, host: '127.0.0.1', path: '/stub/early', method: 'POST', agent: false, headers: { host: 'm', 'content-length': 2 * MiB } });
    req.on('error', () => undefined);
    req.write(Buffer.alloc(MiB));
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    expect([res.statusCode, await text(res)]).toEqual([413, 'large']);
    req.destroy();
  });
});

describe('limits', () => {
  it('gives up on an answer that does not begin', async () => {
    const { port, stub } = await setup({ headersMs: 200 });
    const res = await ask(port, '/stub/hang');
    expect(res.statusCode).toBe(503);
    await until(() => stub.requests[0]?.aborted === true);
  });

  it('lets go of a client that does not read', async () => {
    const { port, stub, ends } = await setup({ stallMs: 200 });
    const res = await ask(port, `/stub/big?bytes=${100 * MiB}`);
    res.on('error', () => undefined);
    await until(() => ends.length === 1);
    expect(ends[0]).toMatchObject({ aborted: true, code: 'SEKISHO_REQUEST_TIMEOUT' });
    await until(() => stub.requests[0]?.aborted === true);
    res.destroy();
  });

  it('bounds what runs and what waits', async () => {
    const { port, passthrough, stub } = await setup({ runningMax: 1, waitingMax: 1, headersMs: 60_000 });
    const hang = (): ReturnType<typeof httpRequest> => httpRequest({ port, host: '127.0.0.1', path: '/stub/hang', agent: false, headers: { host: 'm' } }).on('error', () => undefined);
    const first = hang().end();
    await until(() => stub.requests.length === 1);
    const second = hang().end();
    await until(() => passthrough.waiting === 1);
    expect((await ask(port, '/')).statusCode).toBe(503);
    second.destroy();
    await until(() => passthrough.waiting === 0);
    const third = ask(port, '/');
    await until(() => passthrough.waiting === 1);
    first.destroy();
    expect((await third).statusCode).toBe(200);
    expect(stub.requests.map(({ url }) => url)).toEqual(['/stub/hang', '/']);
  });

  it('keeps slow uploads from holding the places of everybody', async () => {
    const { port, stub, passthrough } = await setup({ runningMax: 2, uploadsMax: 1, queueMs: 60_000 });
    const upload = (): ReturnType<typeof httpRequest> => {
      const req = httpRequest({ port, host: '127.0.0.1', path: '/stub/echo', method: 'POST', agent: false, headers: { host: 'm', 'content-length': MiB } });
      req.on('error', () => undefined).write('x');
      return req;
    };
    const first = upload();
    await until(() => stub.requests.length === 1);
    const second = upload();
    await delay(50);
    expect((await ask(port, '/')).statusCode).toBe(200);
    expect(passthrough.running).toBe(1);
    first.destroy();
    await until(() => stub.requests.length === 3);
    second.destroy();
    await until(() => passthrough.running === 0);
  });

  it('holds uploads that wait in one piece each, and passes them on as they came', async () => {
    const { port, stub } = await setup({ uploadsMax: 1, uploadsPerClientMax: 9, queueMs: 60_000 });
    const first = httpRequest({ port, host: '127.0.0.1', path: '/stub/echo', method: 'POST', agent: false, headers: { host: 'm', 'transfer-encoding': 'chunked' } });
    first.on('error', () => undefined).write('x');
    await until(() => stub.requests.length === 1);
    // The 1 that may wait.
    const waiting = createPieces(port);
    expect(await waiting.heapBytes()).toBeLessThan(4 * MiB);
    // As it is where nobody takes the body.
    const unread = createGatewayServer({ hot: () => false, app: () => undefined, upgrade: () => undefined, limits: { checkMs: 50, drainMs: 200 } });
    closers.push(() => unread.close());
    const control = createPieces(await unread.listen(0, '127.0.0.1'));
    expect(await control.heapBytes()).toBeGreaterThan(6 * MiB);
    control.socket.destroy();
    first.end();
    expect(JSON.parse(await waiting.answer())).toMatchObject({ bytes: PIECES, hash: createHash('sha256').update('a'.repeat(PIECES)).digest('hex') });
  });

  it.each([[false], [true]])('reads little of a long upload that waits, and all of it later (chunked: %s)', async (chunked) => {
    const sockets: Socket[] = [];
    const { port, stub, gateway } = await setup({ uploadsMax: 1, uploadsPerClientMax: 9, queueMs: 60_000 }, { uploadIdleMs: 300 });
    gateway.server.on('connection', (socket: Socket) => sockets.push(socket));
    const first = httpRequest({ port, host: '127.0.0.1', path: '/stub/echo', method: 'POST', agent: false, headers: { host: 'm', 'transfer-encoding': 'chunked' } });
    first.on('error', () => undefined).write('x');
    await until(() => stub.requests.length === 1);
    const body = randomBytes(20 * MiB);
    const answer = ask(port, '/stub/echo', { method: 'POST', headers: { host: 'm', ...(chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length }) }, body });
    await until(() => (sockets[1]?.bytesRead ?? 0) > 60_000);
    const keepsAlive = setInterval(() => first.write('x'), 100);
    // Longer than a client may be silent: the pause is ours.
    await delay(1_000);
    expect(sockets[1]?.bytesRead).toBeLessThan(MiB);
    clearInterval(keepsAlive);
    first.end();
    expect(JSON.parse(await text(await answer))).toMatchObject({ bytes: body.length, hash: createHash('sha256').update(body).digest('hex') });
  });

  it('bounds the uploads of one client', async () => {
    const { port } = await setup({ uploadsPerClientMax: 0 });
    expect((await ask(port, '/stub/echo', { method: 'POST', body: 'short' })).statusCode).toBe(200);
    expect((await ask(port, '/stub/echo', { method: 'POST', headers: { host: 'm', 'transfer-encoding': 'chunked' }, body: 'x' })).statusCode).toBe(429);
  });

  it('refuses a wait that is too long, and a client with too many', async () => {
    const { port, stub } = await setup({ runningMax: 1, perClientMax: 2, queueMs: 200 });
    const first = httpRequest({ port, host: '127.0.0.1', path: '/stub/hang', agent: false, headers: { host: 'm' } }).on('error', () => undefined).end();
    await until(() => stub.requests.length === 1);
    const second = ask(port, '/');
    await delay(50);
    expect((await ask(port, '/')).statusCode).toBe(429);
    expect((await second).statusCode).toBe(503);
    first.destroy();
  });
});

describe('what is refused', () => {
  const H = 'Host: misskey.example\r\n';
  it.each<[string, string, number]>([
    ['both framings', `POST / HTTP/1.1\r\n${H}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['both, the other way round', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`, 400],
    ['two lengths', `POST / HTTP/1.1\r\n${H}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd`, 400],
    ['the same length twice', `POST / HTTP/1.1\r\n${H}Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd`, 400],
    ['a signed length', `POST / HTTP/1.1\r\n${H}Content-Length: +4\r\n\r\nabcd`, 400],
    ['an unknown encoding', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 400],
    ['chunked not last', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`, 400],
    ['gzip and chunked', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 400],
    ['a space before the colon', `POST / HTTP/1.1\r\n${H}Content-Length : 4\r\n\r\nabcd`, 400],
    ['a folded header', `GET / HTTP/1.1\r\n${H}X-A: 1\r\n Transfer-Encoding: chunked\r\n\r\n`, 400],
    ['a bare line feed', `GET / HTTP/1.1\n${H}\n`, 400],
    ['a NUL in a value', `GET / HTTP/1.1\r\n${H}X-A: a\0b\r\n\r\n`, 400],
    ['a bad chunk size', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['two Hosts', `GET / HTTP/1.1\r\n${H}Host: other.example\r\n\r\n`, 400],
    ['absolute form', `GET http://other.example/ HTTP/1.1\r\n${H}\r\n`, 400],
    ["Misskey's own media proxy", `GET /proxy/x?url=http://10.0.0.1/ HTTP/1.1\r\n${H}\r\n`, 400],
    ["Misskey's own media proxy, escaped", `GET /%70roxy/x?url=http://10.0.0.1/ HTTP/1.1\r\n${H}\r\n`, 400],
    ['TRACE', `TRACE / HTTP/1.1\r\n${H}\r\n`, 405],
    ['CONNECT', `CONNECT a.example:443 HTTP/1.1\r\n${H}\r\n`, 405],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['17 KiB of header', `GET / HTTP/1.1\r\n${H}X-A: ${'a'.repeat(17 * 1024)}\r\n\r\n`, 431],
    ['300 header lines', `GET / HTTP/1.1\r\n${H}${'X-A: 1\r\n'.repeat(300)}\r\n`, 431],
  ])('%s', async (_name, bytes, status) => {
    const { port, stub } = await setup();
    const answer = await raw(port, bytes, 1_000);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    expect(stub.requests).toEqual(stub.requests.filter(({ aborted, bodyHash }) => aborted && bodyHash === undefined));
  });

  it('passes the same forms when they are right', async () => {
    const { port, stub } = await setup();
    const answer = await raw(port, `POST /stub/echo HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\nabcd\r\n0\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(stub.requests[0]?.bodyBytes).toBe(4);
  });

  it('hides no second request in a first one', async () => {
    const { port, stub } = await setup();
    const inner = `GET /admin HTTP/1.1\r\n${H}\r\n`;
    await raw(port, `POST /stub/echo HTTP/1.1\r\n${H}Content-Length: ${inner.length}\r\nConnection: close\r\n\r\n${inner}`);
    expect(stub.requests.map(({ url }) => url)).toEqual(['/stub/echo']);
    expect(stub.requests[0]?.bodyBytes).toBe(inner.length);
  });

  async function behind(bytes: string): Promise<IncomingMessage> {
    const server: Server = createTcpServer((socket: Socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(bytes, 'latin1'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => void server.close());
    const { port } = await front(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
    return await ask(port, '/');
  }

  it('drops a reason that is no text', async () => {
    const res = await behind('HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok');
    expect([res.statusCode, res.statusMessage, await text(res)]).toEqual([200, 'OK', 'ok']);
  });

  it.each<[string, string]>([
    ['both framings', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd'],
    ['a control character', 'HTTP/1.1 200 OK\r\nX-A: a\x01b\r\nContent-Length: 0\r\n\r\n'],
    ['no HTTP', 'hello\r\n\r\n'],
    ['70 KiB of head', `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(70 * 1024)}\r\n\r\n`],
  ])('answers 502 to an answer of Misskey with %s', async (_name, bytes) => {
    const res = await behind(bytes);
    expect(res.statusCode).toBe(502);
    res.resume();
  });
});

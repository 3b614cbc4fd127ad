import { once } from 'node:events';
import { type IncomingMessage, type RequestOptions, type ServerResponse, createServer, request } from 'node:http';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { FetchOutcome, StreamOutcome } from '@sekisho/contracts';
import { until } from '@sekisho/testkit/until';
import type { Fetched } from '../fetching/client.ts';
import { createDescriptions } from './descriptions.ts';
import { type StreamOrder, type StreamServed, type StreamsOptions, createStreams } from './streams.ts';

const MiB = 1024 * 1024;
const URL_OF = 'https://a.origin.example/clip.mp4';
const KEY = 'k'.repeat(43);
const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** An upstream file behind a fetch client. */
class Origin {
  content = Buffer.from(Array.from({ length: 10_000 }, (_value, index) => index % 251));
  type = 'video/mp4';
  validator: string | undefined = '"v1"';
  ranges = true;
  readonly asked: (string | undefined)[] = [];
  readonly bodies: Readable[] = [];
  next: Partial<StreamOutcome> | FetchOutcome | undefined;
  make: (bytes: Buffer) => Readable = (bytes) => Readable.from([bytes]);

  fetch(range: string | undefined): Promise<Fetched> {
    this.asked.push(range);
    const { next } = this;
    this.next = undefined;
    if (next?.kind === 'deny' || next?.kind === 'fault') return Promise.resolve({ outcome: next, body: undefined });
    return Promise.resolve(this.#answer(range, next));
  }

  #answer(range: string | undefined, next: object | undefined): Fetched {
    const total = this.content.length;
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    const isPart = this.ranges && first !== undefined;
    const start = isPart ? Number(first) : 0;
    const end = isPart ? Math.min(Number(last), total - 1) : total - 1;
    const bytes = this.content.subarray(start, end + 1);
    const outcome = {
      kind: 'stream', status: isPart ? 206 : 200, type: start === 0 ? this.type : 'application/octet-stream', length: bytes.length, finalOrigin: 'https://a.origin.example',
      ...(this.validator === undefined ? {} : { validator: this.validator }),
      ...(isPart ? { contentRange: { start, end, total } } : {}),
      ...next,
    } as StreamOutcome;
    const body = this.make(bytes);
    this.bodies.push(body);
    return { outcome, body };
  }
}

interface Setup {
  readonly origin: Origin;
  readonly served: StreamServed[];
  ask(options?: RequestOptions): Promise<IncomingMessage>;
}

async function setup(options: Partial<StreamsOptions> & { opened?: boolean } = {}): Promise<Setup> {
  const origin = new Origin();
  const streams = createStreams({ descriptions: createDescriptions({ clock: Date }), ...options });
  const served: StreamServed[] = [];
  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const { range, 'if-range': ifRange, 'if-none-match': ifNoneMatch } = req.headers;
    const order: StreamOrder = {
      request: { url: URL_OF, method: req.method === 'HEAD' ? 'HEAD' : 'GET', range, ifRange: ifRange as string | undefined, ifNoneMatch },
      key: KEY, requestId: 'request-1', fetch: (asked) => origin.fetch(asked),
      ...(options.opened === true ? { opened: await origin.fetch(undefined) } : {}),
    };
    const end = await streams.serve(res, order);
    served.push(end);
    if (end.kind === 'refusal') res.writeHead(599, { code: end.code }).end();
  };
  const server = createServer((req, res) => void handle(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    origin,
    served,
    ask: async (over = {}) => {
      const req = request({ port, host: '127.0.0.1', agent: false, ...over }).end();
      const [res] = (await once(req, 'response')) as [IncomingMessage];
      return res;
    },
  };
}

const range = (value: string, more: Record<string, string> = {}): RequestOptions => ({ headers: { range: value, ...more } });

describe('serve()', () => {
  it('sends a whole medium with all its headers', async () => {
    const { origin, served, ask } = await setup();
    const res = await ask();
    expect(await buffer(res)).toEqual(origin.content);
    expect(res.headers).toMatchObject({
      'content-type': 'video/mp4', 'content-length': '10000', 'accept-ranges': 'bytes', etag: expect.stringMatching(/^"[\w-]+"$/),
      'cache-control': 'public, max-age=31536000, immutable', 'content-disposition': 'inline; filename="clip.mp4"', 'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining('sandbox'), 'x-request-id': 'request-1',
    });
    await until(() => served.length === 1);
    expect(served).toEqual([{ kind: 'sent', status: 200, bytes: 10_000, complete: true }]);
  });

  it('has no ETag and a day without an upstream validator', async () => {
    const { origin, ask } = await setup();
    origin.validator = undefined;
    const res = await ask();
    expect([res.headers.etag, res.headers['cache-control']]).toEqual([undefined, 'public, max-age=86400']);
    res.resume();
  });

  it('asks for the first bytes before it answers a range, once', async () => {
    const { origin, ask } = await setup();
    const res = await ask(range('bytes=5000-5009'));
    expect([res.statusCode, res.headers['content-range'], res.headers['content-length'], res.headers['content-type']]).toEqual([206, 'bytes 5000-5009/10000', '10', 'video/mp4']);
    expect(await buffer(res)).toEqual(origin.content.subarray(5_000, 5_010));
    await buffer(await ask(range('bytes=-1')));
    expect(origin.asked).toEqual(['bytes=0-4095', 'bytes=5000-5009', 'bytes=9999-9999']);
    expect(origin.bodies.every(({ destroyed }) => destroyed)).toBe(true);
  });

  it('answers HEAD, 304 and 416 without the upstream once it is known', async () => {
    const { origin, ask } = await setup();
    const head = await ask({ method: 'HEAD' });
    expect([head.statusCode, head.headers['content-length'], head.headers['content-type'], await text(head)]).toEqual([200, '10000', 'video/mp4', '']);
    const { etag } = head.headers;
    const same = await ask({ headers: { 'if-none-match': etag } });
    expect([same.statusCode, same.headers.etag, same.headers['content-type'], await text(same)]).toEqual([304, etag, undefined, '']);
    const outside = await ask(range('bytes=10000-'));
    expect([outside.statusCode, outside.headers['content-range'], outside.headers['cache-control'], await text(outside)]).toEqual([416, 'bytes */10000', 'no-store', '']);
    expect(origin.asked).toEqual(['bytes=0-4095']);
  });

  it('minds If-Range', async () => {
    const { ask } = await setup();
    const { etag } = (await ask({ method: 'HEAD' })).headers;
    const fits = await ask(range('bytes=0-0', { 'if-range': etag! }));
    const other = await ask(range('bytes=0-0', { 'if-range': '"other"' }));
    expect([fits.statusCode, other.statusCode]).toEqual([206, 200]);
    await Promise.all([buffer(fits), buffer(other)]);
  });

  it('gives 304 from what a first fetch told', async () => {
    const { ask, origin } = await setup();
    const { etag } = (await ask({ method: 'HEAD' })).headers;
    const fresh = await setup();
    const res = await fresh.ask({ headers: { 'if-none-match': etag } });
    expect(res.statusCode).toBe(304);
    expect(fresh.origin.bodies[0]?.destroyed).toBe(true);
    expect(origin.asked).toHaveLength(1);
  });

  it('sends the whole where the upstream knows no ranges, with one fetch', async () => {
    const { origin, ask } = await setup();
    origin.ranges = false;
    const res = await ask(range('bytes=5-6'));
    expect([res.statusCode, (await buffer(res)).length]).toEqual([200, 10_000]);
    expect(origin.asked).toEqual(['bytes=0-4095']);
  });

  it.each<[string, Partial<StreamOutcome> | FetchOutcome]>([
    ['validator', { validator: '"v2"' }],
    ['total', { contentRange: { start: 5, end: 6, total: 10_001 } }],
    ['length, so that the range is gone', { kind: 'deny', code: 'SEKISHO_UPSTREAM_RANGE', upstreamStatus: 416 }],
  ])('refuses a part of another version: %s, and forgets the old one', async (_name, next) => {
    const { origin, ask, served } = await setup();
    (await ask({ method: 'HEAD' })).resume();
    origin.next = next;
    const res = await ask(range('bytes=5-6'));
    expect(res.headers['code']).toBe('SEKISHO_UPSTREAM_CHANGED');
    expect(served.at(-1)?.kind).toBe('refusal');
    await buffer(await ask(range('bytes=5-6')));
    expect(origin.asked).toEqual(['bytes=0-4095', 'bytes=5-6', 'bytes=0-4095', 'bytes=5-6']);
  });

  it.each([undefined, 'bytes=0-1', 'bytes=5000-5001'])('sends nothing of a type that may not leave (%s)', async (asked) => {
    const { origin, ask } = await setup();
    origin.type = 'text/html';
    const res = await ask(asked === undefined ? {} : range(asked));
    expect(res.headers['code']).toBe('SEKISHO_TYPE_REFUSED');
    expect(origin.bodies.every(({ destroyed }) => destroyed)).toBe(true);
  });

  it('passes a refusal of the upstream on', async () => {
    const { origin, ask } = await setup();
    origin.next = { kind: 'deny', code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: 404 };
    expect((await ask()).headers['code']).toBe('SEKISHO_UPSTREAM_STATUS');
  });

  it('uses an open body for the whole, and leaves it for a range', async () => {
    const { origin, ask } = await setup({ opened: true });
    expect(await buffer(await ask())).toEqual(origin.content);
    expect(origin.asked).toEqual([undefined]);
    const res = await ask(range('bytes=1-2'));
    expect([res.statusCode, [...(await buffer(res))]]).toEqual([206, [1, 2]]);
    expect(origin.asked).toEqual([undefined, undefined, 'bytes=1-2']);
    expect(origin.bodies.every(({ destroyed }) => destroyed)).toBe(true);
  });
});

describe('pump()', () => {
  it.each<[string, number]>([['short', -1], ['long', 1]])('resets the client when a body is too %s', async (_name, off) => {
    const { origin, served, ask } = await setup();
    origin.make = (bytes) => Readable.from([off < 0 ? bytes.subarray(1) : Buffer.concat([bytes, Buffer.alloc(1)])]);
    await expect(ask().then(buffer)).rejects.toThrow();
    await until(() => served.length === 1);
    expect(served[0]).toMatchObject({ complete: false });
  });

  it('resets the client when a body of unknown length breaks', async () => {
    const { origin, ask } = await setup();
    origin.next = { length: undefined } as never;
    origin.make = (bytes) => Readable.from((async function* () {
      yield bytes;
      await delay(20);
      throw new Error('broken');
    })());
    await expect(buffer(await ask())).rejects.toThrow('aborted');
  });

  it('keeps memory flat under a client that does not read, and cuts it', async () => {
    const { origin, served, ask } = await setup({ stallMs: 300 });
    let produced = 0;
    origin.next = { length: 100 * MiB };
    origin.make = () => new Readable({
      read() {
        produced += 64 * 1024;
        this.push(Buffer.alloc(64 * 1024));
      },
    });
    const res = await ask();
    res.on('error', () => undefined);
    await until(() => served.length === 1);
    expect(produced).toBeLessThan(20 * MiB);
    expect(served[0]).toMatchObject({ kind: 'sent', status: 200, complete: false });
    expect(origin.bodies[0]?.destroyed).toBe(true);
    res.destroy();
  });

  it('lets go of the upstream when the client leaves', async () => {
    const { origin, served, ask } = await setup();
    origin.next = { length: undefined } as never;
    origin.make = () => new Readable({ read() { setTimeout(() => this.push(Buffer.alloc(1_000)), 5); } });
    const res = await ask();
    res.on('error', () => undefined);
    await once(res, 'data');
    res.destroy();
    await until(() => served.length === 1 && origin.bodies[0]!.destroyed);
  });
});

import { PassThrough, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { isSekishoError } from '@sekisho/contracts';
import { until } from '@sekisho/testkit/until';
import { boundBody, readHead, toBodyFault } from './body.ts';

const bounds = { length: undefined, bytesMax: 1_000, coding: 'identity', idleMs: 0 } as const;

async function end(body: Readable): Promise<string> {
  try {
    let bytes = 0;
    for await (const chunk of body) bytes += (chunk as Buffer).length;
    return String(bytes);
  } catch (error) {
    return toBodyFault(error).code;
  }
}
const from = (...sizes: number[]): Readable => Readable.from(sizes.map((size) => Buffer.alloc(size)));

describe('boundBody()', () => {
  it.each([
    ['just inside the limit', from(500, 500), bounds, '1000'], ['one above', from(500, 501), bounds, 'SEKISHO_UPSTREAM_TOO_LARGE'],
    ['of the announced length', from(10, 20), { ...bounds, length: 30 }, '30'], ['one short', from(10, 19), { ...bounds, length: 30 }, 'SEKISHO_UPSTREAM_FAULT'],
    ['one long', from(10, 21), { ...bounds, length: 30 }, 'SEKISHO_UPSTREAM_FAULT'], ['empty', from(), { ...bounds, length: 0 }, '0'],
    ['small, decoded large', Readable.from([gzipSync(Buffer.alloc(1_001))]), { ...bounds, coding: 'gzip' as const }, 'SEKISHO_UPSTREAM_TOO_LARGE'],
    ['coded, just inside', Readable.from([gzipSync(Buffer.alloc(1_000))]), { ...bounds, coding: 'gzip' as const }, '1000'],
    ['coded and cut', Readable.from([gzipSync(Buffer.alloc(1_000)).subarray(0, 20)]), { ...bounds, coding: 'gzip' as const }, 'SEKISHO_UPSTREAM_ENCODING'],
    ['not coded at all', from(10), { ...bounds, coding: 'gzip' as const }, 'SEKISHO_UPSTREAM_ENCODING'],
  ])('%s', async (_name, raw, limits, expected) => {
    expect(await end(boundBody(raw, limits))).toBe(expected);
    expect(raw.destroyed).toBe(true);
  });

  it.each([['identity'], ['gzip']] as const)('destroyed (%s), destroys its source', async (coding) => {
    const raw = new PassThrough();
    const body = boundBody(raw, { ...bounds, coding });
    body.destroy();
    await until(() => raw.destroyed, 2_000);
  });

  it('ends a stall, and a trickle below 1 KiB in the idle time', async () => {
    for (const trickle of [0, 1]) {
      const raw = new PassThrough();
      const timer = setInterval(() => raw.write(Buffer.alloc(trickle)), 10);
      expect(await end(boundBody(raw, { ...bounds, bytesMax: 1e6, idleMs: 100 }))).toBe('SEKISHO_UPSTREAM_TIMEOUT');
      clearInterval(timer);
    }
  });

  it('does not end what its reader holds back', async () => {
    const raw = Readable.from((function* () { for (;;) yield Buffer.alloc(64 * 1024); })());
    const body = boundBody(raw, { ...bounds, bytesMax: 1e9, idleMs: 50 });
    await readHead(body, 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(body.destroyed).toBe(false);
    body.destroy();
  });
});

describe('readHead()', () => {
  it('reads on where it stopped, and knows the end', async () => {
    const body = from(10, 10, 10);
    const first = await readHead(body, 10);
    expect([first.bytes.length, first.ended]).toEqual([10, false]);
    const second = await readHead(body, 15, first);
    expect([second.bytes.length, second.ended]).toEqual([20, false]);
    expect(await readHead(body, 100, second)).toMatchObject({ ended: true, bytes: { length: 30 } });
  });

  it('throws faults only', async () => {
    const body = new PassThrough();
    body.destroy(new Error('x'));
    expect(await readHead(body, 1).catch((error: unknown) => isSekishoError(error))).toBe(true);
  });
});

// Compressed bodies that grow without end: what is decoded stops at the limit, and the body of an error answer is neither
// decoded nor read, whatever its status.

import type { ServerResponse } from 'node:http';
import type { Transform } from 'node:stream';
import { constants, createBrotliCompress, createGzip, createZstdCompress } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeStream } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { type Rig, startRig } from './testing/rig.ts';

const MiB = 1024 * 1024;
const BYTES_MAX = 4 * MiB;
/** Socket buffers of both ends and undici's own. */
const UNREAD_BYTES_MAX = 8 * MiB;
const ZEROS = Buffer.alloc(64 * 1024);
/** Each block comes out at once: what stays inside a coder would look like silence. */
const CODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGzip({ flush: constants.Z_SYNC_FLUSH, level: 1 }),
  br: () => createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH, params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  zstd: () => createZstdCompress({ flush: constants.ZSTD_e_flush }),
};

let rig: Rig;
/** Bytes that the last bomb gave to its socket. */
let sentBytes = 0;

/** Compresses zeros for as long as the peer reads. */
function explode(response: ServerResponse, status: number, coding: string): void {
  const coder = CODERS[coding]!();
  sentBytes = 0;
  response.writeHead(status, { 'content-type': 'video/webm', 'content-encoding': coding });
  coder.on('data', (chunk: Buffer) => {
    sentBytes += chunk.length;
    if (!response.write(chunk)) coder.pause();
  });
  response.on('drain', () => coder.resume());
  const feed = (): void => {
    if (response.destroyed) return;
    coder.write(ZEROS, () => setImmediate(feed));
  };
  coder.write(makeStream('video/webm', 1_024), feed);
  response.once('close', () => coder.destroy());
  coder.on('error', () => undefined);
}

beforeAll(async () => {
  rig = await startRig();
  for (const coding of Object.keys(CODERS)) {
    for (const status of [200, 203, 300, 400, 404, 416, 429, 500, 503]) rig.origin.handle(`/${coding}/${status}`, (_request, response) => explode(response, status, coding));
  }
});
afterAll(() => rig.stop());

const gone = async (): Promise<void> => {
  expect(await rig.origin.idle(1_000)).toBe(true);
  await until(() => rig.app.running === 0);
};
const limits = { bytesMax: BYTES_MAX, deadlineMs: 10_000 };

describe.each(Object.keys(CODERS))('a bomb of %s', (coding) => {
  it.each([200, 203])('under %i is cut at the limit of the decoded bytes', async (status) => {
    const { outcome, response } = await rig.call(rig.origin.url(`/${coding}/${status}`, `b${coding}${status}.origin.example`), { limits });
    expect(outcome).toMatchObject({ kind: 'stream', type: 'video/webm' });
    let passed = 0;
    const read = async (): Promise<void> => {
      for await (const chunk of response.body!) passed += (chunk as Uint8Array).length;
    };
    await expect(read()).rejects.toThrow();
    expect(passed).toBeLessThanOrEqual(BYTES_MAX);
    // Not cut at once either: the limit is what ended it.
    expect(passed).toBeGreaterThan(BYTES_MAX / 2);
    await gone();
  });

  it.each<[number, string]>([
    [300, 'fault SEKISHO_UPSTREAM_FAULT'], [400, 'fault SEKISHO_UPSTREAM_STATUS'], [404, 'fault SEKISHO_UPSTREAM_STATUS'], [416, 'fault SEKISHO_UPSTREAM_STATUS'],
    [429, 'fault SEKISHO_UPSTREAM_PAUSED'], [500, 'fault SEKISHO_UPSTREAM_FAULT'], [503, 'fault SEKISHO_UPSTREAM_FAULT'],
  ])('under %i is not read at all: %s', async (status, expected) => {
    const startedMs = performance.now();
    expect(await rig.sum(rig.origin.url(`/${coding}/${status}`, `b${coding}${status}.origin.example`), { limits })).toBe(expected);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    await gone();
    expect(sentBytes).toBeLessThan(UNREAD_BYTES_MAX);
  });
});

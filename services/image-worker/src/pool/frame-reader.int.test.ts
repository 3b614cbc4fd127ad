// The same streams from a real process: a script in the decoder's place, behind its walls, writes what its job tells it to.
// Whatever it writes, and however slowly, the job ends, the worker keeps its memory, and only right answers count.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { encodeFrameHeader } from '@sekisho/contracts';
import { encodeFlatWebp } from '@sekisho/testkit';
import fc from 'fast-check';
import { decideSandbox } from '../sandbox/decide.ts';
import { createSpawn } from '../sandbox/spawn.ts';
import { type DecodeOutcome, DecoderPool, type PoolOptions } from './pool.ts';
import { REFUSAL_TEXT, RESULT_JSON, RESULT_TEXT, streams } from './testing/streams.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-pipe-'));
const frames = fileURLToPath(new URL('../decoder/frames.cjs', import.meta.url));
const pools: DecoderPool[] = [];
afterAll(async () => {
  for (const pool of pools) await pool.close();
  rmSync(folder, { recursive: true });
});

/** The body of its job is a program: JSON of chunks in base64, then what to do. */
const PUPPET = `'use strict';
const fs = require('node:fs');
const { readJob, writeFrame } = require(${JSON.stringify(frames)});
const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const put = (fd, bytes) => { for (let at = 0; at < bytes.length;) { try { at += fs.writeSync(fd, bytes, at, bytes.length - at); } catch (error) { if (error.code !== 'EAGAIN') throw error; } } };
writeFrame('ready', 0, {});
for (let next = readJob(); next !== undefined; next = readJob()) {
  const { chunks = [], pauseMs = 0, drip = 0, stderr = 0, end } = JSON.parse(next.body.toString());
  for (const chunk of chunks) { put(1, Buffer.from(chunk, 'base64')); if (pauseMs > 0) sleep(pauseMs); }
  for (let i = 0; i < drip; i += 1) put(1, Buffer.alloc(1));
  for (let i = 0; i < stderr; i += 1) put(2, Buffer.alloc(65536, 0x61));
  if (end === 'exit') process.exit(0);
  if (end === 'close') { fs.closeSync(1); sleep(60000); }
  if (end === 'hang') sleep(60000);
}
`;
const script = join(folder, 'puppet.cjs');
writeFileSync(script, PUPPET);

interface Part { readonly chunks?: readonly Buffer[]; readonly pauseMs?: number; readonly drip?: number; readonly stderr?: number; readonly end?: 'exit' | 'close' | 'hang' }
const order = (part: Part): Buffer => Buffer.from(JSON.stringify({ ...part, chunks: (part.chunks ?? []).map((chunk) => chunk.toString('base64')) }));

interface Stage { readonly pool: DecoderPool; readonly rejected: string[] }
function stage(limits: PoolOptions['limits'] = { wallMs: 5_000 }, hostile = script): Stage {
  const rejected: string[] = [];
  const { sandbox } = decideSandbox('best-effort');
  const pool = new DecoderPool({ slots: 1, isolation: 'image', limits, spawn: createSpawn({ sandbox, script: hostile, extraPaths: { read: [frames] } }), hooks: { rejected: (why) => rejected.push(why) } });
  pools.push(pool);
  return { pool, rejected };
}

const play = async ({ pool }: Stage, part: Part): Promise<DecodeOutcome> =>
  await pool.decode({ isolation: 'a', class: 'raster', mode: 'emoji', body: order(part), remainingMs: 20_000 });
const codeOf = (outcome: DecodeOutcome): string => (outcome.ok ? 'ok' : outcome.code);

const picture = await encodeFlatWebp(3, 2);
const json = Buffer.from(RESULT_JSON);
const right = Buffer.concat([encodeFrameHeader({ kind: 'result', seq: 1, jsonBytes: json.length, bodyBytes: picture.length }), json, picture]);

/** Each case costs a process. */
const CASES = 40;
const samples = [{ bytes: right, cuts: [7, 50] }, ...fc.sample(streams(1, picture), { numRuns: CASES, seed: 20_261_031 })];

/** What a stream that begins with a whole answer may end as. Bytes behind it come too late, or break it. */
function possibleCodes(bytes: Buffer): readonly string[] {
  if (bytes.equals(right)) return ['ok'];
  const never = ['SEKISHO_IMAGE_PROTOCOL', 'SEKISHO_IMAGE_WALL'];
  if (bytes.length < 20) return never;
  const [seq, kind, jsonBytes, bodyBytes] = [4, 8, 12, 16].map((at) => bytes.readUInt32LE(at)) as [number, number, number, number];
  const text = bytes.toString('utf8', 20, 20 + jsonBytes);
  const body = bytes.subarray(20 + jsonBytes, 20 + jsonBytes + bodyBytes);
  if (seq === 1 && kind === 2 && RESULT_TEXT.test(text) && body.equals(picture)) return ['ok', 'SEKISHO_IMAGE_PROTOCOL'];
  if (seq === 1 && kind === 3 && REFUSAL_TEXT.test(text) && bodyBytes === 0) return ['SEKISHO_IMAGE_DECODE', 'SEKISHO_IMAGE_FLAT', 'SEKISHO_IMAGE_PROTOCOL'];
  return never;
}

describe('a process that writes', () => {
  const shared = stage({ wallMs: 1_500 });

  it.each(samples.map((sample, at) => [at, sample] as const))('stream %i ends its job as it should', async (_at, { bytes, cuts }) => {
    const places = cuts === 'single' ? Array.from({ length: Math.min(bytes.length, 40) }, (_place, at) => at) : cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b);
    const chunks = [...places, bytes.length].map((end, at) => bytes.subarray(at === 0 ? 0 : places[at - 1], end));
    expect(possibleCodes(bytes)).toContain(codeOf(await play(shared, { chunks, end: 'hang' })));
  }, 15_000);

  it('has right ones among its samples, and wrong ones', () => {
    expect(samples.filter(({ bytes }) => possibleCodes(bytes)[0] === 'ok').length).toBeGreaterThan(0);
    expect(samples.filter(({ bytes }) => possibleCodes(bytes)[0] !== 'ok').length).toBeGreaterThan(CASES / 2);
  });

  it.each<[string, Part, string]>([
    ['the right answer in three parts', { chunks: [right.subarray(0, 19), right.subarray(19, 60), right.subarray(60)], pauseMs: 50 }, 'ok'],
    ['the right answer but for a byte, and ends', { chunks: [right.subarray(0, -1)], end: 'exit' }, 'SEKISHO_IMAGE_CRASH'],
    ['the right answer but for a byte, and waits', { chunks: [right.subarray(0, -1)], end: 'hang' }, 'SEKISHO_IMAGE_WALL'],
    ['nothing, and closes its pipe', { end: 'close' }, 'SEKISHO_IMAGE_WALL'],
    ['a byte every 100 ms', { chunks: Array.from(right, (byte) => Buffer.from([byte])), pauseMs: 100 }, 'SEKISHO_IMAGE_WALL'],
    ['more to its error output than last words take', { stderr: 40 }, 'SEKISHO_IMAGE_PROTOCOL'],
    ['the right answer twice', { chunks: [Buffer.concat([right, right])], end: 'hang' }, 'SEKISHO_IMAGE_PROTOCOL'],
  ])('%s', async (_what, part, code) => {
    expect(codeOf(await play(shared, part))).toBe(code);
  }, 15_000);

  it('the right answer, and another one when nobody asks, is not asked again', async () => {
    const theatre = stage();
    expect(codeOf(await play(theatre, { chunks: [right, right], pauseMs: 200, end: 'hang' }))).toBe('ok');
    expect(codeOf(await play(theatre, { chunks: [right] }))).toBe('ok');
  }, 15_000);
});

describe('the worker', () => {
  const MiB = 1_024 * 1_024;

  it('keeps its memory while a body comes in single bytes for as long as it may', async () => {
    const theatre = stage({ wallMs: 3_000 });
    await theatre.pool.warm();
    let peak = 0;
    const before = process.memoryUsage().rss;
    const sampler = setInterval(() => { peak = Math.max(peak, process.memoryUsage().rss); }, 20);
    const head = Buffer.from(encodeFrameHeader({ kind: 'result', seq: 1, jsonBytes: json.length, bodyBytes: 8 * MiB }));
    expect(['SEKISHO_IMAGE_WALL', 'SEKISHO_IMAGE_PROTOCOL']).toContain(codeOf(await play(theatre, { chunks: [head, json], drip: 9 * MiB, end: 'hang' })));
    clearInterval(sampler);
    expect(peak - before).toBeLessThan(128 * MiB);
  }, 20_000);

  it.each([['its first words', "require('node:fs').writeSync(1, Buffer.concat([Buffer.from('534b443100000000000000000800000000000000', 'hex'), Buffer.from('{\"a\": 1}')])); setInterval(() => {}, 1000);"]])('sends no picture to a child that adds to %s', async (_what, code) => {
    const other = join(folder, 'other.cjs');
    writeFileSync(other, code);
    const theatre = stage({ wallMs: 2_000 }, other);
    expect(codeOf(await play(theatre, {}))).toBe('SEKISHO_IMAGE_SPAWN');
    expect(theatre.rejected).toContain('body');
  }, 20_000);
});

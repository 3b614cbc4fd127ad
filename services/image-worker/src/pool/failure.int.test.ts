// Each way in which a decoder can fail: its code, what is counted, and that the next picture of another site is decoded at
// once. The decoders are real processes behind the whole sandbox, taken over by a script.

import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import type { Code } from '@sekisho/contracts';
import { encodeFlatWebp } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { decideSandbox } from '../sandbox/decide.ts';
import type { SandboxLayer } from '../sandbox/layers.ts';
import type { Sandbox } from '../sandbox/plan.ts';
import { type SpawnDecoder, type SpawnOptions, createSpawn } from '../sandbox/spawn.ts';
import { DecoderPool, type PoolOptions } from './pool.ts';

const { sandbox } = decideSandbox('require');
const folder = mkdtempSync(join(tmpdir(), 'sekisho-failure-'));
const FRAMES = fileURLToPath(new URL('../decoder/frames.cjs', import.meta.url));
const RESULT = "{ type: 'image/webp', width: 3, height: 2, frames: 1, framesCapped: false }";
const MiB = 1_024 * 1_024;
const webp = await encodeFlatWebp(3, 2);

/** Does what the bytes of its picture say. */
const OBEDIENT = `'use strict';
const fs = require('node:fs');
const { readJob, writeFrame } = require(${JSON.stringify(FRAMES)});
const WEBP = Buffer.from('${webp.toString('base64')}', 'base64');
const good = (seq) => writeFrame('result', seq, ${RESULT}, WEBP);
const sleep = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
const header = (seq, jsonBytes, bodyBytes) => { const h = Buffer.alloc(20); h.write('SKD1'); h.writeUInt32LE(seq, 4); h.writeUInt32LE(2, 8); h.writeUInt32LE(jsonBytes, 12); h.writeUInt32LE(bodyBytes, 16); fs.writeSync(1, h); };
const acts = {
  good,
  sleep: () => { process.stderr.write('asleep'); sleep(); },
  burn: () => { for (;;); },
  hoard: () => { const all = []; for (;;) all.push(new Array(100000).fill(all.length)); },
  leave: () => process.reallyExit(0),
  stray: (seq) => writeFrame('result', seq + 1, ${RESULT}, WEBP),
  oversized: (seq) => { header(seq, 2, 8 * 1024 * 1024 + 1); sleep(); },
  twice: (seq) => { good(seq); good(seq); sleep(); },
  lie: (seq) => writeFrame('result', seq, { ...${RESULT}, width: 4 }, WEBP),
};
writeFrame('ready', 0, {});
for (let job = readJob(); job !== undefined; job = readJob()) acts[job.body.toString()](job.seq);
`;

const pools: DecoderPool[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function written(text: string, mode = 0o644): string {
  files += 1;
  const path = join(folder, `script-${files}.cjs`);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}
const script = written(OBEDIENT);
const silent = written('setInterval(() => undefined, 1_000);');
/** Takes the orders of the launcher and puts up nothing. */
const hollow = written('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n', 0o755);

interface Row {
  readonly name: string;
  readonly code: Code;
  /** What the child is told to do with its picture. */
  readonly act?: string;
  readonly remainingMs?: number;
  readonly pool?: Partial<PoolOptions>;
  readonly spawn?: Partial<SpawnOptions>;
  /** How its first processes start; later ones start well. */
  readonly start?: SpawnDecoder;
  /** From outside, once the child has its picture. */
  readonly signal?: NodeJS.Signals;
  readonly killed?: string;
  readonly violation?: string;
  readonly exposed?: readonly SandboxLayer[];
  /** Last words, for the log. */
  readonly words?: RegExp;
}

const withLauncher = (launcher: string, change: Partial<Sandbox> = {}): SpawnDecoder => createSpawn({ sandbox: { ...sandbox, ...change, launcher }, script });

const ROWS: readonly Row[] = [
  { name: 'nobody waits any more', act: 'sleep', remainingMs: 1_200, code: 'SEKISHO_DEADLINE', killed: 'deadline' },
  { name: 'the wall time of a picture is over', act: 'sleep', pool: { limits: { wallMs: 500 } }, code: 'SEKISHO_IMAGE_WALL', killed: 'wall' },
  { name: 'the CPU of a picture is used', act: 'burn', pool: { limits: { cpuMs: 300 } }, code: 'SEKISHO_IMAGE_CPU', killed: 'cpu' },
  { name: 'the kernel ends it at RLIMIT_CPU', act: 'burn', spawn: { limits: { processCpuS: 1 } }, code: 'SEKISHO_IMAGE_CPU' },
  { name: 'it meets RLIMIT_DATA', act: 'hoard', spawn: { limits: { dataBytesMax: 160 * MiB } }, code: 'SEKISHO_IMAGE_MEMORY' },
  { name: 'it crashes', act: 'sleep', signal: 'SIGBUS', code: 'SEKISHO_IMAGE_CRASH' },
  { name: 'somebody else kills it', act: 'sleep', signal: 'SIGKILL', code: 'SEKISHO_IMAGE_CRASH' },
  { name: 'its filter kills it', act: 'sleep', signal: 'SIGSYS', code: 'SEKISHO_IMAGE_VIOLATION' },
  { name: 'it leaves', act: 'leave', code: 'SEKISHO_IMAGE_CRASH' },
  { name: 'it breaks the protocol', act: 'stray', code: 'SEKISHO_IMAGE_PROTOCOL', killed: 'protocol', violation: 'seq' },
  { name: 'its answer is too large', act: 'oversized', code: 'SEKISHO_IMAGE_PROTOCOL', killed: 'protocol', violation: 'header' },
  { name: 'its answer is a lie', act: 'lie', code: 'SEKISHO_IMAGE_PROTOCOL', killed: 'protocol', violation: 'lie' },
  {
    name: 'its label is missing', code: 'SEKISHO_IMAGE_SANDBOX', killed: 'walls', exposed: ['apparmor'],
    // Asked for in the plan and not of the launcher, as if the kernel had ignored it.
    start: createSpawn({ sandbox: { ...sandbox, layers: { ...sandbox.layers, apparmor: true } }, script }),
  },
  { name: 'no wall stands', code: 'SEKISHO_IMAGE_SANDBOX', killed: 'walls', exposed: ['no_new_privs', 'limits', 'seccomp'], start: withLauncher(hollow) },
  { name: 'its start hangs', code: 'SEKISHO_IMAGE_SPAWN', killed: 'start', pool: { startMs: 3_000 }, start: createSpawn({ sandbox, script: silent }) },
  { name: 'there is no launcher', code: 'SEKISHO_IMAGE_SPAWN', start: withLauncher(join(folder, 'is-not-there')) },
  { name: 'the launcher refuses', code: 'SEKISHO_IMAGE_SPAWN', words: /^launcher: .*is-not-there\.bpf/, start: withLauncher(sandbox.launcher ?? '', { filter: join(folder, 'is-not-there.bpf') }) },
];

interface Rig {
  /** From now on processes start well. */
  cure(): void;
  readonly pool: DecoderPool;
  readonly children: ChildProcess[];
  readonly killed: string[];
  readonly violations: string[];
  readonly exposed: SandboxLayer[][];
  readonly words: string[];
}

function rigOf(row: Row): Rig {
  const rig = { children: [] as ChildProcess[], killed: [] as string[], violations: [] as string[], exposed: [] as SandboxLayer[][], words: [] as string[] };
  const well = createSpawn({ sandbox, script, ...row.spawn });
  let bad = row.start;
  const pool = new DecoderPool({
    slots: 1,
    isolation: 'site',
    spawn: (of) => {
      const spawned = (bad ?? well)(of);
      rig.children.push(spawned.process);
      return spawned;
    },
    hooks: { killed: (reason) => rig.killed.push(reason), rejected: (why) => rig.violations.push(why), exposed: (missing) => rig.exposed.push([...missing]), died: (text) => rig.words.push(text) },
    ...row.pool,
  });
  pools.push(pool);
  return Object.assign(rig, { pool, cure: () => { bad = undefined; } });
}

async function decode(pool: DecoderPool, isolation: string, act: string, remainingMs = 20_000): Promise<string> {
  const outcome = await pool.decode({ isolation, class: 'raster', mode: 'emoji', body: Buffer.from(act), remainingMs });
  return outcome.ok ? 'ok' : outcome.code;
}

const isGone = ({ pid, exitCode, signalCode }: ChildProcess): boolean => pid === undefined || exitCode !== null || signalCode !== null;

/** Signals the child that says it has its picture. */
function strike(children: readonly ChildProcess[], signal: NodeJS.Signals): void {
  for (const child of children) child.stderr?.once('data', () => void child.kill(signal));
}

describe('when a decoder fails because', () => {
  it.each(ROWS.map((row) => [row.name, row] as const))('%s, it has its code and the next picture its decoder', async (_name, row) => {
    const rig = rigOf(row);
    if (row.start === undefined) expect(await rig.pool.warm()).toBe(true);
    if (row.signal !== undefined) strike(rig.children, row.signal);
    expect(await decode(rig.pool, 'hostile', row.act ?? 'good', row.remainingMs)).toBe(row.code);
    rig.cure();
    // The pool may have begun others that start badly by then; they take no picture, but their time to start.
    const bad = row.start === undefined ? [] : [...rig.children];
    await until(() => bad.every(isGone), 10_000);
    const beganMs = performance.now();
    expect(await decode(rig.pool, 'other', 'good')).toBe('ok');
    expect(performance.now() - beganMs).toBeLessThan(2_000);

    if (row.killed !== undefined) expect(rig.killed).toContain(row.killed);
    expect(rig.violations[0]).toBe(row.violation);
    expect(rig.exposed[0]).toEqual(row.exposed);
    if (row.words !== undefined) expect(rig.words).toContainEqual(expect.stringMatching(row.words));
    // Nothing of the failed one is left, and the pool is full again.
    await until(() => rig.pool.stats.blank >= 1, 10_000);
    expect(rig.pool.stats).toMatchObject({ busy: 0, bound: 1 });
  }, 30_000);

  it('it answers twice, its answer stands and it never gets another picture', async () => {
    const rig = rigOf({ name: '', code: 'SEKISHO_IMAGE_PROTOCOL' });
    await rig.pool.warm();
    expect(['ok', 'SEKISHO_IMAGE_PROTOCOL']).toContain(await decode(rig.pool, 'hostile', 'twice'));
    await until(() => rig.killed.includes('protocol'), 5_000);
    expect(['unasked', 'excess']).toContain(rig.violations[0]);
    expect(await decode(rig.pool, 'hostile', 'good')).toBe('ok');
    expect(rig.pool.stats.bound).toBe(1);
  }, 20_000);
});

// The pool against real decoders and against children that a taken-over decoder could be.

import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import type { DecodeClass, MediaMode } from '@sekisho/contracts';
import { blankPng, encodeFlatWebp, filterBombSvg, makePicture } from '@sekisho/testkit';
import { POOL_LIMITS, type ProcessClass } from './isolation.ts';
import { type DecodeOutcome, DecoderPool, type PoolOptions } from './pool.ts';
import { readCpuMs } from './proc-stat.ts';
import { decideSandbox } from '../sandbox/decide.ts';
import { createSpawn } from '../sandbox/spawn.ts';

const { sandbox } = decideSandbox('require');
const folder = mkdtempSync(join(tmpdir(), 'sekisho-pool-'));
const frames = fileURLToPath(new URL('../decoder/frames.cjs', import.meta.url));
const pools: DecoderPool[] = [];

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

let scripts = 0;
/** A child that uses the decoder's own pipe functions to do what `code` says. */
function fake(code: string): string {
  scripts += 1;
  const path = join(folder, `fake-${scripts}.cjs`);
  writeFileSync(path, `'use strict';\nconst fs = require('node:fs');\nconst { readJob, writeFrame } = require(${JSON.stringify(frames)});\nconst forever = () => setInterval(() => {}, 1000);\n${code}\n`);
  return path;
}

interface Watched {
  readonly pool: DecoderPool;
  readonly killed: string[];
  readonly rejected: string[];
  readonly children: ChildProcess[];
}

function watch(options: Partial<PoolOptions> & { readonly script?: string; readonly dataBytesMax?: number } = {}): Watched {
  const { script, dataBytesMax, ...rest } = options;
  const killed: string[] = [];
  const rejected: string[] = [];
  const children: ChildProcess[] = [];
  const spawn = createSpawn({ sandbox, ...(script === undefined ? {} : { script }), ...(dataBytesMax === undefined ? {} : { limits: { dataBytesMax } }) });
  const pool = new DecoderPool({
    slots: 1,
    isolation: 'site',
    spawn: (of: ProcessClass) => {
      const child = spawn(of);
      children.push(child.process);
      return child;
    },
    hooks: { killed: (reason) => killed.push(reason), rejected: (why) => rejected.push(why) },
    ...rest,
  });
  pools.push(pool);
  return { pool, killed, rejected, children };
}

interface Order {
  readonly token?: string;
  readonly body?: Buffer;
  readonly class?: DecodeClass;
  readonly mode?: MediaMode;
  readonly remainingMs?: number;
}
const decode = async (pool: DecoderPool, order: Order = {}): Promise<DecodeOutcome> =>
  await pool.decode({ isolation: order.token ?? 'a', class: order.class ?? 'raster', mode: order.mode ?? 'emoji', body: order.body ?? Buffer.from('x'), remainingMs: order.remainingMs ?? 20_000 });
/** Two seconds of CPU are not enough for it at its full size. */
const BOMB: Order = { class: 'svg', mode: 'asis', body: Buffer.from(filterBombSvg(1_000)) };
const codeOf = (outcome: DecodeOutcome): string => (outcome.ok ? 'ok' : outcome.code);
const running = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

const READY = "writeFrame('ready', 0, {});";
const RESULT = "{ type: 'image/webp', width: 3, height: 2, frames: 1, framesCapped: false }";
const webp = await encodeFlatWebp(3, 2);
const WEBP = `Buffer.from('${webp.toString('base64')}', 'base64')`;

describe('a hostile child', () => {
  it.each<[string, string, string, string | undefined]>([
    ['sends a byte before any frame', "fs.writeSync(1, 'hello, this is no frame at all'); forever();", 'SEKISHO_IMAGE_SPAWN', 'header'],
    ['says it is ready twice', `${READY} ${READY} forever();`, 'SEKISHO_IMAGE_SPAWN|SEKISHO_IMAGE_PROTOCOL', 'excess|unasked|kind'],
    ['is ready with another seq', "writeFrame('ready', 5, {}); forever();", 'SEKISHO_IMAGE_SPAWN', 'seq'],
    ['answers with another seq', `${READY} const { seq } = readJob(); writeFrame('result', seq + 1, ${RESULT}, ${WEBP}); forever();`, 'SEKISHO_IMAGE_PROTOCOL', 'seq'],
    ['answers with another kind', `${READY} readJob(); ${READY} forever();`, 'SEKISHO_IMAGE_PROTOCOL', 'kind'],
    ['declares a body of 4 GiB', `${READY} readJob(); const h = Buffer.alloc(20); h.write('SKD1'); h.writeUInt32LE(1, 4); h.writeUInt32LE(2, 8); h.writeUInt32LE(2, 12); h.writeUInt32LE(0xffffffff, 16); fs.writeSync(1, h); forever();`, 'SEKISHO_IMAGE_PROTOCOL', 'header'],
    ['floods', `${READY} readJob(); for (;;) fs.writeSync(1, Buffer.alloc(65536));`, 'SEKISHO_IMAGE_PROTOCOL', 'header'],
    ['sends bytes behind its answer', `${READY} const { seq } = readJob(); const w = fs.writeSync; const parts = []; fs.writeSync = (fd, b, o, n) => { parts.push(b.subarray(o, o + n)); return n; }; writeFrame('result', seq, ${RESULT}, ${WEBP}); w(1, Buffer.concat([...parts, Buffer.from('x')])); forever();`, 'SEKISHO_IMAGE_PROTOCOL', 'excess'],
    ['answers with JSON of another shape', `${READY} const { seq } = readJob(); writeFrame('result', seq, { ...${RESULT}, url: 'x' }, ${WEBP}); forever();`, 'SEKISHO_IMAGE_PROTOCOL', 'lie'],
    ['answers with bytes that are no picture', `${READY} const { seq } = readJob(); writeFrame('result', seq, ${RESULT}, Buffer.from('<svg onload=alert(1)>')); forever();`, 'SEKISHO_IMAGE_PROTOCOL', 'lie'],
    ['answers with another size than said', `${READY} const { seq } = readJob(); writeFrame('result', seq, { ...${RESULT}, width: 4 }, ${WEBP}); forever();`, 'SEKISHO_IMAGE_PROTOCOL', 'lie'],
    ['refuses with a reason of its own', `${READY} const { seq } = readJob(); writeFrame('refusal', seq, { reason: 'at /etc/passwd' }); forever();`, 'SEKISHO_IMAGE_PROTOCOL', 'lie'],
    ['dies on the job', `${READY} readJob(); process.exit(0);`, 'SEKISHO_IMAGE_CRASH', undefined],
    ['dies while loading', 'process.exit(3);', 'SEKISHO_IMAGE_SPAWN', undefined],
    ['never gets ready', 'forever();', 'SEKISHO_IMAGE_SPAWN', undefined],
    ['sleeps on the job', `${READY} readJob(); forever();`, 'SEKISHO_IMAGE_WALL', undefined],
    ['burns CPU on the job', `${READY} readJob(); for (;;);`, 'SEKISHO_IMAGE_CPU', undefined],
  ])('that %s ends, and its job with it', async (_name, code, expected, violation) => {
    const burns = expected === 'SEKISHO_IMAGE_CPU';
    const { pool, rejected, children } = watch({ script: fake(code), startMs: burns ? 5_000 : 1_500, limits: { cpuMs: 300, wallMs: burns ? 10_000 : 700 } });
    const outcome = await decode(pool);
    expect(expected.split('|')).toContain(codeOf(outcome));
    if (violation !== undefined) expect(violation.split('|')).toContain(rejected[0]);
    if (burns) expect(outcome.cpuMs).toBeGreaterThanOrEqual(300);
    await pool.close();
    expect(children.filter(running)).toEqual([]);
  }, 20_000);

  it('that never loads holds its slot no longer than somebody waits', async () => {
    const { pool, killed } = watch({ script: fake('forever();') });
    const beganMs = performance.now();
    const outcome = await pool.decode({ isolation: 'a', class: 'raster', mode: 'emoji', body: blankPng({ width: 8, height: 8, colour: 2 }), remainingMs: 300 });
    expect(codeOf(outcome)).toBe('SEKISHO_IMAGE_SPAWN');
    expect(performance.now() - beganMs).toBeLessThan(5_000);
    expect(killed).toContain('start');
  }, 30_000);

  it('that speaks while nobody asked never gets a picture', async () => {
    const { pool, killed, rejected } = watch({ script: fake(`${READY} setTimeout(() => fs.writeSync(1, 'x'), 50); forever();`) });
    await pool.warm();
    for (let i = 0; i < 100 && !rejected.includes('unasked'); i += 1) await new Promise((resolve) => void setTimeout(resolve, 20));
    expect(rejected).toContain('unasked');
    expect(killed).toContain('protocol');
  });

  it('is not started again in a hurry when it never loads', async () => {
    const { children } = watch({ script: fake('process.exit(3);') });
    await new Promise((resolve) => void setTimeout(resolve, 1_500));
    expect(children.length).toBeLessThanOrEqual(4 * (POOL_LIMITS.warmPerSlot + POOL_LIMITS.warmSvg));
  });

  it('that cannot be started at all is a fault of ours, not of the picture', async () => {
    const { pool } = watch({ script: join(folder, 'is-not-there.cjs') });
    expect(await decode(pool)).toMatchObject({ ok: false, code: 'SEKISHO_IMAGE_SPAWN', cpuMs: 0 });
  });
});

describe('isolation', () => {
  /** Answers each job well; what it was given is seen in its stdin. */
  const GOOD = `${READY} for (let job = readJob(); job !== undefined; job = readJob()) writeFrame('result', job.seq, ${RESULT}, ${WEBP});`;

  const COUNT = 24;
  it.each(['site', 'image'] as const)('%s: no process ever sees two sites, nor more pictures than it may', async (isolation) => {
    const seen = new Map<ChildProcess, string[]>();
    const spawn = createSpawn({ sandbox, script: fake(GOOD) });
    const pool = new DecoderPool({
      slots: 2,
      isolation,
      spawn: (of) => {
        const child = spawn(of);
        const tokens: string[] = [];
        seen.set(child.process, tokens);
        const { stdin } = child.process;
        const write = stdin?.write.bind(stdin);
        if (stdin !== null && write !== undefined) {
          stdin.write = ((chunk: Buffer) => {
            const text = chunk.toString('latin1');
            if (text.startsWith('site:')) tokens.push(text);
            return write(chunk);
          }) as typeof stdin.write;
        }
        return child;
      },
    });
    pools.push(pool);
    const orders = Array.from({ length: COUNT }, (_, i) => `site:${(i * 7) % 5 < 3 ? 'a' : `t${(i * i) % 6}`}`);
    const work = async (): Promise<void> => {
      for (let token = orders.shift(); token !== undefined; token = orders.shift()) {
        expect(codeOf(await decode(pool, { token, body: Buffer.from(token) }))).toBe('ok');
        const { blank, bound, busy } = pool.stats;
        expect(blank + bound + busy).toBeLessThanOrEqual(2 * POOL_LIMITS.childrenPerSlot);
      }
    };
    await Promise.all([work(), work()]);
    const used = [...seen.values()].filter((tokens) => tokens.length > 0);
    expect(used.flat()).toHaveLength(COUNT);
    for (const tokens of used) {
      expect(new Set(tokens).size).toBe(1);
      expect(tokens.length).toBeLessThanOrEqual(isolation === 'site' ? POOL_LIMITS.picturesMax : 1);
    }
    // The control: sites do share their processes, so the test above could fail.
    if (isolation === 'site') expect(Math.max(...used.map((tokens) => tokens.length))).toBeGreaterThan(1);
  }, 60_000);

  it('ends bound processes that are idle, and keeps blank ones', async () => {
    const { pool, killed } = watch({ script: fake(GOOD), idleMs: 100 });
    await pool.warm();
    await decode(pool);
    expect(pool.stats.bound).toBe(1);
    for (let i = 0; i < 100 && pool.stats.bound > 0; i += 1) await new Promise((resolve) => void setTimeout(resolve, 20));
    expect(pool.stats).toMatchObject({ bound: 0, busy: 0 });
    expect(pool.stats.blank).toBeGreaterThan(0);
    expect(killed).toContain('idle');
  });

  it('charges a picture the start of its process and its own work', async () => {
    const burn = `${READY} for (let job = readJob(); job !== undefined; job = readJob()) { for (let i = 0; i < 10_000_000; i += 1); writeFrame('result', job.seq, ${RESULT}, ${WEBP}); }`;
    const { pool, children } = watch({ script: fake(burn) });
    await pool.warm();
    // By the kernel's count, so that a busy machine changes nothing. The start belongs to the first picture.
    const used = (): number => Math.max(...children.map(({ pid = -1 }) => readCpuMs(pid) ?? 0));
    const first = await decode(pool);
    const afterFirst = used();
    const second = await decode(pool);
    const afterSecond = used();
    expect([codeOf(first), codeOf(second)]).toEqual(['ok', 'ok']);
    expect(Math.abs(first.cpuMs - afterFirst)).toBeLessThanOrEqual(30);
    expect(Math.abs(second.cpuMs - (afterSecond - afterFirst))).toBeLessThanOrEqual(30);
    expect(second.cpuMs).toBeGreaterThan(30);
  }, 20_000);

  it('never runs more pictures at once than it has slots', async () => {
    const { pool } = watch({ script: fake(`${READY} readJob(); forever();`), limits: { wallMs: 500 } });
    const [first, second] = await Promise.all([decode(pool), decode(pool)]);
    expect([codeOf(first), codeOf(second)]).toEqual(['SEKISHO_IMAGE_WALL', 'SEKISHO_IMAGE_SPAWN']);
  });
});

describe('real decoders', () => {
  it('die of a signal with one job, and the next is served', async () => {
    const { pool, children } = watch();
    await pool.warm();
    const bomb = decode(pool, BOMB);
    await new Promise((resolve) => void setTimeout(resolve, 200));
    for (const child of children) if (child.spawnargs.at(-1) === 'svg') child.kill('SIGBUS');
    expect(codeOf(await bomb)).toBe('SEKISHO_IMAGE_CRASH');
    expect(codeOf(await decode(pool, { body: await makePicture('png-emoji') }))).toBe('ok');
  }, 20_000);

  it('are killed at the CPU limit of an SVG', async () => {
    const { pool, killed } = watch();
    const outcome = await decode(pool, BOMB);
    expect(codeOf(outcome)).toBe('SEKISHO_IMAGE_CPU');
    expect(outcome.cpuMs).toBeGreaterThanOrEqual(2_000);
    expect(outcome.cpuMs).toBeLessThan(4_000);
    expect(killed).toContain('cpu');
  }, 20_000);

  it('are killed when nobody waits any more', async () => {
    const { pool } = watch();
    await pool.warm();
    expect(codeOf(await decode(pool, { ...BOMB, remainingMs: 300 }))).toBe('SEKISHO_DEADLINE');
  }, 20_000);

  it('cannot take more memory than RLIMIT_DATA', async () => {
    // 3,000 x 3,000 of one bit: 1 MB that become 36.
    const body = Buffer.alloc(14 + 40 + 8 + 376 * 3_000);
    body.write('BM');
    body.writeUInt32LE(62, 10);
    for (const [at, value] of [[14, 40], [18, 3_000], [22, 3_000], [26, 0x0001_0001]] as const) body.writeUInt32LE(value, at);
    const MiB = 1_024 * 1_024;
    // A library that does not look at what malloc gives it crashes instead; both cost this picture alone.
    const { pool } = watch({ dataBytesMax: 135 * MiB });
    expect(['SEKISHO_IMAGE_MEMORY', 'SEKISHO_IMAGE_CRASH']).toContain(codeOf(await decode(pool, { body })));
    expect(codeOf(await decode(pool, { body: await makePicture('png-emoji') }))).toBe('ok');
    expect(codeOf(await decode(watch().pool, { body }))).toBe('ok');
  }, 30_000);

  it('that refuse a picture are replaced', async () => {
    const { pool, killed } = watch();
    expect(codeOf(await decode(pool, { body: blankPng({ width: 60_000, height: 60_000, colour: 2 }) }))).toBe('SEKISHO_IMAGE_HEADER');
    expect(killed).toContain('refused');
    expect(pool.stats.bound).toBe(0);
  }, 20_000);

  it('run without environment and spare descriptors, at low priority', async () => {
    const script = fake(`${READY} readJob(); process.stderr.write(JSON.stringify({ env: Object.keys(process.env).sort(), cwd: process.cwd(), argv: process.execArgv })); forever();`);
    const { pool, children } = watch({ script, limits: { wallMs: 3_000 } });
    await pool.warm();
    const said = new Promise<string>((resolve) => {
      for (const child of children) child.stderr?.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    });
    const done = decode(pool, { class: 'svg' });
    expect(JSON.parse(await said)).toEqual({ env: ['FONTCONFIG_FILE', 'MALLOC_ARENA_MAX', 'MALLOC_TRIM_THRESHOLD_', 'OPENSSL_CONF'], cwd: '/', argv: ['--jitless'] });
    const pid = children.find((child) => child.spawnargs.at(-1) === 'svg')?.pid ?? -1;
    expect(getPriority(pid)).toBe(Math.min(19, getPriority() + 10));
    const targets = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    // Three pipes, and what Node's event loop makes for itself.
    expect(targets.filter((target) => target.startsWith('socket:'))).toHaveLength(3);
    expect(targets.filter((target) => !/^(?:socket:|pipe:|anon_inode:|\/dev\/null)/.test(target))).toEqual([]);
    await pool.close();
    await done;
  }, 20_000);
});

describe('DecoderPool.close()', () => {
  it('ends running jobs and leaves no process', async () => {
    const { pool, children } = watch();
    await pool.warm();
    const bomb = decode(pool, BOMB);
    await pool.close();
    expect(codeOf(await bomb)).toBe('SEKISHO_SHUTTING_DOWN');
    expect(codeOf(await decode(pool))).toBe('SEKISHO_SHUTTING_DOWN');
    expect(children.filter(running)).toEqual([]);
  }, 20_000);
});

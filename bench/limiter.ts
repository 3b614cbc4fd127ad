// The refund limiter against rate-limiter-flexible, in the same run on the same Redis: one pair is charge + settle here,
// consume + reward there. The peer has one key per call, so its four buckets are four calls, not atomic, and its reward
// may exceed what was consumed; ours bounds both.
// Prints pairs per second, latency and CPU per pair of this process and of Redis, and the ratios.

import { readFileSync } from 'node:fs';
import { BatchedMeter, type BucketSpec, Guard, MemoryLimiter, RedisLimiter } from '@sekisho/limiter';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import type { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';

const IN_FLIGHT = [1, 64];
const MEASURE_MS = 900;
const WARM_MS = 200;
/** Turns of every variant, one after the other, so that a slow moment hits all of them. */
const ROUNDS = 3;
const CLIENTS = 1_000;
const COST_MS = 250;
const US_PER_TICK = 10_000;

interface Variant {
  readonly name: string;
  pair(client: number): Promise<unknown>;
}

interface Sample {
  readonly pairsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly nodeUs: number;
  readonly redisUs: number;
}

export async function run(): Promise<void> {
  const server = await startRedis();
  try {
    const redis = server.client();
    const redisPid = Number(/process_id:(\d+)/.exec(await redis.info('server'))?.[1]);
    const variants = [...ourVariants(redis), ...peerVariants(redis)];
    const samples = new Map<string, Sample[]>();
    const turns = Array.from({ length: ROUNDS }, () => IN_FLIGHT.flatMap((inFlight) => variants.map((variant) => ({ variant, inFlight }))));
    for (const { variant, inFlight } of turns.flat()) {
      await load(variant, { inFlight, ms: WARM_MS, redisPid });
      const name = `${variant.name} | ${inFlight}`;
      samples.set(name, [...(samples.get(name) ?? []), await load(variant, { inFlight, ms: MEASURE_MS, redisPid })]);
    }
    const medians = new Map([...samples].map(([name, taken]) => [name, median(taken)]));
    printTable(medians);
    printRatios(medians);
    await printTicks(server);
  } finally {
    await server.stop();
  }
}

function ourVariants(redis: Redis): readonly Variant[] {
  const limiter = new RedisLimiter({ redis });
  const spec = (key: string): BucketSpec => ({ key, capacityMs: 100_000_000, refillMsPerSecond: 100_000 });
  const pair = async (specs: readonly BucketSpec[]): Promise<void> => {
    const verdict = await limiter.charge(specs, COST_MS);
    if (!verdict.ok) throw new Error('a run with a refusal measures something else');
    await limiter.settle(verdict.id, 20);
  };
  return [
    { name: 'sekisho, 1 bucket', pair: async (client) => await pair([spec(`c${client}`)]) },
    {
      name: 'sekisho, 4 buckets',
      pair: async (client) => await pair([spec(`c${client}`), spec(`n${client % 50}`), spec('all'), spec('more')]),
    },
  ];
}

function peerVariants(redis: Redis): readonly Variant[] {
  const limiter = new RateLimiterRedis({ storeClient: redis, points: 1_000_000_000_000, duration: 60, keyPrefix: 'peer' });
  const pair = async (keys: readonly string[]): Promise<void> => {
    await Promise.all(keys.map((key) => limiter.consume(key, COST_MS)));
    await Promise.all(keys.map((key) => limiter.reward(key, COST_MS - 20)));
  };
  return [
    { name: 'rate-limiter-flexible, 1 key', pair: async (client) => await pair([`c${client}`]) },
    {
      name: 'rate-limiter-flexible, 4 keys',
      pair: async (client) => await pair([`c${client}`, `n${client % 50}`, 'all', 'more']),
    },
  ];
}

interface Load {
  readonly inFlight: number;
  readonly ms: number;
  readonly redisPid: number;
}

async function load(variant: Variant, { inFlight, ms, redisPid }: Load): Promise<Sample> {
  const latencies: number[] = [];
  const untilMs = performance.now() + ms;
  const cpu = process.cpuUsage();
  const redisUs = cpuOf(redisPid);
  const beganMs = performance.now();
  const worker = async (seed: number): Promise<void> => {
    for (let at = seed; performance.now() < untilMs; at += inFlight) {
      const startMs = performance.now();
      await variant.pair(at % CLIENTS);
      latencies.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, seed) => worker(seed)));
  const tookMs = performance.now() - beganMs;
  const used = process.cpuUsage(cpu);
  const pairs = latencies.length;
  latencies.sort((left, right) => left - right);
  return {
    pairsPerSecond: (pairs * 1000) / tookMs,
    p50Ms: latencies[Math.floor(pairs * 0.5)] ?? 0,
    p99Ms: latencies[Math.floor(pairs * 0.99)] ?? 0,
    nodeUs: (used.user + used.system) / pairs,
    redisUs: (cpuOf(redisPid) - redisUs) / pairs,
  };
}

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

/** CPU of a process so far in µs, in steps of 10 ms. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * US_PER_TICK;
}

function median(samples: readonly Sample[]): Sample {
  const middle = (pick: (sample: Sample) => number): number =>
    samples.map(pick).sort((left, right) => left - right)[Math.floor(samples.length / 2)] ?? 0;
  return {
    pairsPerSecond: middle((sample) => sample.pairsPerSecond),
    p50Ms: middle((sample) => sample.p50Ms),
    p99Ms: middle((sample) => sample.p99Ms),
    nodeUs: middle((sample) => sample.nodeUs),
    redisUs: middle((sample) => sample.redisUs),
  };
}

function printTable(medians: ReadonlyMap<string, Sample>): void {
  say('| variant | in flight | pairs/s | p50 ms | p99 ms | node us/pair | redis us/pair |');
  say('|---|---|---|---|---|---|---|');
  for (const [key, sample] of medians) {
    const numbers = [sample.pairsPerSecond.toFixed(0), sample.p50Ms.toFixed(2), sample.p99Ms.toFixed(2), sample.nodeUs.toFixed(0), sample.redisUs.toFixed(0)];
    say(`| ${key} | ${numbers.join(' | ')} |`);
  }
}

function printRatios(medians: ReadonlyMap<string, Sample>): void {
  const busiest = IN_FLIGHT.at(-1);
  for (const [ours, peer] of [['1 bucket', '1 key'], ['4 buckets', '4 keys']]) {
    const left = medians.get(`sekisho, ${ours} | ${busiest}`);
    const right = medians.get(`rate-limiter-flexible, ${peer} | ${busiest}`);
    if (left === undefined || right === undefined) continue;
    const rate = left.pairsPerSecond / right.pairsPerSecond;
    const cpu = (left.nodeUs + left.redisUs) / (right.nodeUs + right.redisUs);
    say(`ratio limiter, ${ours}: ${rate.toFixed(2)} x the pairs/s of rate-limiter-flexible, ${cpu.toFixed(2)} x its CPU per pair (${busiest} in flight)`);
  }
}

/** What a cached hit pays: counted in the process. */
async function printTicks(server: TestRedis): Promise<void> {
  const ticks = 300_000;
  const guard = new Guard();
  const meter = new BatchedMeter({ port: new RedisLimiter({ redis: server.client() }), guard, local: new MemoryLimiter() });
  const clients = Array.from({ length: CLIENTS }, (_, at) => [
    { key: `tick${at}`, capacityMs: 1_000_000, refillMsPerSecond: 500 },
    { key: `ticknet${at % 50}`, capacityMs: 4_000_000, refillMsPerSecond: 2_000 },
  ]);
  const cpu = process.cpuUsage();
  for (let at = 0; at < ticks; at += 1) {
    meter.tick(clients[at % CLIENTS] ?? [], 1);
    // Requests arrive between flushes, not in one piece.
    if (at % 1_000 === 0) await new Promise(setImmediate);
  }
  const used = process.cpuUsage(cpu);
  await meter.close();
  say(`tick of a cached hit, 2 buckets, flushes included: ${((used.user + used.system) / ticks).toFixed(2)} us of CPU`);
}

if (import.meta.main) await run();

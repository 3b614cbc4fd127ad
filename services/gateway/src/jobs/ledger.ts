// Admission: how many jobs may be on their way and how many bytes may lie in the work Redis, decided in one script.
// The fetcher leases the bytes of a source in the same ledger before it stores them; the gateway leases the room of the
// result, and gives both back at the end. A lease of a crashed holder lapses.

import { LIMITS, workKeys } from '@sekisho/contracts';
import { createScript } from '@sekisho/runtime';
import type { Redis } from 'ioredis';

// KEYS 1 waiting jobs, 2 running jobs, 3 leases, 4 leased bytes, 5 admitted jobs.
// ARGV 1 jobs at most, 2 bytes at most, 3 bytes to lease, 4 lifetime of the lease in ms, 5 member of the lease, 6 job id.
// Returns {0 admitted | 1 too many jobs | 2 too many bytes, time in ms}. Time: the server's.
// Invariant: leased bytes = sum over the members of leases. At most 100 lapsed leases are swept per call.
const ADMIT = createScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for _, member in ipairs(redis.call('ZRANGE', KEYS[3], '-inf', now, 'BYSCORE', 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[3], member)
  redis.call('DECRBY', KEYS[4], string.match(member, '%d+$'))
end
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now)
local queued = redis.call('LLEN', KEYS[1]) + redis.call('LLEN', KEYS[2])
if math.max(queued, redis.call('ZCARD', KEYS[5])) >= tonumber(ARGV[1]) then return {1, now} end
local bytes = tonumber(redis.call('GET', KEYS[4]) or '0')
if bytes + tonumber(ARGV[3]) > tonumber(ARGV[2]) then return {2, now} end
redis.call('ZADD', KEYS[3], now + tonumber(ARGV[4]), ARGV[5])
redis.call('INCRBY', KEYS[4], ARGV[3])
redis.call('ZADD', KEYS[5], now + tonumber(ARGV[4]), ARGV[6])
return {0, now}`);

// KEYS 1 leases, 2 leased bytes, 3 admitted jobs, then keys to delete. ARGV 1 job id or '', then members of leases.
// Returns how many leases were given back; giving one back twice changes nothing.
const RELEASE = createScript(`
local released = 0
if ARGV[1] ~= '' then redis.call('ZREM', KEYS[3], ARGV[1]) end
for i = 2, #ARGV do
  if redis.call('ZREM', KEYS[1], ARGV[i]) == 1 then
    redis.call('DECRBY', KEYS[2], string.match(ARGV[i], '%d+$'))
    released = released + 1
  end
end
for i = 4, #KEYS do redis.call('UNLINK', KEYS[i]) end
return released`);

// KEYS 1 leases, 2 leased bytes, 3 the source. ARGV 1 bytes at most, 2 lifetime in ms, 3 member of the lease, 4 the source.
// Returns 1 stored | 0 no room. The bytes are counted on the value itself; a source that is there already is refused.
const STORE = createScript(`
local size = #ARGV[4]
local bytes = tonumber(redis.call('GET', KEYS[2]) or '0')
if bytes + size > tonumber(ARGV[1]) then return 0 end
if not redis.call('SET', KEYS[3], ARGV[4], 'NX', 'PX', ARGV[2]) then return 0 end
local t = redis.call('TIME')
redis.call('ZADD', KEYS[1], t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(ARGV[2]), ARGV[3])
redis.call('INCRBY', KEYS[2], size)
return 1`);

const LEDGER_KEYS = [workKeys.leases, workKeys.leasedBytes, workKeys.admittedJobs] as const;

export interface LedgerLimits {
  /** Jobs on their way, waiting and running, over all gateways. */
  readonly jobsMax: number;
  /** Bytes of sources and results in the work Redis, worst case. */
  readonly bytesMax: number;
  readonly leaseTtlMs: number;
}

export type Admission =
  | { readonly ok: true; readonly redisNowMs: number }
  | { readonly ok: false; readonly code: 'SEKISHO_LIMIT_QUEUE' | 'SEKISHO_LIMIT_BYTES' };

/** What a job holds until its end. */
export interface Holding {
  readonly jobId?: string;
  readonly source?: { readonly id: string; readonly bytes: number };
  readonly keys: readonly string[];
}

/** One try; the caller decides whether to try again. */
export async function admit(redis: Redis, limits: LedgerLimits, jobId: string): Promise<Admission> {
  const reply = await ADMIT(
    redis,
    [workKeys.queueWait, workKeys.queueActive, ...LEDGER_KEYS],
    [limits.jobsMax, limits.bytesMax, LIMITS.resultBytesMax, limits.leaseTtlMs, workKeys.leaseMember(jobId, LIMITS.resultBytesMax), jobId],
  );
  const [answer, redisNowMs] = Array.isArray(reply) ? reply.map(Number) : [];
  if (answer === 0 && redisNowMs !== undefined) return { ok: true, redisNowMs };
  return { ok: false, code: answer === 2 ? 'SEKISHO_LIMIT_BYTES' : 'SEKISHO_LIMIT_QUEUE' };
}

/** Gives everything back and deletes the keys. */
export async function release(redis: Redis, holding: Holding): Promise<number> {
  const { jobId, source, keys } = holding;
  const members = [
    ...(jobId === undefined ? [] : [workKeys.leaseMember(jobId, LIMITS.resultBytesMax)]),
    ...(source === undefined ? [] : [workKeys.leaseMember(source.id, source.bytes)]),
  ];
  return Number(await RELEASE(redis, [...LEDGER_KEYS, ...keys], [jobId ?? '', ...members]));
}

/** Stores a source of the instance's own, with its lease; false where there is no room. */
export async function storeSource(redis: Redis, limits: LedgerLimits, sourceId: string, bytes: Buffer): Promise<boolean> {
  const keys = [workKeys.leases, workKeys.leasedBytes, workKeys.source(sourceId)];
  const args = [limits.bytesMax, limits.leaseTtlMs, workKeys.leaseMember(sourceId, bytes.length), bytes];
  return Number(await STORE(redis, keys, args)) === 1;
}

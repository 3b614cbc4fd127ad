// What rules hold back, in a stream of its own: Misskey never gets it, so what leaves the stream is lost to everybody. The
// stream is bounded in number and bytes, and says what it pushed out.

import { createScript, inTime, type Clock, type Logger } from '@sekisho/runtime';
import type { Redis } from 'ioredis';

const CALL_MS = 1_000;
/** 5 to 15 KiB each is usual. */
const ENTRIES_MAX = 2_000;
/** An entry is 300 KiB at worst (64 KiB of body as it came and parsed, headers): a hundred of these, and no more. */
const BYTES_MAX = 32 * 1_024 * 1_024;
const WARN_EVERY_MS = 60_000;

// KEYS 1 stream. ARGV 1 line, 2 entries at most, 3 bytes at most. Returns how many old entries were pushed out.
// Each entry says at which byte of all that ever were kept it ends. So the bytes between the first and the last need no
// counter of their own, which would be wrong as soon as an administrator deletes entries. The smallest entries have some 600
// bytes: 600 of them make room for the largest.
const KEEP = createScript(`
-- What is no such number was written by somebody else. Counting begins anew then, and what does not fit to it is pushed out.
local function endOf(entry)
  local number = tonumber(entry and entry[2][4] or '') or 0
  return number >= 0 and number <= 2 ^ 53 and number or 0
end
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local ends = endOf(last) + #ARGV[1]
redis.call('XADD', KEYS[1], '*', 'capture', ARGV[1], 'end', string.format('%.0f', ends))
local entries, pushed = redis.call('XLEN', KEYS[1]), 0
while entries > 1 and pushed < 600 do
  local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  local bytes = ends - endOf(first) + #(first[2][2] or '')
  if entries <= tonumber(ARGV[2]) and bytes >= 0 and bytes <= tonumber(ARGV[3]) then break end
  redis.call('XDEL', KEYS[1], first[1])
  entries, pushed = entries - 1, pushed + 1
end
return pushed`);

export interface QuarantineOptions {
  readonly redis: Redis;
  readonly key: string;
  /** Hears how many of the oldest made room. */
  readonly onPushedOut: (entries: number) => void;
  readonly entriesMax?: number;
  readonly bytesMax?: number;
}

export interface Quarantine {
  /** False where Redis did not take it in time. */
  keep(line: string): Promise<boolean>;
}

export function createQuarantine(options: QuarantineOptions): Quarantine {
  const { redis, key, onPushedOut, entriesMax = ENTRIES_MAX, bytesMax = BYTES_MAX } = options;
  const keep = async (line: string): Promise<boolean> => {
    const pushed = Number(await KEEP(redis, [key], [line, entriesMax, bytesMax]));
    if (pushed > 0) onPushedOut(pushed);
    return true;
  };
  return { keep: async (line) => await inTime(keep(line), CALL_MS, () => false).catch(() => false) };
}

/** Warns at once, and then once a minute with what came together. */
export function createPushedOutWarning(log: Pick<Logger, 'warn'>, clock: Pick<Clock, 'monotonicMs'>): (entries: number) => void {
  let warnedMs = -Infinity;
  let lost = 0;
  return (entries) => {
    lost += entries;
    if (clock.monotonicMs() - warnedMs < WARN_EVERY_MS) return;
    log.warn({ entries: lost }, 'quarantine is full, its oldest requests are lost');
    warnedMs = clock.monotonicMs();
    lost = 0;
  };
}

// Streams of the state Redis that an administrator reads: decisions, and kept requests. Writing waits for nobody: what a
// slow or missing Redis does not take in time is counted and forgotten.

import type { Redis } from 'ioredis';
import { createScript, inTime } from '@sekisho/runtime';

const FLUSH_MS = 200;
const FLUSH_DEADLINE_MS = 1_000;
/** Entries of one write. A hundred held up the process for 1.4 ms, 4 at worst; sixteen for 0.3. */
const BATCH_MAX = 16;

// KEYS 1 stream. ARGV 1 entries that are kept, then for each entry how many texts it has, and those: name, value, …
// One command for all of them: the pipelines of the client keep each other alive until a full collection.
const APPEND = createScript(`
local at = 2
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', unpack(ARGV, at + 1, last))
  at = last + 1
end`);

export interface CappedStreamOptions {
  readonly redis: Redis;
  readonly key: string;
  /** Entries kept in Redis, about. */
  readonly entriesMax: number;
  /** Entries that wait in the process; above it the newest are lost. */
  readonly waitingMax: number;
  /** Hears how many were lost. */
  readonly onLost: (entries: number) => void;
}

export interface CappedStream {
  /** @param fields flat: name, value, name, value, … */
  add(fields: readonly string[]): void;
  /** Writes what waits. Never rejects. */
  close(): Promise<void>;
}

export function createCappedStream(options: CappedStreamOptions): CappedStream {
  const { redis, key, entriesMax, waitingMax, onLost } = options;
  const waiting: (readonly string[])[] = [];
  let timer: NodeJS.Timeout | undefined;
  let draining: Promise<void> | undefined;
  const write = async (batch: readonly (readonly string[])[]): Promise<void> => {
    const args: (string | number)[] = [entriesMax];
    for (const fields of batch) args.push(fields.length, ...fields);
    const written = await inTime(APPEND(redis, [key], args).then(() => true), FLUSH_DEADLINE_MS, () => false).catch(() => false);
    if (!written) onLost(batch.length);
  };
  const drain = async (): Promise<void> => {
    while (waiting.length > 0) await write(waiting.splice(0, BATCH_MAX));
    draining = undefined;
  };
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length > 0) draining ??= drain();
  };
  return {
    add: (fields) => {
      if (waiting.length >= waitingMax) return onLost(1);
      waiting.push(fields);
      if (waiting.length >= BATCH_MAX) flush();
      else timer ??= setTimeout(flush, FLUSH_MS).unref();
    },
    close: async () => {
      clearTimeout(timer);
      const rest: Promise<void>[] = [];
      while (waiting.length > 0) rest.push(write(waiting.splice(0, BATCH_MAX)));
      await Promise.all([draining, ...rest]);
    },
  };
}

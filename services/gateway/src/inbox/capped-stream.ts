// Streams of the state Redis that an administrator reads: decisions, and kept requests. Writing waits for nobody: what a
// slow or missing Redis does not take in time is counted and forgotten.

import type { Redis } from 'ioredis';
import { inTime } from '@sekisho/runtime';

const FLUSH_MS = 200;
const FLUSH_DEADLINE_MS = 1_000;
/** Entries of one write. A hundred held up the process for 1.4 ms, 4 at worst; sixteen for 0.3. */
const BATCH_MAX = 16;

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
  let waiting: (readonly string[])[] = [];
  let timer: NodeJS.Timeout | undefined;
  let draining: Promise<void> | undefined;
  const write = async (batch: readonly (readonly string[])[]): Promise<void> => {
    if (batch.length === 0) return;
    const pipeline = redis.pipeline();
    for (const fields of batch) pipeline.xadd(key, 'MAXLEN', '~', entriesMax, '*', ...fields);
    const replies = await inTime(pipeline.exec(), FLUSH_DEADLINE_MS, () => undefined).catch(() => undefined);
    const lost = replies?.filter(([error]) => error !== null).length ?? batch.length;
    if (lost > 0) onLost(lost);
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
      const rest = waiting;
      waiting = [];
      await Promise.all([draining, write(rest)]);
    },
  };
}

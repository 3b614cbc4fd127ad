// Streams of the state Redis that an administrator reads: decisions, and kept requests. Writing waits for nobody: what a
// slow or missing Redis does not take in time is counted and forgotten.

import type { Redis } from 'ioredis';
import { inTime } from '@sekisho/runtime';

const FLUSH_MS = 200;
const FLUSH_DEADLINE_MS = 1_000;

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
  let flushing: Promise<void> = Promise.resolve();
  const flushOnce = async (): Promise<void> => {
    const batch = waiting;
    if (batch.length === 0) return;
    waiting = [];
    const pipeline = redis.pipeline();
    for (const fields of batch) pipeline.xadd(key, 'MAXLEN', '~', entriesMax, '*', ...fields);
    const replies = await inTime(pipeline.exec(), FLUSH_DEADLINE_MS, () => undefined).catch(() => undefined);
    const lost = replies?.filter(([error]) => error !== null).length ?? batch.length;
    if (lost > 0) onLost(lost);
  };
  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    flushing = flushing.then(flushOnce);
    await flushing;
  };
  return {
    add: (fields) => {
      if (waiting.length >= waitingMax) return onLost(1);
      waiting.push(fields);
      timer ??= setTimeout(() => void flush(), FLUSH_MS).unref();
    },
    close: flush,
  };
}

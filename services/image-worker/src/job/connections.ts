// Connections to the work Redis: pictures on one of their own, so that 20 MiB never stand before a lock renewal.

import { REDIS_OPTIONS } from '@sekisho/runtime';
import { Redis } from 'ioredis';

const COMMAND_MS = 2_000;
/** 20 MiB over a slow cluster network. */
const BLOB_MS = 5_000;

export interface Connections {
  /** BullMQ's: blocking, retries for ever. */
  readonly queue: Redis;
  readonly blobs: Redis;
  readonly replies: Redis;
  readonly up: boolean;
  close(): void;
}

/** @param onError hears of every connection error; the connections come back by themselves. */
export function createConnections(url: string, onError: (error: Error) => void): Connections {
  const bounded = { ...REDIS_OPTIONS, enableOfflineQueue: false, maxRetriesPerRequest: 1 };
  const queue = new Redis(url, { ...REDIS_OPTIONS, maxRetriesPerRequest: null }).on('error', onError);
  const blobs = new Redis(url, { ...bounded, commandTimeout: BLOB_MS }).on('error', onError);
  const replies = new Redis(url, { ...bounded, commandTimeout: COMMAND_MS }).on('error', onError);
  const all = [queue, blobs, replies];
  return {
    queue,
    blobs,
    replies,
    get up() {
      return all.every(({ status }) => status === 'ready');
    },
    close: () => {
      for (const redis of all) redis.disconnect();
    },
  };
}

// The gateway's connections to the work Redis: an outage is seen at once (no offline queue), a hanging server within two
// seconds, and bytes never stand before small commands.

import { Redis } from 'ioredis';

const COMMAND_MS = 2_000;
/** 20 MiB over a slow cluster network. */
const BLOB_MS = 5_000;
const CONNECT_MS = 2_000;
const RETRY_MS_MAX = 1_000;
const DISCONNECT_MS = 500;

export interface WorkConnections {
  readonly commands: Redis;
  readonly blobs: Redis;
  readonly subscriber: Redis;
  readonly queue: Redis;
  readonly ready: boolean;
  close(): void;
}

/** @param onError hears of every connection error; they are transient, the connections come back by themselves. */
export function createWorkConnections(url: string, onError: (error: Error) => void): WorkConnections {
  const connect = (options: { readonly commandTimeout?: number; readonly enableAutoPipelining?: boolean }): Redis =>
    new Redis(url, {
      connectTimeout: CONNECT_MS,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      disconnectTimeout: DISCONNECT_MS,
      retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 10), RETRY_MS_MAX),
      ...options,
    }).on('error', onError);
  const commands = connect({ commandTimeout: COMMAND_MS, enableAutoPipelining: true });
  const blobs = connect({ commandTimeout: BLOB_MS });
  const queue = connect({ commandTimeout: COMMAND_MS });
  const subscriber = connect({});
  const all = [commands, blobs, queue, subscriber];
  return {
    commands,
    blobs,
    subscriber,
    queue,
    get ready() {
      return all.every((redis) => redis.status === 'ready');
    },
    close: () => {
      for (const redis of all) redis.disconnect();
    },
  };
}

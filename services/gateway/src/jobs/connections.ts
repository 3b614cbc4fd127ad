// The gateway's connections to the work Redis: an outage is seen at once (no offline queue), a hanging server within two
// seconds, and bytes never stand before small commands.

import type { Redis } from 'ioredis';
import { createConnect } from '../redis/connect.ts';

const COMMAND_MS = 2_000;
/** 20 MiB over a slow cluster network. */
const BLOB_MS = 5_000;

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
  const connect = createConnect(url, onError);
  const commands = connect({ commandTimeout: COMMAND_MS });
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

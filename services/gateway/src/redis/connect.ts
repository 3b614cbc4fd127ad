// How the gateway connects to either Redis: an outage is seen at once (no offline queue), a hanging server within the
// command's own time, and the connection comes back by itself.

import { REDIS_OPTIONS } from '@sekisho/runtime';
import { Redis } from 'ioredis';

const DISCONNECT_MS = 500;

export interface ConnectOptions {
  /** Longest wait for one command, ms; none for subscribers, which wait by design. */
  readonly commandTimeout?: number;
}

/**
 * Without the client's automatic pipelines: it keeps them in a map that is filled and emptied with every command, and the
 * tables such a map leaves behind keep all commands alive until a full collection. Young collections took 12 to 40 ms so.
 *
 * @param onError hears of every connection error; they are transient.
 */
export type Connect = (options: ConnectOptions) => Redis;

export const createConnect = (url: string, onError: (error: Error) => void): Connect => (options) => {
  const redis = new Redis(url, {
    ...REDIS_OPTIONS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    disconnectTimeout: DISCONNECT_MS,
    ...options,
  }).on('error', onError);
  return redis.on('connect', () => gatherWrites(redis.stream));
};

/** One system call for all commands of one turn of the event loop: each write cost 0.05 ms, of 1.6 that an activity took. */
function gatherWrites(stream: Redis['stream']): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: unknown[]): boolean => {
    if (stream.writableCorked === 0) {
      stream.cork();
      setImmediate(() => stream.uncork());
    }
    return write(...args);
  };
}

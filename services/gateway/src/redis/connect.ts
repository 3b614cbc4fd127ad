// How the gateway connects to either Redis: an outage is seen at once (no offline queue), a hanging server within the
// command's own time, and the connection comes back by itself.

import { REDIS_OPTIONS } from '@sekisho/runtime';
import { Redis } from 'ioredis';

const DISCONNECT_MS = 500;

export interface ConnectOptions {
  /** Longest wait for one command, ms; none for subscribers, which wait by design. */
  readonly commandTimeout?: number;
  readonly enableAutoPipelining?: boolean;
}

/** @param onError hears of every connection error; they are transient. */
export type Connect = (options: ConnectOptions) => Redis;

export const createConnect = (url: string, onError: (error: Error) => void): Connect => (options) =>
  new Redis(url, {
    ...REDIS_OPTIONS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    disconnectTimeout: DISCONNECT_MS,
    ...options,
  }).on('error', onError);

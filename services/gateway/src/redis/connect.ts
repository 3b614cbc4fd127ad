// How the gateway connects to either Redis: an outage is seen at once (no offline queue), a hanging server within the
// command's own time, and the connection comes back by itself.

import { Redis } from 'ioredis';

const CONNECT_MS = 2_000;
const RETRY_MS_MAX = 1_000;
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
    connectTimeout: CONNECT_MS,
    enableOfflineQueue: false,
    // INFO and CLIENT SETINFO: no user of ours may ask a server about itself.
    enableReadyCheck: false,
    disableClientInfo: true,
    maxRetriesPerRequest: 1,
    disconnectTimeout: DISCONNECT_MS,
    retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 10), RETRY_MS_MAX),
    ...options,
  }).on('error', onError);

const RETRY_MS_MAX = 1_000;

/** What every Redis connection of a service has in common; it comes back by itself. */
export const REDIS_OPTIONS = {
  connectTimeout: 2_000,
  // INFO and CLIENT SETINFO: no user of ours may ask a server about itself.
  enableReadyCheck: false,
  disableClientInfo: true,
  retryStrategy: (times: number): number => Math.min(50 * 2 ** Math.min(times, 10), RETRY_MS_MAX),
};

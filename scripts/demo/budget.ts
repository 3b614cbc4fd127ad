// What is left of a client's budget, read from the limiter the way the gateway's meter does.

import { isIPv4 } from 'node:net';
import { RedisLimiter, bucketsOf } from '@sekisho/limiter';
import { Redis } from 'ioredis';

let limiter: RedisLimiter | undefined;

/** Called once the stack's Redis is there. */
export function watchBudgets(redisUrl: string): void {
  limiter = new RedisLimiter({ redis: new Redis(redisUrl, { maxRetriesPerRequest: 1, enableReadyCheck: false, disableClientInfo: true }).on('error', () => undefined) });
}

/** Milliseconds of CPU that the media budget of the client still holds. */
export async function readBudget(forwardedFor: string | string[] | undefined): Promise<{ readonly leftMs: number }> {
  const address = String(forwardedFor ?? '127.0.0.1');
  // The demo listens on loopback; its only IPv6 client is ::1.
  const clientKey = isIPv4(address) ? address : '::/64';
  const [bucket] = bucketsOf({ clientKey, netKey: clientKey, area: 'media' });
  if (limiter === undefined || bucket === undefined) return { leftMs: 0 };
  const [levelUs = 0] = await limiter.debit([{ bucket, costMs: 0 }]);
  return { leftMs: Math.round(bucket.capacityMs - levelUs / Math.ceil(1_000_000 / bucket.refillMsPerSecond)) };
}

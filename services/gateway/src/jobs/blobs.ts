// Bytes out of the work Redis. Whoever owns a worker can write any length there, so no read asks for more than is due.

import type { Redis } from 'ioredis';

/**
 * The value of `key`, deleted with the read; undefined unless it has exactly `bytes` bytes.
 * On a connection of its own: a reply of 20 MiB stands before every other command.
 */
export async function takeBytes(redis: Redis, key: string, bytes: number): Promise<Buffer | undefined> {
  const replies = await redis.multi().getrangeBuffer(key, 0, bytes).unlink(key).exec();
  const [error, value] = replies?.[0] ?? [null, undefined];
  if (error !== null) throw error;
  return Buffer.isBuffer(value) && value.length === bytes ? value : undefined;
}

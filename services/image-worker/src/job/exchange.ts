// What a job reads and writes in the work Redis. The source is gone with its reading: a job never runs twice.

import { type ImageReply, LIMITS, workKeys } from '@sekisho/contracts';
import type { Redis } from 'ioredis';
import type { Connections } from './connections.ts';

export interface Taken {
  /** Ms since 1970 by the clock of Redis, which all services share. */
  readonly redisNowMs: number;
  /** Undefined when it has lapsed, was taken already, or is longer than any source may be. */
  readonly source: Buffer | undefined;
}

export interface Exchange {
  take(sourceId: string): Promise<Taken>;
  putResult(outId: string, body: Buffer): Promise<void>;
  reply(replyTo: string, reply: ImageReply): Promise<void>;
}

export const createExchange = ({ blobs, replies }: Pick<Connections, 'blobs' | 'replies'>): Exchange => ({
  take: (sourceId) => take(blobs, workKeys.source(sourceId)),
  putResult: async (outId, body) => {
    await blobs.set(workKeys.result(outId), body, 'PX', LIMITS.resultTtlMs);
  },
  reply: async (replyTo, reply) => {
    const text = JSON.stringify(reply);
    const done = replies.multi().set(workKeys.reply(reply.jobId), text, 'PX', LIMITS.resultTtlMs).publish(workKeys.done(replyTo), text);
    check(await done.exec());
  },
});

/** Whoever owns the fetcher can store any length: no more than one byte above the limit is ever read. */
async function take(redis: Redis, key: string): Promise<Taken> {
  const results = check(await redis.multi().time().getrangeBuffer(key, 0, LIMITS.pictureBytesMax).unlink(key).exec());
  const [time, bytes] = results;
  const fits = Buffer.isBuffer(bytes) && bytes.length > 0 && bytes.length <= LIMITS.pictureBytesMax;
  return { redisNowMs: toMs(time), source: fits ? bytes : undefined };
}

function check(results: [Error | null, unknown][] | null): unknown[] {
  if (results === null) throw new Error('transaction discarded');
  return results.map(([error, value]) => {
    if (error !== null) throw error;
    return value;
  });
}

function toMs(time: unknown): number {
  const [seconds, micros] = Array.isArray(time) ? time.map(Number) : [];
  if (seconds === undefined || micros === undefined) throw new Error('TIME has another form');
  return seconds * 1_000 + Math.floor(micros / 1_000);
}

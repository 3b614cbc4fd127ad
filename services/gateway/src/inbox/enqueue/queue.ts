// Misskey's BullMQ queue `inbox`, for the one thing the gateway does with it.

import { INBOX_LIMITS } from '@sekisho/contracts';
import { type ScriptServer, loadScript } from '@sekisho/runtime';
import type { InboxJob } from './job.ts';

const addScript = loadScript(new URL('./scripts/', import.meta.url), ['add']);

/** `known`: it was added before. The others say that nothing was done. */
export type Added = 'added' | 'known' | 'no-queue' | 'other-version';
const REPLIES: ReadonlyMap<unknown, Added> = new Map([[1, 'added'], [0, 'known'], [-1, 'no-queue'], [-2, 'other-version']]);

export interface QueueFacts {
  /** Redis prefix of Misskey, without `:queue`. */
  readonly prefix: string;
  /** Number of the database that Misskey uses there. */
  readonly database: number;
  /** What the queue must say of itself, e.g. `bullmq:5.71.0`. */
  readonly bullmq: string;
  /** The queue was seen under this prefix, so when it is gone its Redis was emptied, and it may be begun anew. */
  readonly seen: boolean;
  readonly nowMs: number;
}

/** @throws what Redis or its client says; the job is in the queue whole, or not at all. */
export async function addJob(redis: ScriptServer, job: InboxJob, { prefix, database, bullmq, seen, nowMs }: QueueFacts): Promise<Added> {
  const { jobId } = job.opts;
  const queue = `${prefix}:queue:inbox:inbox`;
  const keys = ['meta', 'id', 'wait', 'paused', 'active', 'events', 'marker', jobId, `de:${jobId}`].map((name) => `${queue}:${name}`);
  // A repeat passes the check of freshness for at most twice the skew, and is no new job for longer than that; the kept jobs
  // themselves are only the last 30.
  const args = [jobId, job.name, JSON.stringify(job.data), JSON.stringify(job.opts), nowMs, bullmq, seen ? 1 : 0, INBOX_LIMITS.replayMs, database];
  const reply = await addScript(redis, keys, args);
  const added = REPLIES.get(reply);
  if (added === undefined) throw new TypeError('the script answered with something else');
  return added;
}

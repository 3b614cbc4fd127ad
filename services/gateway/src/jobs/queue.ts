// BullMQ behind the two things a gateway does with it.

import { IMAGE_QUEUE, type ImageJob, PREFIX } from '@sekisho/contracts';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

/** `waiting`: taken out before any worker had it; `active`: a worker has it; `gone`: ended, or never there. */
export type Withdrawn = 'waiting' | 'active' | 'gone';

export interface ImageQueue {
  add(job: ImageJob): Promise<void>;
  withdraw(jobId: string): Promise<Withdrawn>;
  close(): Promise<void>;
}

/** Ended jobs kept for a look; their data holds no URL and no client. */
const KEEP = { count: 200 };

export function createImageQueue(connection: Redis): ImageQueue {
  const queue = new Queue<ImageJob>(IMAGE_QUEUE, {
    connection,
    prefix: PREFIX,
    skipMetasUpdate: true,
    skipVersionCheck: true,
    skipWaitingForReady: true,
    defaultJobOptions: { attempts: 1, removeOnComplete: KEEP, removeOnFail: KEEP },
  });
  // Faults reach the caller of add and withdraw; without a listener each would end the process.
  queue.on('error', () => undefined);
  return {
    add: async (job) => {
      await queue.add('image', job, { jobId: job.jobId });
    },
    withdraw: async (jobId) => {
      const state = await queue.getJobState(jobId);
      if (state === 'active') return 'active';
      if (state === 'completed' || state === 'failed' || state === 'unknown') return 'gone';
      return (await queue.remove(jobId)) === 1 ? 'waiting' : 'active';
    },
    close: () => queue.close(),
  };
}

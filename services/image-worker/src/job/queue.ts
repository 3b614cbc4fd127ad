// BullMQ behind the one thing a worker does with it.

import { IMAGE_QUEUE, PREFIX } from '@sekisho/contracts';
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';

/** A killed worker's job fails after 6 to 8 s; below 5 s a blocked event loop would lose healthy ones. */
const LOCK_MS = 5_000;
const STALLED_MS = 2_000;
/** After an error of Redis; the default of 15 s would be the outage. */
const RETRY_MS = 500;
/** Ended jobs kept for a look; their data holds no URL and no client. */
const KEEP = { count: 200 };

export interface Consumer {
  /** Takes no further job and resolves when the running ones have ended. */
  close(): Promise<void>;
}

export interface ConsumerOptions {
  readonly connection: Redis;
  readonly slots: number;
  /** `orderedAtMs`: when the job was added, ms since 1970 by the clock of the gateway. */
  readonly process: (data: unknown, orderedAtMs: number) => Promise<void>;
  readonly onError: (error: Error) => void;
}

export function startConsumer({ connection, slots, process, onError }: ConsumerOptions): Consumer {
  const worker = new Worker<unknown>(IMAGE_QUEUE, async (job) => await process(job.data, job.timestamp), {
    connection,
    prefix: PREFIX,
    concurrency: slots,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_MS,
    // A picture that killed one worker must not be given to a second.
    maxStalledCount: 0,
    runRetryDelay: RETRY_MS,
    removeOnComplete: KEEP,
    removeOnFail: KEEP,
    // INFO is not among the commands of this user.
    skipVersionCheck: true,
    autorun: false,
  });
  worker.on('error', onError);
  const running = worker.run().catch(onError);
  return {
    close: async () => {
      await worker.close();
      await running;
    },
  };
}

// Activities straight into Misskey's queue: a copy with the whitelisted properties, and the signature as it came. Whoever is
// told `queued` may tell the sender 202; everything else is a fault, after which the sender tries again.

import { INBOX_LIMITS, SekishoError } from '@sekisho/contracts';
import { type InboxHead, type ReadActivity, sanitiseActivity } from '@sekisho/inbox-policy';
import { type Clock, REDIS_OPTIONS, inTime, systemClock } from '@sekisho/runtime';
import { Redis } from 'ioredis';
import { buildJob, type InboxJob } from './job.ts';
import { type Added, addJob } from './queue.ts';
import { knownMisskeyVersion, type MisskeyVersion, misskeyVersionProblem } from './versions.ts';

/** Jobs on their way at once, of up to about 100 KiB: what a Redis that hangs can hold of our memory. */
const IN_FLIGHT_MAX = 256;
/** A server that hangs does not answer the end of a connection; until then commands on it hang too. */
const DISCONNECT_MS = 100;

export interface EnqueueOptions {
  /** Redis of Misskey's job queue, with the user of k8s/redis/misskey-queue.acl. */
  readonly redisUrl: string;
  /** Redis prefix of Misskey, without `:queue`; Misskey's default is the host of its `url`. */
  readonly prefix: string;
  /** Of Misskey. */
  readonly version: string;
  /** Hears of every error of the connection, which comes back by itself. */
  readonly onError: (error: Error) => void;
  readonly clock?: Pick<Clock, 'now'>;
  /** Longest wait for one job, ms. */
  readonly queueMs?: number;
}

export interface Enqueue {
  /**
   * Resolves after Redis has taken the job, or says that it took it before. Not for what somebody else forwards.
   * @throws SEKISHO_INBOX_QUEUE_AWAY. After a timeout or a lost connection the job may be in the queue all the same: whole,
   * and a repeat of the same signed request adds no second one.
   */
  add(activity: ReadActivity, head: InboxHead): Promise<'queued'>;
  /** There is a connection. */
  readonly ready: boolean;
  /** At once; jobs on their way end as faults. */
  close(): void;
}

interface Parts {
  readonly redis: Redis;
  readonly options: EnqueueOptions;
  readonly misskey: MisskeyVersion;
  readonly clock: Pick<Clock, 'now'>;
  /** The queue has been there since the start of this process. */
  seen: boolean;
  closed: boolean;
  inFlight: number;
}

/** @throws Error when the version is not known; connects in the background. */
export function createEnqueue(options: EnqueueOptions): Enqueue {
  const misskey = knownMisskeyVersion(options.version);
  if (misskey === undefined) throw new Error(`version ${misskeyVersionProblem(options.version)}`);
  const parts: Parts = { redis: connect(options), options, misskey, clock: options.clock ?? systemClock, seen: false, closed: false, inFlight: 0 };
  return {
    add: (activity, head) => add(parts, activity, head),
    get ready() {
      return !parts.closed && parts.redis.status === 'ready';
    },
    close: () => {
      parts.closed = true;
      parts.redis.disconnect();
    },
  };
}

/** Commands are not sent again on a new connection: their senders were told that they failed. */
function connect({ redisUrl, onError, queueMs }: EnqueueOptions): Redis {
  return new Redis(redisUrl, {
    ...REDIS_OPTIONS, enableOfflineQueue: false, autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0, disconnectTimeout: DISCONNECT_MS,
    // For the greeting of a new connection, which nobody waits for.
    socketTimeout: queueMs ?? INBOX_LIMITS.queueMs,
  }).on('error', onError);
}

async function add(parts: Parts, activity: ReadActivity, head: InboxHead): Promise<'queued'> {
  if (activity.forwarded) throw new SekishoError('SEKISHO_INTERNAL', { detail: 'what somebody else forwards goes over HTTP' });
  if (parts.closed) throw away('closed');
  if (parts.inFlight >= IN_FLIGHT_MAX) throw away('too many jobs on their way');
  const job = buildJob(sanitiseActivity(activity), head);
  parts.inFlight += 1;
  try {
    return conclude(parts, await addInTime(parts, job));
  } finally {
    parts.inFlight -= 1;
  }
}

async function addInTime({ redis, options, misskey, clock, seen }: Parts, job: InboxJob): Promise<Added | 'late'> {
  const work = addJob(redis, job, { prefix: options.prefix, database: redis.options.db ?? 0, bullmq: misskey.bullmq, seen, nowMs: clock.now() });
  try {
    return await inTime(work, options.queueMs ?? INBOX_LIMITS.queueMs, () => {
      // The client would keep the command until an answer comes; with the connection it lets go of all, and opens another.
      redis.stream.destroy();
      return 'late' as const;
    });
  } catch (error) {
    throw away(describe(error));
  }
}

function conclude(parts: Parts, added: Added | 'late'): 'queued' {
  switch (added) {
    case 'added':
    case 'known':
      parts.seen = true;
      return 'queued';
    case 'late':
      throw away('no answer in time');
    case 'no-queue':
      throw away(`no queue of Misskey under the prefix ${parts.options.prefix} in this database; check SEKISHO_MISSKEY_QUEUE_PREFIX`);
    case 'other-version':
      throw away(`the queue is not one of Misskey ${parts.misskey.version}, which has ${parts.misskey.bullmq}; check SEKISHO_MISSKEY_VERSION`);
  }
}

const away = (detail: string): SekishoError => new SekishoError('SEKISHO_INBOX_QUEUE_AWAY', { detail });

/** No cause: errors of the client carry the arguments of the command, which are the activity. */
const describe = (error: unknown): string => (error instanceof Error ? error.message.slice(0, 160) : 'unknown');

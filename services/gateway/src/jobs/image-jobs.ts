// One picture through the workers: admission, job, reply, check of the result, and everything given back at the end,
// whatever the end was. Nothing here waits past the order's deadline.

import { randomBytes } from 'node:crypto';
import { type Code, type ImageReplyOk, JOB_VERSION, LIMITS, SekishoError, isSekishoError, workKeys } from '@sekisho/contracts';
import { type Clock, inTime, systemClock } from '@sekisho/runtime';
import type { Redis } from 'ioredis';
import type { TransformOrder } from '../media/types.ts';
import { takeBytes } from './blobs.ts';
import { type Holding, type LedgerLimits, admit, release, storeSource } from './ledger.ts';
import type { ImageQueue } from './queue.ts';
import { REREAD_MS, type Replies, type ReplyRead, createReplies } from './replies.ts';
import { checkResult, clampCpuMs, isWorkerCode } from './validate.ts';

/** Kept back from the deadline for the last look at the reply key. */
const LAST_LOOK_MS = 250;
const ADMIT_POLL_MS = 50;
/** A decode that nobody waits for any more ends within its own wall limit; its room is given back then. */
const STRAGGLER_MS = LIMITS.decodeWallMs + 5_000;

export interface ImageJobsOptions {
  /** Small commands: no offline queue, a command timeout. */
  readonly commands: Redis;
  readonly blobs: Redis;
  readonly subscriber: Redis;
  readonly queue: ImageQueue;
  /** 22 characters of base64url, new for each process. */
  readonly gatewayId: string;
  /** Pictures that all workers decode at once; twice as many jobs may be on their way. */
  readonly slots: number;
  /** Byte budget of sources and results in the work Redis, at most half of its maxmemory. */
  readonly bytesMax: number;
  /** How long a full queue or ledger (other gateways' jobs) is waited for, ms. */
  readonly admitWaitMs?: number;
  /** How often reply keys are read besides the messages, ms. */
  readonly rereadMs?: number;
  readonly clock?: Clock;
  readonly hooks?: ImageJobsHooks;
}

export interface ImageJobsHooks {
  /** Of every job that a worker answered: seconds of wall time from admission. */
  ended?(seconds: number, code: Code | 'ok'): void;
  /** A lie of a worker, for the log; treat it as an attack. */
  lie?(detail: string): void;
}

export interface RunOptions {
  /** Ms since 1970 by the clock of this process; the job carries it in Redis time. */
  readonly deadlineAtMs: number;
  readonly signal: AbortSignal;
}

export type JobOutcome =
  | { readonly ok: true; readonly reply: ImageReplyOk; readonly body: Buffer }
  /** `running`: a worker still decodes, so the cost is not known; leave the charge to lapse. */
  | { readonly ok: false; readonly code: Code; readonly cpuMs: number; readonly running?: true };

export interface ImageJobs {
  /** Never throws; the source and its lease are gone afterwards. `reply.cpuMs` is clamped to the wall time. */
  run(order: TransformOrder, options: RunOptions): Promise<JobOutcome>;
  /** A stored source that passes as it is; undefined when it is not there with exactly these bytes. Its lease ends. */
  takeSource(sourceId: string, expectedBytes: number): Promise<Buffer | undefined>;
  /** Stores a picture of the instance's own as a source; false where there is no room or no Redis. */
  storeSource(sourceId: string, bytes: Buffer): Promise<boolean>;
  /** Deletes a source that is not needed and ends its lease. Never throws. */
  dropSource(sourceId: string, bytes: number): Promise<void>;
  readonly waiting: number;
  close(): Promise<void>;
}

interface Parts {
  readonly options: ImageJobsOptions;
  readonly clock: Clock;
  readonly limits: LedgerLimits;
  readonly replies: Replies;
}

interface Run {
  readonly jobId: string;
  readonly outId: string;
  readonly order: TransformOrder;
  readonly deadlineAtMs: number;
  readonly signal: AbortSignal;
  readonly startedAtMs: number;
}

export function createImageJobs(options: ImageJobsOptions): ImageJobs {
  const { commands, subscriber, gatewayId, slots, bytesMax, hooks } = options;
  const parts: Parts = {
    options,
    clock: options.clock ?? systemClock,
    limits: { jobsMax: 2 * slots, bytesMax, leaseTtlMs: LIMITS.sourceTtlMs },
    replies: createReplies({
      commands, subscriber, gatewayId, rereadMs: options.rereadMs ?? REREAD_MS,
      onStrangeMessage: () => hooks?.lie?.('a message that is no reply'),
    }),
  };
  return {
    run: (order, runOptions) => run(parts, order, runOptions),
    takeSource: (sourceId, expectedBytes) => takeSource(parts, sourceId, expectedBytes),
    storeSource: async (id, bytes) => await storeSource(options.blobs, parts.limits, id, bytes).catch(() => false),
    dropSource: (id, bytes) => giveBack(parts, { source: { id, bytes }, keys: [workKeys.source(id)] }),
    get waiting() {
      return parts.replies.waiting;
    },
    close: () => parts.replies.close(),
  };
}

async function run(parts: Parts, order: TransformOrder, { deadlineAtMs, signal }: RunOptions): Promise<JobOutcome> {
  const startedAtMs = parts.clock.monotonicMs();
  const job: Run = { jobId: newId(), outId: newId(), order, deadlineAtMs, signal, startedAtMs };
  const outcome = await attempt(parts, job).catch((error: unknown): JobOutcome => refusal(codeOf(error)));
  if (outcome.ok || outcome.running !== true) await endInTime(parts, job, giveBack(parts, holdingOf(job))).catch(() => undefined);
  parts.options.hooks?.ended?.((parts.clock.monotonicMs() - startedAtMs) / 1_000, outcome.ok ? 'ok' : outcome.code);
  return outcome;
}

async function attempt(parts: Parts, job: Run): Promise<JobOutcome> {
  const redisNowMs = await admitInTime(parts, job);
  const expected = parts.replies.expect(job.jobId);
  try {
    await endInTime(parts, job, parts.options.queue.add({
      v: JOB_VERSION,
      jobId: job.jobId,
      sourceId: job.order.sourceId,
      outId: job.outId,
      isolation: job.order.isolation,
      class: job.order.class,
      mode: job.order.mode,
      deadlineAtMs: redisNowMs + remainingMs(parts, job),
      replyTo: parts.options.gatewayId,
    }));
    const reply = (await firstReply(parts, job, expected.reply)) ?? (await lastLook(parts, job));
    return reply === undefined ? await giveUp(parts, job) : await conclude(parts, job, reply);
  } finally {
    expected.cancel();
  }
}

/** Redis time at admission. Other gateways' jobs fill queue and ledger too, so a refusal is tried again for a while. */
async function admitInTime(parts: Parts, job: Run): Promise<number> {
  const { clock, limits, options } = parts;
  const untilMs = clock.now() + Math.min(options.admitWaitMs ?? LIMITS.headWaitMs, remainingMs(parts, job));
  for (;;) {
    if (job.signal.aborted) throw new SekishoError('SEKISHO_ABORTED');
    const admission = await endInTime(parts, job, admit(options.commands, limits, job.jobId));
    if (admission.ok) return admission.redisNowMs;
    if (clock.now() + ADMIT_POLL_MS > untilMs) throw new SekishoError(admission.code);
    await clock.sleep(ADMIT_POLL_MS, job.signal).catch(() => undefined);
  }
}

/** The reply, or undefined when the wait is over without one. */
async function firstReply(parts: Parts, job: Run, reply: Promise<ReplyRead>): Promise<ReplyRead> {
  const over = Promise.withResolvers<undefined>();
  const onAbort = (): void => over.resolve(undefined);
  const timer = setTimeout(onAbort, Math.max(0, remainingMs(parts, job) - LAST_LOOK_MS));
  job.signal.addEventListener('abort', onAbort, { once: true });
  try {
    return job.signal.aborted ? undefined : await Promise.race([reply, over.promise]);
  } finally {
    clearTimeout(timer);
    job.signal.removeEventListener('abort', onAbort);
  }
}

const lastLook = async (parts: Parts, job: Run): Promise<ReplyRead> =>
  job.signal.aborted ? undefined : await endInTime(parts, job, parts.replies.read(job.jobId));

/** No reply in time, or nobody wants it: what waits is taken out, what runs ends by itself and is cleared away then. */
async function giveUp(parts: Parts, job: Run): Promise<JobOutcome> {
  const withdrawing = parts.options.queue.withdraw(job.jobId);
  const withdrawn = await (job.signal.aborted ? withdrawing : endInTime(parts, job, withdrawing));
  if (withdrawn === 'active') void clearStraggler(parts, job);
  const running = withdrawn === 'active' ? { running: true as const } : {};
  const code = withdrawn === 'active' ? 'SEKISHO_DEADLINE' : 'SEKISHO_WORKER_AWAY';
  return { ...refusal(job.signal.aborted ? 'SEKISHO_ABORTED' : code), ...running };
}

async function clearStraggler(parts: Parts, job: Run): Promise<void> {
  const expected = parts.replies.expect(job.jobId);
  const timer = setTimeout(expected.cancel, STRAGGLER_MS);
  await expected.reply;
  clearTimeout(timer);
  await giveBack(parts, holdingOf(job));
}

async function conclude(parts: Parts, job: Run, reply: ReplyRead): Promise<JobOutcome> {
  if (reply === undefined || reply === 'invalid') return lie(parts, 'a reply that is none', 0);
  const cpuMs = clampCpuMs(reply.cpuMs, parts.clock.monotonicMs() - job.startedAtMs);
  if (!reply.ok) return isWorkerCode(reply.code) ? refusal(reply.code, cpuMs) : lie(parts, `code ${reply.code}`, cpuMs);
  const body = await endInTime(parts, job, takeBytes(parts.options.blobs, workKeys.result(job.outId), reply.bytes));
  if (body === undefined) return lie(parts, 'result missing or of another length', cpuMs);
  const detail = checkResult(job.order.mode, reply, body);
  return detail === undefined ? { ok: true, reply: { ...reply, cpuMs }, body } : lie(parts, detail, cpuMs);
}

function lie(parts: Parts, detail: string, cpuMs: number): JobOutcome {
  parts.options.hooks?.lie?.(detail);
  return refusal('SEKISHO_IMAGE_RESULT', cpuMs);
}

async function takeSource(parts: Parts, id: string, bytes: number): Promise<Buffer | undefined> {
  try {
    return await takeBytes(parts.options.blobs, workKeys.source(id), bytes);
  } catch (error) {
    throw new SekishoError('SEKISHO_REDIS_AWAY', { cause: error });
  } finally {
    await giveBack(parts, { source: { id, bytes }, keys: [workKeys.source(id)] });
  }
}

/** With Redis away the keys expire and the leases lapse by themselves. */
async function giveBack(parts: Parts, holding: Holding): Promise<void> {
  await release(parts.options.commands, holding).catch(() => undefined);
}

const holdingOf = ({ jobId, outId, order }: Run): Holding => ({
  jobId,
  source: { id: order.sourceId, bytes: order.sourceBytes },
  keys: [workKeys.source(order.sourceId), workKeys.result(outId), workKeys.reply(jobId)],
});

/** A step that ends with the deadline or the client, so that a hanging Redis holds nobody. */
const endInTime = async <T>(parts: Parts, job: Run, step: Promise<T>): Promise<T> =>
  await inTime(step, Math.max(1, remainingMs(parts, job)), () => {
    throw new SekishoError('SEKISHO_REDIS_AWAY', { detail: 'no answer in time' });
  });

const remainingMs = (parts: Parts, job: Run): number => Math.max(0, Math.floor(job.deadlineAtMs - parts.clock.now()));
const refusal = (code: Code, cpuMs = 0): Extract<JobOutcome, { ok: false }> => ({ ok: false, code, cpuMs });
/** Whatever a Redis client throws means that Redis did not do it. */
const codeOf = (error: unknown): Code => (isSekishoError(error) ? error.code : 'SEKISHO_REDIS_AWAY');
const newId = (): string => randomBytes(16).toString('base64url');

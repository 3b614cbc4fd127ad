// One picture from its URL to its outcome: charge, fetch, plan, wait in line, order, settle. Runs once per flight, for
// the client that leads it; everything it takes (charge, source, slot) is given back whatever the end is.

import { randomBytes } from 'node:crypto';
import { type FetchRequest, LIMITS, type StoredOutcome, toSekishoError } from '@sekisho/contracts';
import { TRANSFORM_ENTRY_MS, fetchPrice, streamPrice, transformPrice } from '@sekisho/limiter';
import { readMediaHeader } from '@sekisho/media-header';
import type { Clock } from '@sekisho/runtime';
import type { Fetched } from '../fetching/client.ts';
import type { ImageJobs } from '../jobs/image-jobs.ts';
import type { MediaLimits } from '../limits-file/limits.ts';
import type { Budget, BudgetCharge } from '../limits/budget.ts';
import type { Lines } from '../line/lines.ts';
import { isolationToken, pictureEtag } from './key.ts';
import { type Plan, planSource } from './order.ts';
import { isShareable, refusal, refusalOf } from './outcome.ts';
import type { MediaSource } from './source.ts';
import type { ClientIdentity, MediaOutcome, MediaRequest, Picture, Refusal } from './types.ts';

/**
 * Longest life of a job: admission, the one decode that may run before it (BullMQ holds two jobs a slot), its own. Past
 * that its worker is gone, and the client is told so instead of waiting for the deadline of the whole request.
 */
const JOB_MS = LIMITS.headWaitMs + 2 * LIMITS.decodeWallMs;

export interface TransformDeps {
  readonly source: MediaSource;
  readonly jobs: ImageJobs;
  readonly lines: Lines;
  readonly budget: Budget;
  readonly isolationKey: Buffer;
  readonly isBlocked: (host: string) => boolean;
  readonly clock: Clock;
}

export interface Work {
  readonly request: MediaRequest;
  readonly requestId: string;
  readonly client: ClientIdentity;
  readonly deadlineAtMs: number;
  /** Those its key was made with. */
  readonly limits: MediaLimits;
}

/** What a piece of work cost, for the log line and the metrics. */
export interface Cost {
  chargedMs: number;
  usedMs: number;
  cpuMs: number;
  waitedMs: number;
}

export const noCost = (): Cost => ({ chargedMs: 0, usedMs: 0, cpuMs: 0, waitedMs: 0 });

export interface Made {
  readonly share: boolean;
  readonly outcome: MediaOutcome;
  /** With a stream: the open body, whose charge its reader settles. */
  readonly opened?: { readonly fetched: Fetched; readonly charge: BudgetCharge };
}

const refused = (made: Refusal): Made => ({ share: isShareable(made.code), outcome: made });

/** Never throws; `signal` ends it in every phase. */
export async function makeMedia(deps: TransformDeps, work: Work, cost: Cost, signal: AbortSignal): Promise<Made> {
  const opened = work.request.mode === 'asis'
    ? await deps.budget.open(work.client, 'media', 'stream', streamPrice(0))
    : await deps.budget.open(work.client, 'media', 'transform', TRANSFORM_ENTRY_MS);
  if (!opened.ok) return refused(refusal(opened.code, { retryAfterS: opened.retryAfterS }));
  const { charge } = opened;
  cost.chargedMs = charge.costMs;
  const job: Job = { deps, work, cost, charge, signal, lapse: false };
  let handedOver = false;
  try {
    const made = await fetchAndMake(job);
    handedOver = made.opened !== undefined;
    return made;
  } catch (error) {
    return refused(refusalOf(toSekishoError(error)));
  } finally {
    // A decode that still runs has an unknown cost: its charge stays and drains, so leaving early gains nothing.
    if (!handedOver && !job.lapse) await charge.settle(cost.usedMs).catch(() => undefined);
  }
}

interface Job {
  readonly deps: TransformDeps;
  readonly work: Work;
  readonly cost: Cost;
  readonly charge: BudgetCharge;
  readonly signal: AbortSignal;
  lapse: boolean;
}

async function fetchAndMake(job: Job): Promise<Made> {
  const { deps, work, signal, cost } = job;
  cost.usedMs = fetchPrice(0);
  const deadlineMs = Math.max(1, Math.min(LIMITS.pictureTotalMs, work.deadlineAtMs - deps.clock.now()));
  const fetched = await deps.source.fetch(fetchRequest(work, deadlineMs), { signal, deadlineMs: deadlineMs + 500, clientKey: work.client.key });
  const { outcome } = fetched;
  if ('code' in outcome) {
    return refused(refusal(outcome.code, { upstreamStatus: outcome.upstreamStatus, retryAfterS: outcome.retryAfterS }));
  }
  const blocked = deps.isBlocked(new URL(outcome.finalOrigin).hostname);
  if (outcome.kind === 'stream') {
    if (!blocked) return { share: true, outcome: { kind: 'stream' }, opened: { fetched, charge: job.charge } };
    fetched.body?.destroy();
    return refused(refusal('SEKISHO_TARGET_BLOCKED'));
  }
  cost.usedMs = fetchPrice(outcome.bytes);
  if (blocked) return await dropAndRefuse(job, outcome, refusal('SEKISHO_TARGET_BLOCKED'));
  return await makeFromSource(job, outcome);
}

function fetchRequest(work: Work, deadlineMs: number): FetchRequest {
  const { request, limits } = work;
  const asis = request.mode === 'asis';
  return {
    v: 1,
    requestId: work.requestId,
    url: request.url,
    // As they are, all pictures stream but SVG, which never leaves as it came.
    want: asis ? 'auto' : 'store',
    ...(asis ? { storeTypes: ['image/svg+xml'] } : {}),
    sourceId: randomBytes(16).toString('base64url'),
    loop: { via: [...request.loop.via], cdnLoop: [...request.loop.cdnLoop] },
    limits: { bytesMax: asis ? limits.streamBytesMax : limits.pictureBytesMax, deadlineMs },
  };
}

async function makeFromSource(job: Job, source: StoredOutcome): Promise<Made> {
  const plan = planSource(source, job.work.request.mode, job.work.limits);
  switch (plan.kind) {
    case 'refuse':
      return await dropAndRefuse(job, source, refusal(plan.code));
    case 'pass':
      return await passSource(job, source);
    case 'transform':
      return await transformSource(job, source, plan);
  }
}

async function dropAndRefuse(job: Job, source: StoredOutcome, outcome: Refusal): Promise<Made> {
  await job.deps.jobs.dropSource(source.sourceId, source.bytes);
  return refused(outcome);
}

/** A small animation as it came: its bytes are read and judged here, not by the description of the fetcher. */
async function passSource(job: Job, source: StoredOutcome): Promise<Made> {
  const body = await job.deps.jobs.takeSource(source.sourceId, source.bytes);
  if (body === undefined) return refused(refusal('SEKISHO_DEADLINE'));
  const header = readMediaHeader(body.subarray(0, 65_536));
  if (header.kind !== 'picture' || header.type !== source.type) return refused(refusal('SEKISHO_IMAGE_HEADER'));
  if (planSource({ ...source, ...header, bytes: body.length }, job.work.request.mode, job.work.limits).kind !== 'pass') {
    return refused(refusal('SEKISHO_IMAGE_HEADER'));
  }
  const picture: Picture = {
    kind: 'picture', type: header.type, body, etag: pictureEtag(body), width: header.width, height: header.height,
    frames: header.framesAtLeast, framesCapped: false, fileName: source.fileName,
  };
  return { share: true, outcome: picture };
}

async function transformSource(job: Job, source: StoredOutcome, plan: Extract<Plan, { kind: 'transform' }>): Promise<Made> {
  const { deps, work, cost, signal } = job;
  const line = await deps.lines.enter(work.client.key, signal);
  if (!line.ok) return await dropAndRefuse(job, source, refusal(line.code, { retryAfterS: line.retryAfterS }));
  cost.waitedMs = line.slot.waitedMs;
  try {
    const price = transformPrice({ class: plan.class, pixels: plan.pixels }) + cost.usedMs;
    const repriced = await job.charge.reprice(price);
    if (repriced !== 'ok') return await dropAndRefuse(job, source, refusal(repriced === 'refused' ? 'SEKISHO_LIMIT_CLIENT' : 'SEKISHO_REDIS_AWAY'));
    cost.chargedMs = job.charge.costMs;
    return await runJob(job, source, plan);
  } finally {
    line.slot.release();
  }
}

async function runJob(job: Job, source: StoredOutcome, plan: Extract<Plan, { kind: 'transform' }>): Promise<Made> {
  const { deps, work, cost, signal } = job;
  const isolation = isolationToken(deps.isolationKey, source.finalOrigin);
  const order = { sourceId: source.sourceId, sourceBytes: source.bytes, isolation, class: plan.class, mode: work.request.mode };
  const deadlineAtMs = Math.min(work.deadlineAtMs, deps.clock.now() + JOB_MS);
  const done = await deps.jobs.run(order, { deadlineAtMs, signal });
  if (!done.ok) {
    cost.cpuMs = done.cpuMs;
    cost.usedMs += done.cpuMs;
    job.lapse = done.running === true;
    return refused(refusal(done.code));
  }
  const { reply, body } = done;
  cost.cpuMs = reply.cpuMs;
  cost.usedMs += reply.cpuMs;
  const picture: Picture = {
    kind: 'picture', type: reply.type, body, etag: pictureEtag(body), width: reply.width, height: reply.height,
    frames: reply.frames, framesCapped: reply.framesCapped === true, fileName: source.fileName,
  };
  return { share: true, outcome: picture };
}

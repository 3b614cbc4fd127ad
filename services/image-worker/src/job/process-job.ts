// One job from its data to its reply. Never throws for a bad picture or a bad job: every end is a code that the gateway
// hears, and what it hears it checks again.

import { type Code, type ImageJob, type ImageReply, JOB_VERSION, idSchema, parseImageJob } from '@sekisho/contracts';
import { z } from 'zod';
import type { DecodeOutcome, DecodeRequest } from '../pool/pool.ts';
import type { Exchange } from './exchange.ts';

const REPLY_MS_MAX = 600_000;

export interface Decoders {
  decode(request: DecodeRequest): Promise<DecodeOutcome>;
}

/** The end of one job, for its log line and its metrics. */
export interface JobEnd {
  readonly code: Code | 'ok';
  readonly job?: ImageJob;
  readonly cpuMs: number;
  readonly waitMs: number;
  readonly sourceBytes: number;
  readonly resultBytes: number;
  readonly detail?: string;
}

export interface ProcessParts {
  readonly exchange: Exchange;
  readonly decoders: Decoders;
}

/** Enough of a job to answer one whose version or form is not known. */
const addressSchema = z.object({ jobId: idSchema, replyTo: idSchema });

/**
 * @param data job data, untrusted
 * @param orderedAtMs when the gateway added the job, ms since 1970
 * @throws when Redis does not take the reply; the gateway then meets its own deadline
 */
export async function processJob(parts: ProcessParts, data: unknown, orderedAtMs: number): Promise<JobEnd> {
  const parsed = parseImageJob(data);
  if (!parsed.ok) return await refuseUnknown(parts.exchange, data, parsed);
  const { job } = parsed;
  const { redisNowMs, source } = await parts.exchange.take(job.sourceId);
  const waitMs = within(redisNowMs - orderedAtMs);
  const remainingMs = job.deadlineAtMs - redisNowMs;
  const outcome: DecodeOutcome = source === undefined || remainingMs <= 0
    ? { ok: false, code: 'SEKISHO_DEADLINE', cpuMs: 0, detail: remainingMs <= 0 ? 'taken too late' : 'no source' }
    : await parts.decoders.decode({ isolation: job.isolation, class: job.class, mode: job.mode, body: source, remainingMs });
  if (outcome.ok) await parts.exchange.putResult(job.outId, outcome.body);
  await parts.exchange.reply(job.replyTo, toReply(job, outcome, waitMs));
  return { ...toEnd(outcome), job, waitMs, sourceBytes: source?.length ?? 0 };
}

async function refuseUnknown(exchange: Exchange, data: unknown, { code, detail }: { readonly code: Code; readonly detail: string }): Promise<JobEnd> {
  const address = addressSchema.safeParse(data);
  if (address.success) await exchange.reply(address.data.replyTo, { v: JOB_VERSION, jobId: address.data.jobId, ok: false, code, cpuMs: 0 });
  return { code, detail, cpuMs: 0, waitMs: 0, sourceBytes: 0, resultBytes: 0 };
}

function toReply(job: ImageJob, outcome: DecodeOutcome, waitMs: number): ImageReply {
  const common = { v: JOB_VERSION, jobId: job.jobId, cpuMs: within(outcome.cpuMs) } as const;
  if (!outcome.ok) return { ...common, ok: false, code: outcome.code };
  const { type, width, height, frames, framesCapped } = outcome.result;
  const capped = framesCapped ? { framesCapped } : {};
  return { ...common, ok: true, type, width, height, frames, ...capped, bytes: outcome.body.length, waitMs };
}

const toEnd = (outcome: DecodeOutcome): Pick<JobEnd, 'code' | 'cpuMs' | 'resultBytes' | 'detail'> =>
  outcome.ok
    ? { code: 'ok', cpuMs: outcome.cpuMs, resultBytes: outcome.body.length }
    : { code: outcome.code, cpuMs: outcome.cpuMs, resultBytes: 0, ...(outcome.detail === undefined ? {} : { detail: outcome.detail }) };

const within = (ms: number): number => Math.min(REPLY_MS_MAX, Math.max(0, Math.round(ms)));

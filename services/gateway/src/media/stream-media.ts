// Media that pass as they are, in the words of the media path: who pays, which hosts are refused, what it cost.

import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { type FetchRequest, LIMITS } from '@sekisho/contracts';
import { streamPrice } from '@sekisho/limiter';
import type { Fetched } from '../fetching/client.ts';
import type { Budget, BudgetCharge } from '../limits/budget.ts';
import type { Streams } from '../stream/streams.ts';
import type { StreamContext, StreamEnd } from './handler.ts';
import { refusal } from './outcome.ts';
import type { MediaSource } from './source.ts';
import { noCost } from './transform.ts';

export interface StreamMediaDeps {
  readonly source: MediaSource;
  readonly streams: Streams;
  readonly budget: Budget;
  readonly isBlocked: (host: string) => boolean;
  /** Makes the description of a stream part of purges by URL and host. */
  readonly list: (key: string, url: string) => Promise<void>;
}

type Serve = (res: ServerResponse, context: StreamContext) => Promise<StreamEnd>;

/** Streams one medium to one client and settles what it cost; throws what the source throws, after settling. */
export const createStreamMedia = (deps: StreamMediaDeps): Serve => async (res, context) => {
  const cost = noCost();
  const charge = await chargeOf(deps, context);
  if (!('settle' in charge)) return { kind: 'refusal', refusal: refusal(charge.code, charge), cost };
  cost.chargedMs = charge.costMs;
  let bytes = 0;
  try {
    void deps.list(context.key, context.request.url);
    const end = await deps.streams.serve(res, {
      request: context.request,
      key: context.key,
      requestId: context.requestId,
      opened: context.opened?.fetched,
      fetch: async (range) => await openStream(deps, context, range),
    });
    if (end.kind === 'refusal') return { kind: 'refusal', refusal: refusal(end.code, end), cost };
    bytes = end.bytes;
    return { kind: 'sent', sent: { status: end.status, bytes }, cost };
  } finally {
    cost.usedMs = streamPrice(bytes);
    await charge.settle(cost.usedMs).catch(() => undefined);
  }
};

async function chargeOf(deps: StreamMediaDeps, { opened, client }: StreamContext): Promise<BudgetCharge | { readonly code: 'SEKISHO_LIMIT_CLIENT' | 'SEKISHO_LIMIT_NET' | 'SEKISHO_LIMIT_GLOBAL' | 'SEKISHO_REDIS_AWAY'; readonly retryAfterS: number }> {
  if (opened !== undefined) return opened.charge;
  const answer = await deps.budget.open(client, 'media', 'stream', streamPrice(0));
  return answer.ok ? answer.charge : answer;
}

/** The fetch of one stream; hosts that are blocked after a redirect count like those before it. */
async function openStream(deps: StreamMediaDeps, context: StreamContext, range: string | undefined): Promise<Fetched> {
  const { request, requestId, signal } = context;
  const order: FetchRequest = {
    v: 1,
    requestId,
    url: request.url,
    want: 'stream',
    ...(range === undefined ? {} : { range }),
    sourceId: randomBytes(16).toString('base64url'),
    loop: { via: [...request.loop.via], cdnLoop: [...request.loop.cdnLoop] },
    limits: { bytesMax: context.limits.media.streamBytesMax, deadlineMs: LIMITS.pictureTotalMs },
  };
  const fetched = await deps.source.fetch(order, { signal, deadlineMs: LIMITS.pictureTotalMs + 500, clientKey: context.client.key });
  if (fetched.outcome.kind !== 'stream' || !deps.isBlocked(new URL(fetched.outcome.finalOrigin).hostname)) return fetched;
  fetched.body?.destroy();
  return { outcome: { kind: 'deny', code: 'SEKISHO_TARGET_BLOCKED' }, body: undefined };
}

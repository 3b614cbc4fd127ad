// One finished fetch as its canonical log line and its metrics. Pure.

import { CODES, type Code, type FetchOutcome } from '@sekisho/contracts';
import type { Logger } from '@sekisho/runtime';
import type { Finished } from './http/server.ts';
import type { FetcherMetrics } from './metrics.ts';

export function report(finished: Finished, log: Logger, metrics: FetcherMetrics): void {
  const { outcome } = finished;
  const code = codeOf(finished);
  if ('code' in outcome) {
    metrics.fetch(outcome.code);
  } else {
    metrics.fetch(code ?? outcome.kind);
    metrics.bytes(outcome.kind, finished.bytes);
  }
  log[code === undefined ? 'info' : CODES[code].level](logFields(finished, code), 'fetch');
}

const codeOf = ({ outcome, fault }: Finished): Code | undefined => ('code' in outcome ? outcome.code : fault?.code);

/** The host may be logged; path and query of a stranger's URL not. */
function logFields({ requestId, outcome, facts, fault, bytes, durationMs }: Finished, code: Code | undefined): Record<string, unknown> {
  return {
    request_id: requestId,
    outcome: outcome.kind,
    code,
    type: typeOf(outcome),
    host: facts.host || undefined,
    detail: (fault?.detail ?? facts.detail) || undefined,
    redirects: facts.redirects,
    upstream_status: facts.upstreamStatus || undefined,
    bytes,
    duration_ms: Math.round(durationMs),
  };
}

const typeOf = (outcome: FetchOutcome): string | undefined => ('type' in outcome ? outcome.type : undefined);

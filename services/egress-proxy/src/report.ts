// One finished request as its canonical log line and its metrics. Pure.

import { CODES } from '@sekisho/contracts';
import type { Logger } from '@sekisho/runtime';
import { type EgressMetrics, isFault } from './metrics.ts';
import { versionName } from './tls/versions.ts';
import type { Report } from './tunnel/accept.ts';

/** A name has at most 253 characters; what is no name may be longer. */
const TEXT_CHARS_MAX = 260;

export function report(finished: Report, log: Logger, metrics: EgressMetrics): void {
  const { code } = finished.end;
  countReport(finished, metrics);
  log[code === undefined ? 'info' : CODES[code].level](logFields(finished), 'tunnel');
}

function countReport({ end }: Report, metrics: EgressMetrics): void {
  const { code, versions } = end;
  if (end.established) metrics.connect('established');
  else if (code !== undefined) metrics.connect(isFault(code) ? 'failed' : 'denied');
  if (code !== undefined) metrics.ended(code);
  for (const reason of end.wouldDeny) metrics.wouldDeny(reason);
  if (versions.client !== undefined) metrics.tlsVersion('client', versionName(versions.client));
  if (versions.server !== undefined) metrics.tlsVersion('server', versionName(versions.server));
  if (end.bytes.up > 0) metrics.bytes('up', end.bytes.up);
  if (end.bytes.down > 0) metrics.bytes('down', end.bytes.down);
  if (end.dnsMs !== undefined) metrics.phase('dns', end.dnsMs / 1_000);
  if (end.connectMs !== undefined) metrics.phase('connect', end.connectMs / 1_000);
}

function logFields({ listener, mode, peer, host, port, durationMs, end }: Report): Record<string, unknown> {
  const { code, versions } = end;
  return {
    listener,
    mode,
    verdict: verdictOf(end),
    code,
    detail: end.detail.slice(0, 4 * TEXT_CHARS_MAX) || undefined,
    would_deny: end.wouldDeny.length > 0 ? end.wouldDeny : undefined,
    status: end.established ? 200 : code === undefined ? undefined : CODES[code].status,
    client: peer,
    host: host?.slice(0, TEXT_CHARS_MAX),
    port,
    address: end.address,
    tls_client: versions.client === undefined ? undefined : versionName(versions.client),
    tls_server: versions.server === undefined ? undefined : versionName(versions.server),
    bytes_up: end.bytes.up,
    bytes_down: end.bytes.down,
    dns_ms: rounded(end.dnsMs),
    connect_ms: rounded(end.connectMs),
    hello_ms: rounded(end.helloMs),
    duration_ms: rounded(durationMs),
  };
}

const verdictOf = ({ code, established }: Report['end']): 'allow' | 'deny' | 'fault' => {
  if (code === undefined) return 'allow';
  if (!isFault(code)) return 'deny';
  // An idle tunnel that timed out was allowed; its code tells how it ended.
  return established ? 'allow' : 'fault';
};

const rounded = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : Math.round(ms * 10) / 10);

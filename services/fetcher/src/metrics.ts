import { type Code, MEDIA_CODES } from '@sekisho/contracts';
import { createMetrics, type Metrics } from '@sekisho/runtime';

export const FETCH_RESULTS = ['stream', 'stored', 'document', ...MEDIA_CODES] as const;
export type FetchResult = 'stream' | 'stored' | 'document' | Code;

export interface FetcherMetrics {
  readonly registry: Metrics;
  fetch(result: FetchResult): void;
  /** Bytes after decoding, towards the gateway or Redis. */
  bytes(way: 'stream' | 'stored' | 'document', count: number): void;
  phase(phase: 'headers' | 'body', seconds: number): void;
  refusedRequest(): void;
  reload(result: 'ok' | 'failed'): void;
  /** Gauges that are read at each scrape. */
  watch(read: () => Gauges): void;
}

export interface Gauges {
  readonly running: number;
  readonly upstreamSockets: number;
  readonly hostsPaused: number;
  readonly bufferedBytes: number;
  readonly redisUp: boolean;
}

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60, 300];

export function createFetcherMetrics(registry: Metrics = createMetrics('fetcher')): FetcherMetrics {
  const fetches = registry.counter({ name: 'fetches_total', help: 'Fetches by their end.', labels: { result: FETCH_RESULTS } });
  const bytes = registry.counter({ name: 'passed_bytes_total', help: 'Bytes passed on, decoded.', labels: { way: ['stream', 'stored', 'document'] } });
  const phases = registry.histogram({
    name: 'phase_seconds', help: 'Time until the upstream headers, and of the body after them.', buckets: SECONDS,
    labels: { phase: ['headers', 'body'] },
  });
  const refused = registry.counter({ name: 'refused_requests_total', help: 'Requests without the right token, Host or with an Origin header.' });
  const reloads = registry.counter({ name: 'deny_list_reloads_total', help: 'Readings of the file of denied networks.', labels: { result: ['ok', 'failed'] } });
  return {
    registry,
    fetch: (result) => fetches.inc({ result }),
    bytes: (way, count) => bytes.inc({ way }, count),
    phase: (phase, seconds) => phases.observe(seconds, { phase }),
    refusedRequest: () => refused.inc(),
    reload: (result) => reloads.inc({ result }),
    watch: (read) => watchGauges(registry, read),
  };
}

function watchGauges(registry: Metrics, read: () => Gauges): void {
  const running = registry.gauge({ name: 'running_fetches', help: 'Fetches running now.' });
  const sockets = registry.gauge({ name: 'upstream_sockets', help: 'Connection slots of upstream hosts in use.' });
  const paused = registry.gauge({ name: 'paused_hosts', help: 'Hosts paused after faults or 429.' });
  const buffered = registry.gauge({ name: 'buffered_bytes', help: 'Bytes of pictures held in memory.' });
  const up = registry.gauge({
    name: 'dependency_up', common: true, labels: { dependency: ['work_redis'] },
    help: '1 while a dependency answers. Readiness never depends on it.',
  });
  registry.beforeScrape(() => {
    const now = read();
    running.set(now.running);
    sockets.set(now.upstreamSockets);
    paused.set(now.hostsPaused);
    buffered.set(now.bufferedBytes);
    up.set(now.redisUp ? 1 : 0, { dependency: 'work_redis' });
  });
}

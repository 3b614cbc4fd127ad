// Metrics of the gateway. Labels are closed sets: no host, URL or address ever becomes one.

import { MEDIA_CODES, MEDIA_MODES, PUBLIC_CODES, type PublicCode } from '@sekisho/contracts';
import type { Metrics } from '@sekisho/runtime';
import { CACHE_EVENTS } from './cache/result-cache.ts';
import { createInboxMetrics } from './inbox/metrics.ts';

export const MEDIA_RESULTS = ['ok', ...(Object.keys(PUBLIC_CODES) as PublicCode[]), 'aborted'] as const;
export const CACHE_LABELS = ['hit', 'miss', 'shared', 'none'] as const;
export const DEPENDENCIES = ['state_redis', 'work_redis', 'fetcher', 'misskey', 'misskey_queue'] as const;
const AREAS = ['media', 'inbox', 'pages'] as const;

/** Seconds; from a memory hit to the longest picture. */
const REQUEST_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export type GatewayMetrics = ReturnType<typeof createGatewayMetrics>;

export const createGatewayMetrics = (metrics: Metrics) => ({
  mediaRequests: metrics.counter({
    name: 'media_requests_total',
    help: 'Media requests by mode, cache and public result.',
    labels: { mode: MEDIA_MODES, cache: CACHE_LABELS, result: MEDIA_RESULTS },
  }),
  mediaSeconds: metrics.histogram({
    name: 'media_request_seconds',
    help: 'Time from arrival to the last byte of a media answer.',
    buckets: REQUEST_BUCKETS,
    labels: { cache: CACHE_LABELS },
  }),
  mediaBytes: metrics.counter({ name: 'media_sent_bytes_total', help: 'Body bytes of media answers.' }),
  denials: metrics.counter({ name: 'denials_total', help: 'Refusals by internal code.', labels: { code: MEDIA_CODES } }),
  flightJoins: metrics.counter({
    name: 'flight_joins_total',
    help: 'Requests that shared the work of another, in this process or over replicas.',
    labels: { role: ['joined', 'remote'] },
  }),
  costCharged: metrics.counter({ name: 'cost_charged_ms_total', help: 'Milliseconds of CPU charged.', labels: { area: AREAS } }),
  costRefunded: metrics.counter({ name: 'cost_refunded_ms_total', help: 'Milliseconds given back at settlement.', labels: { area: AREAS } }),
  costDebited: metrics.counter({ name: 'cost_debited_ms_total', help: 'Milliseconds used above the charge.', labels: { area: AREAS } }),
  cacheEvents: metrics.counter({ name: 'cache_events_total', help: 'Events of the result cache.', labels: { event: CACHE_EVENTS } }),
  cacheBytes: metrics.gauge({ name: 'cache_memory_bytes', help: 'Bytes of the result cache in memory.' }),
  cacheEntries: metrics.gauge({ name: 'cache_memory_entries', help: 'Entries of the result cache in memory.' }),
  ...workMetrics(metrics),
  inbox: createInboxMetrics(metrics),
  forwardedUntrusted: metrics.counter({
    name: 'forwarded_untrusted_total',
    help: 'X-Forwarded-For headers from peers outside SEKISHO_TRUSTED_PROXIES.',
  }),
  trustedProxiesReloads: metrics.counter({
    name: 'trusted_proxies_reloads_total',
    help: 'Reloads of SEKISHO_TRUSTED_PROXIES_FILE.',
    labels: { result: ['ok', 'failed'] },
  }),
  blockedHostsReloads: metrics.counter({
    name: 'blocked_hosts_reloads_total',
    help: 'Reloads of SEKISHO_MEDIA_BLOCKED_HOSTS_FILE.',
    labels: { result: ['ok', 'failed'] },
  }),
  limitsFileReloads: metrics.counter({
    name: 'limits_file_reloads_total',
    help: 'Reloads of SEKISHO_LIMITS_FILE.',
    labels: { result: ['ok', 'failed'] },
  }),
  passthrough: metrics.counter({
    name: 'passthrough_requests_total',
    help: 'Requests passed to Misskey by status class.',
    labels: { result: ['1xx', '2xx', '3xx', '4xx', '5xx', 'away', 'refused', 'aborted'] },
  }),
  websockets: metrics.gauge({ name: 'websockets', help: 'Open WebSocket tunnels to Misskey.' }),
  dependencyUp: metrics.gauge({
    name: 'dependency_up',
    common: true,
    help: '1 while a dependency answers. Readiness never depends on it.',
    labels: { dependency: DEPENDENCIES },
  }),
});

/** Lines, jobs and decoders, as the gateway sees them. */
const workMetrics = (metrics: Metrics) => ({
  linesWaiting: metrics.gauge({ name: 'line_waiting_entries', help: 'Pictures waiting for a decoder.' }),
  linesRunning: metrics.gauge({ name: 'line_running_entries', help: 'Pictures on their way through a decoder.' }),
  lineWait: metrics.histogram({
    name: 'line_wait_seconds',
    help: 'Time a picture waited in the line of its client.',
    buckets: [0.001, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 20],
  }),
  jobs: metrics.counter({ name: 'jobs_total', help: 'Picture jobs by end.', labels: { code: ['ok', ...MEDIA_CODES] } }),
  jobSeconds: metrics.histogram({
    name: 'job_seconds',
    help: 'Time from admission to the end of a picture job.',
    buckets: REQUEST_BUCKETS,
  }),
  decodeCpu: metrics.histogram({
    name: 'decode_cpu_seconds',
    help: 'CPU that decoders used for one picture.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8],
  }),
  workerLies: metrics.counter({ name: 'worker_lies_total', help: 'Replies of a worker that were not what was asked for.' }),
});

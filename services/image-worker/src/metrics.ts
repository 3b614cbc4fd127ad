import { MEDIA_CODES, DECODE_CLASSES } from '@sekisho/contracts';
import type { CounterMetric, GaugeMetric, HistogramMetric, Metrics } from '@sekisho/runtime';
import { KILL_REASONS } from './pool/child.ts';
import { SANDBOX_LAYERS } from './sandbox/layers.ts';

const OUTCOMES = ['ok', ...MEDIA_CODES] as const;
const REJECTIONS = ['unasked', 'header', 'kind', 'seq', 'body', 'excess', 'lie'] as const;
const STATES = ['blank', 'bound', 'busy'] as const;
const PROCESS_CLASSES = ['raster', 'svg'] as const;
const CPU_BUCKETS_S = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 8];
const WAIT_BUCKETS_S = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];

export interface WorkerMetrics {
  readonly jobs: CounterMetric<{ readonly code: typeof OUTCOMES }>;
  readonly decodeCpu: HistogramMetric<{ readonly class: typeof DECODE_CLASSES }>;
  readonly queueWait: HistogramMetric<Record<string, never>>;
  readonly kills: CounterMetric<{ readonly reason: typeof KILL_REASONS }>;
  readonly spawns: CounterMetric<{ readonly class: typeof PROCESS_CLASSES }>;
  readonly rejectedReplies: CounterMetric<{ readonly violation: typeof REJECTIONS }>;
  readonly children: GaugeMetric<{ readonly state: typeof STATES }>;
  readonly sandboxLayer: GaugeMetric<{ readonly layer: typeof SANDBOX_LAYERS }>;
  readonly dependencyUp: GaugeMetric<{ readonly dependency: readonly ['work_redis'] }>;
}

export const createWorkerMetrics = (metrics: Metrics): WorkerMetrics => ({
  jobs: metrics.counter({ name: 'jobs_total', help: 'Jobs ended, by code.', labels: { code: OUTCOMES } }),
  decodeCpu: metrics.histogram({
    name: 'decode_cpu_seconds',
    help: 'CPU time of one picture, measured from /proc, the start of its process included.',
    buckets: CPU_BUCKETS_S,
    labels: { class: DECODE_CLASSES },
  }),
  queueWait: metrics.histogram({ name: 'queue_wait_seconds', help: 'Time from order to worker.', buckets: WAIT_BUCKETS_S }),
  kills: metrics.counter({ name: 'decoder_kills_total', help: 'Decoder processes killed, by reason.', labels: { reason: KILL_REASONS } }),
  spawns: metrics.counter({ name: 'decoder_spawns_total', help: 'Decoder processes started.', labels: { class: PROCESS_CLASSES } }),
  rejectedReplies: metrics.counter({
    name: 'decoder_replies_rejected_total',
    help: 'Answers of decoders that broke the pipe protocol; each is a possible attack.',
    labels: { violation: REJECTIONS },
  }),
  children: metrics.gauge({ name: 'decoder_processes', help: 'Live decoder processes.', labels: { state: STATES } }),
  sandboxLayer: metrics.gauge({ name: 'sandbox_layer', help: '1 while decoders have this layer of the sandbox.', labels: { layer: SANDBOX_LAYERS } }),
  dependencyUp: metrics.gauge({ name: 'dependency_up', help: '1 while the dependency answers.', labels: { dependency: ['work_redis'] } }),
});

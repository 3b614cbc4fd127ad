// Typed metrics. A metric is an object that a service exports from metrics.ts; label values come from closed sets, so
// that no host, URL or address can ever blow up the number of series.

import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

export type LabelSets = Readonly<Record<string, readonly string[]>>;
export type LabelValues<L extends LabelSets> = { readonly [K in keyof L]: L[K][number] };

export interface MetricSpec<L extends LabelSets> {
  /** Without prefix: `fetches_total` becomes `sekisho_fetcher_fetches_total`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: L;
  /** The same metric in every service: `sekisho_<name>` without the service's name. */
  readonly common?: true;
}
export interface HistogramSpec<L extends LabelSets> extends MetricSpec<L> {
  /** Upper bounds in seconds or bytes. */
  readonly buckets: readonly number[];
}

export interface CounterMetric<L extends LabelSets> {
  inc(labels?: LabelValues<L>, by?: number): void;
}
export interface GaugeMetric<L extends LabelSets> {
  set(value: number, labels?: LabelValues<L>): void;
  inc(labels?: LabelValues<L>, by?: number): void;
  dec(labels?: LabelValues<L>, by?: number): void;
}
export interface HistogramMetric<L extends LabelSets> {
  observe(value: number, labels?: LabelValues<L>): void;
}

export interface Metrics {
  counter<const L extends LabelSets = Record<string, never>>(spec: MetricSpec<L>): CounterMetric<L>;
  gauge<const L extends LabelSets = Record<string, never>>(spec: MetricSpec<L>): GaugeMetric<L>;
  histogram<const L extends LabelSets = Record<string, never>>(spec: HistogramSpec<L>): HistogramMetric<L>;
  /** Called before each scrape, for gauges that are read rather than counted. */
  beforeScrape(collect: () => void): void;
  render(): Promise<string>;
  readonly contentType: string;
  /** Names with prefix, for the reference. */
  list(): Promise<readonly { readonly name: string; readonly type: string; readonly help: string }[]>;
}

/** A registry whose names start with `sekisho_<service>_`; process metrics of Node are included. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  const prefix = `sekisho_${service.replaceAll('-', '_')}_`;
  const collectors: (() => void)[] = [];
  collectDefaultMetrics({ register: registry, prefix });
  const settings = <L extends LabelSets>(spec: MetricSpec<L>) => ({
    name: (spec.common === true ? 'sekisho_' : prefix) + spec.name,
    help: spec.help,
    labelNames: Object.keys(spec.labels ?? {}),
    registers: [registry],
  });
  return {
    counter: (spec) => counterOf(new Counter(settings(spec))),
    gauge: (spec) => gaugeOf(new Gauge(settings(spec))),
    histogram: (spec) => histogramOf(new Histogram({ ...settings(spec), buckets: [...spec.buckets] })),
    beforeScrape: (collect) => void collectors.push(collect),
    render: async () => {
      for (const collect of collectors) collect();
      return await registry.metrics();
    },
    contentType: registry.contentType,
    list: async () => (await registry.getMetricsAsJSON()).map(({ name, type, help }) => ({ name, type: String(type), help })),
  };
}

// Counting per label object: prom-client hashes labels on every call, which a cached hit would feel.
function counterOf<L extends LabelSets>(counter: Counter): CounterMetric<L> {
  return { inc: (labels, by = 1) => (labels === undefined ? counter.inc(by) : counter.inc(labels, by)) };
}

function gaugeOf<L extends LabelSets>(gauge: Gauge): GaugeMetric<L> {
  return {
    set: (value, labels) => (labels === undefined ? gauge.set(value) : gauge.set(labels, value)),
    inc: (labels, by = 1) => (labels === undefined ? gauge.inc(by) : gauge.inc(labels, by)),
    dec: (labels, by = 1) => (labels === undefined ? gauge.dec(by) : gauge.dec(labels, by)),
  };
}

function histogramOf<L extends LabelSets>(histogram: Histogram): HistogramMetric<L> {
  return {
    observe: (value, labels) => (labels === undefined ? histogram.observe(value) : histogram.observe(labels, value)),
  };
}

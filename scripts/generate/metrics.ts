// docs/reference/metrics.md: each service's metrics are made against a registry that only takes notes.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { HistogramSpec, LabelSets, MetricSpec, Metrics } from '@sekisho/runtime';
import { code, page, table } from './markdown.ts';

export interface MetricNote {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: LabelSets;
}
export interface ServiceMetrics {
  readonly service: string;
  readonly notes: readonly MetricNote[];
}

/** More values than this are described, not listed. */
const VALUES_LISTED_MAX = 12;
const FACTORY = /^create[A-Za-z]+Metrics$/;

/** Metrics of every service that has a metrics.ts. */
export async function readMetrics(root: string): Promise<readonly ServiceMetrics[]> {
  const found: ServiceMetrics[] = [];
  for (const service of readdirSync(join(root, 'services')).toSorted()) {
    const file = join(root, 'services', service, 'src/metrics.ts');
    if (!existsSync(file)) continue;
    const module: unknown = await import(file);
    found.push({ service, notes: notesOf(service, factoryOf(module, file)) });
  }
  return found;
}

type Factory = (registry: Metrics) => unknown;

function factoryOf(module: unknown, file: string): Factory {
  const entries: readonly (readonly [string, unknown])[] = typeof module === 'object' && module !== null ? Object.entries(module) : [];
  const factory = entries.find(([name, value]) => FACTORY.test(name) && typeof value === 'function')?.[1];
  if (typeof factory !== 'function') throw new Error(`${file} exports no create…Metrics`);
  return (registry) => factory(registry) as unknown;
}

/** What a factory registers, in the order of registration. */
export function notesOf(service: string, factory: Factory): readonly MetricNote[] {
  const notes: MetricNote[] = [];
  const result = factory(notingRegistry(service, notes));
  // Some register their gauges only when they are told how to read them.
  if (typeof result === 'object' && result !== null && 'watch' in result && typeof result.watch === 'function') result.watch(() => ({}));
  return notes;
}

function notingRegistry(service: string, notes: MetricNote[]): Metrics {
  const prefix = `sekisho_${service.replaceAll('-', '_')}_`;
  const note = (type: MetricNote['type'], spec: MetricSpec<LabelSets> | HistogramSpec<LabelSets>): void =>
    void notes.push({ name: (spec.common === true ? 'sekisho_' : prefix) + spec.name, type, help: spec.help, labels: spec.labels ?? {} });
  const nothing = (): void => undefined;
  return {
    counter: (spec) => (note('counter', spec), { inc: nothing }),
    gauge: (spec) => (note('gauge', spec), { set: nothing, inc: nothing, dec: nothing }),
    histogram: (spec) => (note('histogram', spec), { observe: nothing }),
    beforeScrape: nothing,
    render: async () => '',
    contentType: 'text/plain',
    list: async () => [],
  };
}

const INTRO = `Each service answers \`GET /metrics\` on its ops port. Beside these there are the process metrics of Node
(\`sekisho_<service>_process_…\`, \`sekisho_<service>_nodejs_…\`). Labels come from closed sets: no host, URL, address or
actor is ever a label. Times are in seconds and sizes in bytes, unless a name says otherwise.`;

export const renderMetrics = (services: readonly ServiceMetrics[]): string =>
  page('Metrics', 'services/*/src/metrics.ts', [
    INTRO,
    ...services.flatMap(({ service, notes }) => [`## ${service}`, table(['metric', 'type', 'labels', 'meaning'], notes.map(rowOf))]),
  ]);

const rowOf = ({ name, type, labels, help }: MetricNote): string[] => [
  code(name), type, Object.entries(labels).map(([label, values]) => `${code(label)}: ${valuesOf(values)}`).join('; ') || 'none', help,
];

function valuesOf(values: readonly string[]): string {
  if (values.length === 0) return 'ids that the administrator gave';
  // Codes have a page of their own; other sets have none.
  if (values.length <= VALUES_LISTED_MAX || values.some((value) => /^[A-Z][a-z]/.test(value))) return values.join(', ');
  const plain = values.filter((value) => !value.startsWith('SEKISHO_'));
  if (plain.length === values.length) return `${values.length} values, see [the public codes](errors.md#public-codes)`;
  return [...plain, '[the internal codes](errors.md#internal-codes)'].join(', ');
}

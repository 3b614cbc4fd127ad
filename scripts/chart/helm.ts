// Renders the chart by the real programs: Helm 4 and Helm 3.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { goToolsFolder } from '../set-up/go-tools.ts';
import { type KubeObject, parseDocuments } from './documents.ts';

export const ROOT = dirname(dirname(import.meta.dirname));
export const CHART = join(ROOT, 'charts/sekisho');
export const HELMS = ['helm', 'helm3'] as const;
export type Helm = (typeof HELMS)[number];

const RUN_MS = 60_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function runTool(tool: string, args: readonly string[], input?: string): Ran {
  const { status, stdout, stderr, error } = spawnSync(join(goToolsFolder(), tool), args, {
    cwd: ROOT, encoding: 'utf8', timeout: RUN_MS, maxBuffer: OUTPUT_BYTES_MAX, ...(input === undefined ? {} : { input }),
  });
  if (error !== undefined) throw error;
  return { status: status ?? 1, stdout, stderr };
}

export interface RenderOptions {
  readonly helm?: Helm;
  readonly release?: string;
  readonly namespace?: string;
  readonly valuesFile?: string;
  /** Values as JSON, on top of the file. */
  readonly values?: unknown;
}

/** The smallest values that render: what nobody else can know. */
export const REQUIRED = { publicUrl: 'https://social.example', misskey: { url: 'http://10.20.0.9:3000' } };

/** Read where the test cluster's own version is written, so that both say the same. */
export const KUBERNETES_VERSION = /k8s\.io\/kubernetes v([\d.]+)/.exec(readFileSync(join(ROOT, 'test-e2e/cluster/tools/hyperkube/go.mod'), 'utf8'))?.[1] ?? '';

const templateArgs = ({ release = 'sekisho', namespace = 'social', valuesFile }: RenderOptions): string[] => [
  release, CHART, '--namespace', namespace, ...(valuesFile === undefined ? [] : ['--values', valuesFile]),
];

export const tryRender = (options: RenderOptions): Ran =>
  runTool(options.helm ?? 'helm', ['template', ...templateArgs(options), '--kube-version', KUBERNETES_VERSION, '--values', '-'], JSON.stringify(options.values ?? {}));

/** @throws Error with what Helm wrote. */
export function renderText(options: RenderOptions): string {
  const { status, stdout, stderr } = tryRender(options);
  if (status !== 0) throw new Error(`helm template: ${stderr}`);
  return stdout;
}

export const render = (options: RenderOptions): readonly KubeObject[] => parseDocuments(renderText(options));

/** What `helm install` would print. */
export function renderNotes(options: RenderOptions): string {
  const { status, stdout, stderr } = runTool('helm', ['install', ...templateArgs(options), '--dry-run=client', '--values', '-'], JSON.stringify(options.values ?? {}));
  if (status !== 0) throw new Error(`helm install --dry-run: ${stderr}`);
  return stdout.slice(stdout.lastIndexOf('\nNOTES:') + 1);
}

export interface Variant {
  readonly name: string;
  readonly options: RenderOptions;
}

/** The defaults and every file of ci/. */
export const VARIANTS: readonly Variant[] = [
  { name: 'defaults', options: { values: REQUIRED } },
  ...readdirSync(join(CHART, 'ci')).filter((file) => file.endsWith('-values.yaml')).toSorted().map((file) => ({
    name: basename(file, '-values.yaml'),
    options: { valuesFile: join(CHART, 'ci', file) },
  })),
];

/** @throws Error for a name that is none of VARIANTS. */
export function variant(name: string): RenderOptions {
  const found = VARIANTS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no variant ${name}`);
  return found.options;
}

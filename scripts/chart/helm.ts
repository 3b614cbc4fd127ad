// Renders the chart as an operator's helm does. Only this file knows where the program is.

import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type KubeObject, parseDocuments } from './documents.ts';
import { goToolsFolder } from '../set-up/go-tools.ts';

const run = promisify(execFile);
const root = dirname(dirname(import.meta.dirname));

/** A render takes under a second; a chart that loops must not hold the tests. */
const RENDER_TIMEOUT_MS = 60_000;
const RENDERED_BYTES_MAX = 64 * 1_048_576;

export const CHART = join(root, 'charts/sekisho');

export interface RenderOptions {
  readonly release?: string;
  readonly namespace?: string;
  /** `name=value`, as for --set. */
  readonly set?: readonly string[];
  /** helm3, helm, or another program; without it the first of these two that is there. */
  readonly helm?: string;
  readonly kubeVersion?: string;
}

/** Path of the program; undefined where it is missing. Looked for among the cluster's programs and in PATH. */
export function findHelm(names: readonly string[] = ['helm3', 'helm']): string | undefined {
  const folders = [goToolsFolder(), ...(process.env['PATH'] ?? '').split(delimiter)];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
}

/** @param values values files, later ones win. @throws Error with helm's own sentence when it refuses. */
export async function renderChart(values: readonly string[] = [], options: RenderOptions = {}): Promise<readonly KubeObject[]> {
  const helm = options.helm ?? findHelm();
  if (helm === undefined) throw new Error('helm is missing: install it, or build the cluster programs with test-e2e/cluster/build.sh');
  const { release = 'sekisho', namespace = 'web', kubeVersion = '1.36.0' } = options;
  const flags = [...values.flatMap((file) => ['-f', file]), ...(options.set ?? []).flatMap((pair) => ['--set', pair])];
  const command = ['template', release, CHART, '--namespace', namespace, '--kube-version', kubeVersion, ...flags];
  const { stdout } = await run(helm, command, { timeout: RENDER_TIMEOUT_MS, maxBuffer: RENDERED_BYTES_MAX });
  return parseDocuments(stdout);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

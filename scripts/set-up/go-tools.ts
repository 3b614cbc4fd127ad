// Programs of the test cluster that are built from Go modules: test-e2e/cluster/build.sh does it, once per change of its
// sources, into a folder that all checkouts on the machine share.

import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';

const BUILD = join(dirname(dirname(import.meta.dirname)), 'test-e2e/cluster/build.sh');
/** Everything cold on a busy machine of two cores took 20 minutes; Cilium and Skaffold alone 5 each. */
const BUILD_MS = 60 * 60_000;
const GO_MIN = [1, 26] as const;

/** Which part of build.sh makes a program. */
const TOOL_OF = {
  helm: 'helm',
  helm3: 'helm3',
  'helm-unittest': 'helm3',
  crane: 'misc',
  kubeconform: 'misc',
  kubectl: 'hyperkube',
  hyperkube: 'hyperkube',
  coredns: 'coredns',
  'cilium-agent': 'cilium',
  skaffold: 'skaffold',
  /** Not a program: the two images that the cluster itself needs. */
  images: 'images',
} as const;
export type GoTool = keyof typeof TOOL_OF;

export class GoToolsFailed extends Error {}

/** Where the programs are, built or not. */
export const goToolsFolder = (): string => join(process.env['STATE_DIR'] ?? '/var/tmp/sekisho-cluster', 'bin');

/** Why nothing can be built here; undefined: it can. */
export function goToolsProblem(): string | undefined {
  const wanted = `Go ${GO_MIN.join('.')} or newer is needed`;
  const { status, stdout } = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8', timeout: 20_000, env: { ...process.env, GOTOOLCHAIN: 'local' } });
  if (status !== 0) return `${wanted}, and there is none on PATH`;
  const [, major = '0', minor = '0'] = /^go(\d+)\.(\d+)/.exec(stdout) ?? [];
  const fits = Number(major) > GO_MIN[0] || (Number(major) === GO_MIN[0] && Number(minor) >= GO_MIN[1]);
  return fits ? undefined : `${wanted}, found ${stdout.trim()}`;
}

/**
 * Builds those that are missing or older than their sources.
 * @returns the folder that holds them.
 * @throws GoToolsFailed with the reason.
 */
export function ensureGoTools(names: readonly GoTool[]): string {
  const problem = goToolsProblem();
  if (problem !== undefined) throw new GoToolsFailed(problem);
  const tools = [...new Set(names.map((name) => TOOL_OF[name]))];
  if (tools.length === 0) return goToolsFolder();
  const { status } = spawnSync('bash', [BUILD, ...tools], { stdio: ['ignore', 2, 'inherit'], timeout: BUILD_MS });
  if (status !== 0) throw new GoToolsFailed(`not built: ${tools.join(', ')} (${BUILD})`);
  return goToolsFolder();
}

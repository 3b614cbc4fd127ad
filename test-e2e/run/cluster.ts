// The cluster's life around a run of cases: programs, bring-up, images, the simulated internet, logs, tear-down.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensureGoTools } from '../../scripts/set-up/go-tools.ts';
import { type Context, contextFile, root } from '../lib/context.ts';
import { until } from '../lib/deadline.ts';
import type { Engine } from './cases.ts';

const SCRIPT = join(root, 'test-e2e/cluster/cluster.sh');
export const STATE = process.env['STATE_DIR'] ?? '/var/tmp/sekisho-cluster';
const STORAGE = '/var/lib/containers/storage/overlay';
const hasStorageMount = (): boolean => process.platform === 'linux' && readFileSync('/proc/self/mounts', 'utf8').includes(` ${STORAGE} `);
const HAD_STORAGE_MOUNT = hasStorageMount();
const COMMAND_MS = 5 * 60_000;
const INTERNET_MS = 30_000;

export const internet = { control: 'http://203.0.113.2:8053', caFile: join(dirname(contextFile), 'origin-ca.crt') };

export function buildPrograms(engine: Engine, hasSkaffold: boolean): void {
  ensureGoTools(['hyperkube', 'coredns', 'helm', 'helm3', 'images', ...(engine === 'cilium' ? ['cilium-agent' as const] : []), ...(hasSkaffold ? ['skaffold' as const] : [])]);
}

function cluster(engine: Engine, ...args: readonly string[]): void {
  const { status } = spawnSync('bash', [SCRIPT, ...args], { cwd: root, stdio: ['ignore', 2, 2], timeout: COMMAND_MS, env: { ...process.env, ENGINE: engine } });
  if (status !== 0) throw new Error(`cluster.sh ${args[0]} did not succeed; see ${STATE}/logs`);
}

/** With these images in its node. A cluster that was kept with another engine is taken down first. */
export function up(engine: Engine, images: readonly string[]): void {
  const mark = join(STATE, 'engine');
  const kept = existsSync(mark) ? readFileSync(mark, 'utf8') : engine;
  if (kept !== engine) cluster(engine, 'down');
  cluster(engine, 'up', ...images);
  writeFileSync(mark, engine);
}

export function down(): void {
  cluster('netpol', 'down');
  rmSync(join(STATE, 'engine'), { force: true });
  // buildah binds its storage onto itself and leaves it so; where containers are mounted now, it stays.
  if (!HAD_STORAGE_MOUNT && hasStorageMount()) spawnSync('umount', [STORAGE], { stdio: 'ignore', timeout: 10_000 });
}

/** Starts the simulated internet, unless a kept cluster has it already. */
export async function startInternet(engine: Engine): Promise<void> {
  const answers = (): boolean => spawnSync('bash', [SCRIPT, 'run', process.execPath, '-e', `fetch('${internet.control}/connections', { signal: AbortSignal.timeout(1000) }).catch(() => process.exit(1))`], { stdio: 'ignore', timeout: 10_000 }).status === 0;
  if (answers()) return;
  mkdirSync(dirname(internet.caFile), { recursive: true });
  const log = openSync(join(STATE, 'logs/internet.log'), 'w');
  const child = spawn('bash', [SCRIPT, 'internet', process.execPath, 'test-e2e/internet/main.ts', internet.caFile], {
    cwd: root, stdio: ['ignore', log, log], detached: true, env: { ...process.env, ENGINE: engine },
  });
  child.unref();
  await until(async () => await Promise.resolve(answers()), { what: 'the simulated internet', timeoutMs: INTERNET_MS });
}

export function writeContext(context: Context): void {
  mkdirSync(dirname(contextFile), { recursive: true });
  writeFileSync(contextFile, JSON.stringify(context, undefined, 2));
}

/** What explains a failure: every pod's state, events and logs, and the logs of the node's programs. */
export function collectLogs(isOwn: boolean, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const script = `
    k() { timeout 20 kubectl "$@" 2>&1; }
    k get all,networkpolicies,configmaps -A -o wide >objects.txt
    k get events -A --sort-by=.lastTimestamp >events.txt
    k describe pods -A >pods.txt
    for pod in $(kubectl get pods -A -o 'jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name} {end}'); do
      k -n "\${pod%/*}" logs "\${pod#*/}" --all-containers --prefix >"log-\${pod%/*}-\${pod#*/}.txt"
      k -n "\${pod%/*}" logs "\${pod#*/}" --all-containers --prefix --previous >previous.txt && mv previous.txt "previous-\${pod%/*}-\${pod#*/}.txt"
    done
    rm -f previous.txt`;
  const command = isOwn ? [SCRIPT, 'run', 'bash', '-c', script] : ['-c', script];
  spawnSync('bash', command, { cwd: folder, stdio: 'ignore', timeout: COMMAND_MS });
  if (isOwn) spawnSync('cp', ['-r', join(STATE, 'logs'), join(folder, 'node')], { stdio: 'ignore' });
}

/** jest stands beside the cluster: the API, the pods and the internet are where it can reach them. */
export const commandBeside = (isOwn: boolean, command: readonly string[]): readonly string[] => (isOwn ? ['bash', SCRIPT, 'run', ...command] : command);

// The development loop with the project's own skaffold.yaml, on a copy of the sources: render, run, and dev, where a
// changed line of a service has to answer on the cluster.

import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { context, root } from './lib/context.ts';
import { until } from './lib/deadline.ts';
import { tryHelm } from './lib/helm.ts';
import { waitAllReady } from './lib/ready.ts';
import { dropNamespaces, removeNamespace } from './lib/sekisho.ts';

const COPY = join(root, '.run/e2e/skaffold');
const COPIED = ['services', 'packages', 'scripts', 'charts', 'dev', 'k8s', 'test-e2e/lib', 'package.json', 'package-lock.json', '.npmrc', 'Dockerfile', 'skaffold.yaml'];
/** Not copied: what is installed or cached, and the same for both trees. */
const SHARED = ['node_modules', '.tools', '.run/images'];
const CHANGED_FILE = 'services/gateway/src/media/headers.ts';
const GATEWAY = 'http://127.0.0.1:8080';
const SKAFFOLD_MS = 240_000;
const CHANGE_MS_MAX = 60_000;
const SAVES_MAX = 3;
const NOTICED_MS = 5_000;
/** Leaves the release to be removed; then SIGKILL. */
const STOP_MS = 60_000;

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number>;
}

function skaffold(args: readonly string[]): Run {
  const env = {
    ...process.env, BASE_IMAGE: 'localhost/sekisho-debian:13', SKAFFOLD_UPDATE_CHECK: 'false', SKAFFOLD_INTERACTIVE: 'false',
    SKAFFOLD_DEFAULT_REPO: '127.0.0.1:5000', SKAFFOLD_PROFILE: 'local-images',
    // Skaffold writes a Helm plugin of its own, and leaves it when it is stopped.
    HELM_DATA_HOME: join(COPY, '.run/helm'),
  };
  const child = spawn('skaffold', args, { cwd: COPY, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 2 * SKAFFOLD_MS, killSignal: 'SIGKILL' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve(code ?? 1));
  });
  return { child, output: () => output, ended };
}

async function finished(args: readonly string[]): Promise<string> {
  const { ended, output } = skaffold(args);
  const code = await ended;
  if (code !== 0) throw new Error(`skaffold ${args.join(' ')}: ${output().slice(-4_000)}`);
  return output();
}

/** Skaffold says that it watches a moment before it does: a save it has not noticed is made again. Returns when it was made. */
async function save(file: string, text: string, dev: Run): Promise<number> {
  for (let attempt = 0; attempt < SAVES_MAX; attempt += 1) {
    const said = dev.output().length;
    const beganMs = performance.now();
    writeFileSync(file, text);
    const noticed = await until(async () => await Promise.resolve(dev.output().length > said), { what: 'skaffold noticing a change', timeoutMs: NOTICED_MS, everyMs: 50 }).catch(() => false);
    if (noticed) return beganMs;
  }
  throw new Error(`skaffold has not noticed ${SAVES_MAX} saves`);
}

const headerNow = async (): Promise<string | null> =>
  (await fetch(`${GATEWAY}/media`, { signal: AbortSignal.timeout(2_000) })).headers.get('timing-allow-origin');

const describeOnOurs = context().isOwn ? describe : describe.skip;

describeOnOurs('skaffold', () => {
  beforeAll(async () => {
    rmSync(COPY, { recursive: true, force: true });
    mkdirSync(join(COPY, '.run'), { recursive: true });
    for (const path of COPIED) cpSync(join(root, path), join(COPY, path), { recursive: true });
    for (const path of SHARED) symlinkSync(join(root, path), join(COPY, path));
    await Promise.all(['sekisho', 'misskey-stub'].map(removeNamespace));
  });
  afterAll(async () => {
    await tryHelm(['-n', 'sekisho', 'uninstall', 'sekisho', '--ignore-not-found']);
    await dropNamespaces('sekisho', 'misskey-stub');
    rmSync(COPY, { recursive: true, force: true });
  });

  it('render: every object of the chart, with the images of this tree', async () => {
    const rendered = await finished(['render', '--digest-source=tag']);
    const images = [...rendered.matchAll(/image: "?([^\s"]+)/g)].map(([, image = '']) => image);
    for (const service of ['gateway', 'fetcher', 'image-worker', 'egress-proxy', 'dns-filter', 'misskey-stub']) {
      expect(images).toContainEqual(expect.stringMatching(new RegExp(`^127\\.0\\.0\\.1:5000/sekisho-${service}:`)));
    }
    expect(rendered).toContain('kind: NetworkPolicy');
  }, SKAFFOLD_MS);

  it('run: everything is ready', async () => {
    await finished(['run']);
    await waitAllReady('sekisho');
    await waitAllReady('misskey-stub');
  }, SKAFFOLD_MS);

  it('dev: a changed line of a service answers, and the end leaves no release', async () => {
    const dev = skaffold(['dev']);
    try {
      await until(async () => (await headerNow()) === '*', { what: 'the gateway through the forwarded port', timeoutMs: SKAFFOLD_MS });
      await until(async () => dev.output().includes('Watching for changes'), { what: 'skaffold watching', timeoutMs: SKAFFOLD_MS });
      const file = join(COPY, CHANGED_FILE);
      const before = readFileSync(file, 'utf8');
      const after = before.replace("'Timing-Allow-Origin', value: '*'", "'Timing-Allow-Origin', value: 'changed'");
      expect(after).not.toBe(before);
      const beganMs = await save(file, after, dev);
      await until(async () => (await headerNow()) === 'changed', { what: 'the changed line', timeoutMs: CHANGE_MS_MAX, everyMs: 50 });
      process.stderr.write(`skaffold dev: a changed line answers after ${((performance.now() - beganMs) / 1_000).toFixed(1)} s\n`);
    } catch (error) {
      throw new Error(`${String(error)}; skaffold dev: ${dev.output().slice(-4_000)}`, { cause: error });
    } finally {
      dev.child.kill('SIGINT');
      await Promise.race([dev.ended, new Promise((resolve) => setTimeout(resolve, STOP_MS).unref())]);
      dev.child.kill('SIGKILL');
    }
    expect((await tryHelm(['-n', 'sekisho', 'list', '--short'])).output).not.toContain('sekisho');
  }, 2 * SKAFFOLD_MS);
});

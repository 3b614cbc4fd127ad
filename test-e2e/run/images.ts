// The images that the cases need: ours from the working tree, the others from this machine's packages.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { IMAGES, type ImageKey, type ImageName, root } from '../lib/context.ts';

const BUILD_MS = 20 * 60_000;
const BASE = 'localhost/sekisho-debian:13';
const VALKEY = 'localhost/sekisho-valkey:8.1';

function build(script: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const [program = '', ...args] = script;
  const { status, stdout } = spawnSync(program, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 2], timeout: BUILD_MS, env: { ...process.env, ...env } });
  const reference = stdout.trim().split('\n').at(-1) ?? '';
  if (status !== 0 || reference === '') throw new Error(`no image: ${script.join(' ')}`);
  return reference;
}

/** Builds what has changed. */
export function buildImages(): Readonly<Record<ImageKey, ImageName>> {
  const base = build(['bash', 'test-e2e/images/base.sh', BASE]);
  const ours = (service: string): ImageName => nameOf(build(['sh', 'scripts/build-image.sh', service], { BASE_IMAGE: base }));
  const gateway = ours('gateway');
  const fetcher = ours('fetcher');
  const worker = ours('image-worker');
  const proxy = ours('egress-proxy');
  return {
    gateway,
    fetcher,
    'image-worker': worker,
    'egress-proxy': proxy,
    'dns-filter': ours('dns-filter'),
    valkey: nameOf(build(['bash', 'test-e2e/images/valkey.sh', VALKEY, base])),
    'fetcher-unguarded': ofTests('fetcher-unguarded', fetcher, ['test-e2e/images/unguarded-check.mjs'], 'unguarded'),
    'egress-proxy-unguarded': ofTests('egress-proxy-unguarded', proxy, ['test-e2e/images/unguarded-check.mjs'], 'unguarded'),
    'image-worker-probe': ofTests('image-worker-probe', worker, ['test-sandbox/attempts.ts', 'test-sandbox/verdict.ts', 'test-sandbox/attempts', 'test-sandbox/probe']),
    'misskey-like': ofTests('misskey-like', gateway, ['test-e2e/images/misskey-like', 'packages/testkit/src/misskey']),
  };
}

/** An image of the tests on one of ours, tagged by what it is made of and built once. */
/** @param by name of the script, where it is another */
function ofTests(name: string, on: ImageName, sources: readonly string[], by = name): ImageName {
  const script = `test-e2e/images/${by}.sh`;
  const files = [script, ...sources.flatMap((path) => (/\.\w+$/.test(path) ? [path] : filesIn(path)))];
  const hash = createHash('sha256').update(on.tag);
  for (const file of files) hash.update(file).update(readFileSync(join(root, file)));
  const reference = `localhost/sekisho-${name}:${hash.digest('hex').slice(0, 16)}`;
  const isThere = spawnSync('buildah', ['inspect', '--type', 'image', '--format', '{{.FromImageID}}', reference], { stdio: 'ignore' }).status === 0;
  return nameOf(isThere ? reference : build(['bash', script, reference, `${on.repository}:${on.tag}`]));
}

const filesIn = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).filter((entry) => entry.isFile()).map(({ name }) => join(folder, name)).toSorted();

/** Images that somebody has pushed where their cluster finds them. */
export function givenImages(env: NodeJS.ProcessEnv): Readonly<Record<ImageKey, ImageName>> {
  const registry = env['E2E_IMAGE_REGISTRY'];
  const tag = env['E2E_IMAGE_TAG'];
  if (registry === undefined || tag === undefined) throw new Error('with KUBECONFIG, set E2E_IMAGE_REGISTRY and E2E_IMAGE_TAG: the images <registry>/gateway:<tag>, fetcher, image-worker, egress-proxy and dns-filter');
  const redis = nameOf(env['E2E_REDIS_IMAGE'] ?? 'docker.io/valkey/valkey:8.1');
  return Object.fromEntries(IMAGES.map((key) => [key, key === 'valkey' ? redis : { repository: `${registry}/${key}`, tag }])) as Record<ImageKey, ImageName>;
}

function nameOf(reference: string): ImageName {
  const [, repository = '', tag = ''] = /^(.+):([\w.-]+)$/.exec(reference) ?? [];
  if (repository === '') throw new Error(`${reference} has no tag`);
  return { repository, tag };
}

// Strict schemas of the Kubernetes version that the test cluster runs, made from its own OpenAPI file and kept beside
// the cluster's programs: no network once they are there.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { goToolsFolder } from '../../scripts/set-up/go-tools.ts';
import { KUBERNETES_VERSION, ROOT } from '../../scripts/chart/helm.ts';

const DOWNLOAD_MS = 300_000;
const MAKE_MS = 60_000;

/** Folder of the module k8s.io/kubernetes. */
function moduleFolder(): string {
  const args = ['mod', 'download', '-json', `k8s.io/kubernetes@v${KUBERNETES_VERSION}`];
  const { status, stdout, stderr } = spawnSync('go', args, {
    cwd: join(ROOT, 'test-e2e/cluster/tools/hyperkube'), encoding: 'utf8', timeout: DOWNLOAD_MS, env: { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly' },
  });
  if (status !== 0) throw new Error(`go mod download: ${stderr}`);
  return (JSON.parse(stdout) as { readonly Dir: string }).Dir;
}

/** @returns the folder with one file for each kind. */
export function ensureSchemas(): string {
  const parent = dirname(goToolsFolder());
  const folder = join(parent, `schemas-${KUBERNETES_VERSION}`);
  if (existsSync(folder)) return folder;
  mkdirSync(parent, { recursive: true });
  // Made beside and renamed: a run that is cut must not leave half of them.
  const fresh = mkdtempSync(join(parent, 'schemas-'));
  try {
    const script = join(ROOT, 'test-e2e/cluster/schemas.mjs');
    const made = spawnSync(process.execPath, [script, join(moduleFolder(), 'api/openapi-spec/swagger.json'), fresh], { encoding: 'utf8', timeout: MAKE_MS });
    if (made.status !== 0) throw new Error(`schemas.mjs: ${made.stderr}`);
    renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

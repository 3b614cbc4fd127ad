// Which files of the repository an image holds: those of its service and of the packages that it needs, without tests.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const SERVICES = ['gateway', 'fetcher', 'image-worker', 'egress-proxy', 'dns-filter'] as const;
export type Service = (typeof SERVICES)[number];

const SCOPE = '@sekisho/';
/** As k8s/seccomp names them. */
const FILTERS = { amd64: 'x86_64', arm64: 'arm64' } as const;
/** Folders of tests and of helpers that only tests import. */
const TEST_FOLDERS = new Set(['testing', 'node_modules']);
const isShipped = (name: string): boolean => !name.endsWith('.test.ts');

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

export function readManifest(folder: string): Manifest {
  const parsed = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Partial<Manifest>;
  return { version: parsed.version ?? '0.0.0', dependencies: parsed.dependencies ?? {} };
}

/** Folders of the workspaces in the image, sorted: the service's and those of our packages below it. */
export function workspacesOf(root: string, service: Service): readonly string[] {
  const found = new Set<string>();
  const add = (folder: string): void => {
    if (found.has(folder)) return;
    found.add(folder);
    const ours = Object.keys(readManifest(join(root, folder)).dependencies).filter((name) => name.startsWith(SCOPE));
    for (const name of ours) add(`packages/${name.slice(SCOPE.length)}`);
  };
  add(`services/${service}`);
  return [...found].toSorted();
}

/** Paths of the files in the image, relative to `root`, sorted. */
export const sourcesOf = (root: string, workspaces: readonly string[]): readonly string[] =>
  workspaces.flatMap((workspace) => [`${workspace}/package.json`, ...filesUnder(root, `${workspace}/src`)]).toSorted();

/** Files of the repository that an image holds besides: what the image-worker puts around its decoders. */
export const wallsOf = (service: Service, architecture: keyof typeof FILTERS): readonly string[] =>
  service === 'image-worker' ? [`k8s/seccomp/decoder.${FILTERS[architecture]}.bpf`] : [];

function filesUnder(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return TEST_FOLDERS.has(entry.name) ? [] : filesUnder(root, path);
    return entry.isFile() && isShipped(entry.name) ? [path] : [];
  });
}

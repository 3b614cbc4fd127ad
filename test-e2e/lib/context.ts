// What run.ts has prepared for the cases: written before jest starts, read here.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const root = dirname(dirname(import.meta.dirname));
export const contextFile = join(root, '.run/e2e/context.json');

export interface ImageName {
  readonly repository: string;
  readonly tag: string;
}

/** The last four are of the tests: a fetcher and an egress-proxy whose own wall is down, an image-worker with attacks, and an image with Misskey's layout. */
export const IMAGES = ['gateway', 'fetcher', 'image-worker', 'egress-proxy', 'dns-filter', 'valkey', 'fetcher-unguarded', 'egress-proxy-unguarded', 'image-worker-probe', 'misskey-like'] as const;
export type ImageKey = (typeof IMAGES)[number];

export interface Context {
  /** False: somebody's cluster, named by KUBECONFIG. */
  readonly isOwn: boolean;
  /** What enforces NetworkPolicy; undefined on somebody's cluster. */
  readonly engine: 'netpol' | 'cilium' | undefined;
  readonly images: Readonly<Record<ImageKey, ImageName>>;
  readonly pullPolicy: 'Never' | 'IfNotPresent';
  /** Absent on somebody's cluster. */
  readonly internet: { readonly control: string; readonly caFile: string } | undefined;
  /** Ranges of pods, Services and nodes. */
  readonly podCidrs: readonly string[];
  readonly apiServerCidrs: readonly string[];
}

let read: Context | undefined;

export function context(): Context {
  read ??= JSON.parse(readFileSync(contextFile, 'utf8')) as Context;
  return read;
}

export const imageReference = (key: ImageKey): string => {
  const { repository, tag } = context().images[key];
  return `${repository}:${tag}`;
};

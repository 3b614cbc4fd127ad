// Every object there is, of every kind that the cluster knows: what an uninstallation leaves behind is not looked for in a
// list of kinds that somebody thought of.

import { KubeConfig } from '@kubernetes/client-node';
import { type RequestOptions, request } from 'node:https';
import { type Manifest, list } from './cluster.ts';

const REQUEST_MS = 20_000;
/** What the cluster itself writes and forgets, and another name for EndpointSlice. */
const SKIPPED = new Set(['Event', 'Endpoints']);
/** Measurements, no objects; unavailable where nobody measures. */
const METRICS = /metrics\.k8s\.io\//;

interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

interface ResourceList {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean; readonly verbs: readonly string[] }[];
}

const config = new KubeConfig();
config.loadFromDefault();

async function get(path: string): Promise<unknown> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const url = new URL(path, config.getCurrentCluster()?.server);
  return await new Promise((resolve, reject) => {
    const sent = request(url, { ...options, signal: AbortSignal.timeout(REQUEST_MS) }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
      response.once('end', () => (response.statusCode === 200 ? resolve(JSON.parse(Buffer.concat(chunks).toString())) : reject(new Error(`${path}: ${response.statusCode}`))));
    });
    sent.once('error', reject).end();
  });
}

/** Every kind that can be listed, in the version that its group prefers. */
async function kinds(): Promise<readonly Kind[]> {
  const { groups } = await get('/apis') as { readonly groups: readonly { readonly preferredVersion: { readonly groupVersion: string } }[] };
  const versions = ['v1', ...groups.map(({ preferredVersion }) => preferredVersion.groupVersion).filter((version) => !METRICS.test(version))];
  const found = await Promise.all(versions.map(async (apiVersion) => {
    const { resources } = await get(apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`) as ResourceList;
    return resources.filter(({ name, verbs }) => !name.includes('/') && verbs.includes('list')).map(({ kind, namespaced }) => ({ apiVersion, kind, namespaced }));
  }));
  return found.flat().filter(({ kind }) => !SKIPPED.has(kind));
}

/** All objects of a namespace. */
export async function everythingIn(namespace: string): Promise<readonly Manifest[]> {
  const listed = await Promise.all((await kinds()).filter(({ namespaced }) => namespaced).map(({ apiVersion, kind }) => list({ apiVersion, kind, namespace })));
  return listed.flat();
}

/** All objects that belong to no namespace. */
export async function everythingClusterWide(): Promise<readonly Manifest[]> {
  const listed = await Promise.all((await kinds()).filter(({ namespaced }) => !namespaced).map(({ apiVersion, kind }) => list({ apiVersion, kind })));
  return listed.flat();
}

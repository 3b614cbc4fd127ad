// Sekisho in the cluster: installed with Helm from charts/sekisho, as a user would, with what a test needs on top.

import { readFileSync } from 'node:fs';
import { type Manifest, type Pod, apply, namespace, podsOf, remove, startRemoving } from './cluster.ts';
import { type ImageKey, context } from './context.ts';
import { type HelmVersion, helm } from './helm.ts';
import { type Misskey, PUBLIC_URL } from './misskey/misskey.ts';
import { waitAllReady } from './ready.ts';

export const CHART = 'charts/sekisho';
const INSTALL_MS = 180_000;

export type Values = { readonly [name: string]: unknown };
export type Component = 'gateway' | 'fetcher' | 'image-worker' | 'egress-proxy' | 'redis-state' | 'redis-work';

export interface InstallOptions {
  readonly release?: string;
  readonly namespace?: string;
  readonly misskey: Misskey;
  /** Put over the test's own values, maps merged. */
  readonly values?: Values;
  /** Requests of CPU as the chart has them; by default small ones, because a test node has two cores for everything. */
  readonly hasDefaultResources?: boolean;
  readonly version?: HelmVersion;
}

export interface Sekisho {
  readonly release: string;
  readonly namespace: string;
  readonly fullname: string;
  /** The gateway's Service, for pods of the cluster. */
  readonly url: string;
  /** From the call of Helm until every workload was ready. */
  readonly readyMs: number;
  /** Path of a picture's URL through the gateway. */
  media(url: string, query?: string): string;
  pods(component: Component): Promise<readonly Pod[]>;
  /** The same release with other values; returns after Helm, without waiting for pods. */
  upgrade(values?: Values): Promise<void>;
  helm(args: readonly string[]): Promise<string>;
  waitReady(timeoutMs?: number): Promise<void>;
  uninstall(): Promise<void>;
}

/** Installs or upgrades, and waits until everything is ready. */
export async function installSekisho(options: InstallOptions): Promise<Sekisho> {
  const { release = 'sekisho', namespace: inNamespace = 'sekisho', version = 'helm', misskey } = options;
  const base = merged(testValues(misskey), options.hasDefaultResources === true ? {} : SMALL);
  const run = async (args: readonly string[], values?: Values): Promise<string> =>
    await helm(['-n', inNamespace, ...args], version, values === undefined ? undefined : JSON.stringify(values));
  const install = async (values: Values = {}): Promise<void> => {
    await run(['upgrade', '--install', release, CHART, '--timeout', '120s', '-f', '-'], merged(merged(base, options.values ?? {}), values));
  };
  const fullname = release.includes('sekisho') ? release : `${release}-sekisho`;
  const selector = `app.kubernetes.io/instance=${release}`;
  const waitReady = async (timeoutMs = INSTALL_MS): Promise<void> => await waitAllReady(inNamespace, { labels: selector, timeoutMs });

  await apply(namespace(inNamespace), ...authority(inNamespace));
  const beganMs = performance.now();
  await install();
  await waitReady();
  const readyMs = Math.round(performance.now() - beganMs);
  process.stderr.write(`installed ${release} with ${version}: everything ready after ${(readyMs / 1_000).toFixed(1)} s\n`);
  return {
    release, namespace: inNamespace, fullname, readyMs, waitReady,
    url: `http://${fullname}-gateway.${inNamespace}.svc`,
    media: (url, query = '') => `http://${fullname}-gateway.${inNamespace}.svc/media/x.webp?url=${encodeURIComponent(url)}${query === '' ? '' : `&${query}`}`,
    pods: async (component) => (await podsOf(inNamespace, `${selector},app.kubernetes.io/component=${component}`)).filter(({ isEnding }) => !isEnding),
    upgrade: install,
    helm: async (args) => await run(args),
    uninstall: async () => {
      await run(['uninstall', release, '--wait', '--timeout', '120s']);
      await remove(...authority(inNamespace));
    },
  };
}

/** Removes the release's namespace and all in it, kept Secrets included. */
export const removeNamespace = async (name: string): Promise<void> => await remove({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

/** The same after a case, of several and without waiting: a namespace takes half a minute to end. */
export const dropNamespaces = async (...names: readonly string[]): Promise<void> =>
  await startRemoving(...names.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })));

function testValues(misskey: Misskey): Values {
  const { engine, internet, podCidrs, apiServerCidrs, pullPolicy } = context();
  return {
    publicUrl: PUBLIC_URL,
    image: { pullPolicy },
    // Client pods say in X-Forwarded-For whom they stand for.
    gateway: { image: image('gateway'), behindProxy: true, trustedProxies: podCidrs },
    fetcher: { image: image('fetcher') },
    imageWorker: { image: image('image-worker') },
    // Where a case is about them it turns them on: a node of two cores has enough to do with the rest.
    egressProxy: { enabled: false, image: image('egress-proxy') },
    dnsFilter: { enabled: false, image: image('dns-filter') },
    redis: { evaluation: { image: image('valkey') } },
    misskey: { url: misskey.url, networkPolicyPeers: misskey.peers },
    // On Cilium an address block reaches no node: such a policy would only shut the Job in.
    cluster: { apiServerCIDRs: engine === 'cilium' ? [] : apiServerCidrs },
    ...(internet === undefined ? {} : { unsafe: { iUnderstand: true, publicCIDRs: ['203.0.113.0/24', '198.51.100.0/24', '2001:db8::/32'], caConfigMap: 'origin-ca' } }),
  };
}

export const image = (key: ImageKey): Values => ({ ...context().images[key] });

/** As a user's installation has them. */
export const WITH_EGRESS: Values = { egressProxy: { enabled: true }, dnsFilter: { enabled: true } };

/** For cases that change a release and wait for the pods before: nobody there is served while they leave. */
export const QUICK_END: Values = { shutdown: { delaySeconds: 0, drainSeconds: 1 } };

const SMALL: Values = {
  gateway: { resources: { requests: { cpu: '50m' } } },
  fetcher: { resources: { requests: { cpu: '50m' } } },
  imageWorker: { resources: { requests: { cpu: '50m' } } },
  egressProxy: { resources: { requests: { cpu: '20m' } } },
  dnsFilter: { resources: { requests: { cpu: '10m' } } },
  redis: { evaluation: { resources: { requests: { cpu: '20m' } } } },
};

function authority(inNamespace: string): readonly Manifest[] {
  const { internet } = context();
  if (internet === undefined) return [];
  return [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'origin-ca', namespace: inNamespace }, data: { 'ca.crt': readFileSync(internet.caFile, 'utf8') } }];
}

export function merged(under: Values, over: Values): Values {
  const result: Record<string, unknown> = { ...under };
  for (const [name, value] of Object.entries(over)) {
    const below = result[name];
    result[name] = isMap(below) && isMap(value) ? merged(below, value) : value;
  }
  return result;
}

const isMap = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);

// The cluster's API, as the cases need it. The client's types stop here.

import { Writable } from 'node:stream';
import { CoreV1Api, Exec, KubeConfig, KubernetesObjectApi, PatchStrategy, type V1Pod, type V1Status } from '@kubernetes/client-node';
import { until, within } from './deadline.ts';

const REQUEST_MS = 20_000;
const FIELD_MANAGER = 'sekisho-e2e';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

export type Reference = Pick<Manifest, 'apiVersion' | 'kind' | 'metadata'>;

export interface Pod {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly ip: string;
  readonly ips: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly phase: string;
  readonly isReady: boolean;
  /** It has been told to end. */
  readonly isEnding: boolean;
  readonly restarts: number;
}

export interface ExecResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const config = new KubeConfig();
config.loadFromDefault();
const objects = KubernetesObjectApi.makeApiClient(config);
const core = config.makeApiClient(CoreV1Api);

const soon = <Value>(what: string, work: Promise<Value>): Promise<Value> => within(work, { what, timeoutMs: REQUEST_MS });
const nameOf = ({ kind, metadata }: Reference): string => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

/** HTTP status of an error of the API; 0 of any other. */
export const statusOf = (error: unknown): number =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number' ? error.code : 0;

/** Creates or changes, in the given order. */
export async function apply(...manifests: readonly Manifest[]): Promise<void> {
  for (const manifest of manifests) {
    await soon(`apply ${nameOf(manifest)}`, objects.patch(manifest, undefined, undefined, FIELD_MANAGER, true, PatchStrategy.ServerSideApply));
  }
}

/** Deletes what is there without waiting for its end. */
export async function startRemoving(...references: readonly Reference[]): Promise<void> {
  for (const { apiVersion, kind, metadata } of references) {
    const reference = { apiVersion, kind, metadata };
    await soon(`delete ${nameOf(reference)}`, objects.delete(reference, undefined, undefined, undefined, undefined, 'Background')).catch((error: unknown) => {
      if (statusOf(error) !== 404) throw error;
    });
  }
}

/** Deletes what is there and waits until it is gone. */
export async function remove(...references: readonly Reference[]): Promise<void> {
  for (const { apiVersion, kind, metadata } of references) {
    const reference = { apiVersion, kind, metadata };
    const gone = async (work: Promise<unknown>): Promise<boolean> => {
      try {
        await work;
        return false;
      } catch (error) {
        if (statusOf(error) === 404) return true;
        throw error;
      }
    };
    if (await gone(soon(`delete ${nameOf(reference)}`, objects.delete(reference, undefined, undefined, undefined, undefined, 'Background')))) continue;
    await until(() => gone(objects.read(reference)), { what: `the end of ${nameOf(reference)}`, timeoutMs: 120_000 });
  }
}

export async function read(reference: Reference): Promise<Manifest> {
  const { apiVersion, kind, metadata } = reference;
  return await soon(`read ${nameOf(reference)}`, objects.read({ apiVersion, kind, metadata })) as unknown as Manifest;
}

export interface Listing {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  /** As kubectl's -l takes it. */
  readonly labels?: string;
}

export async function list({ apiVersion, kind, namespace, labels }: Listing): Promise<readonly Manifest[]> {
  const found = await soon(`list ${kind}`, objects.list(apiVersion, kind, namespace, undefined, undefined, undefined, undefined, labels));
  // Items of a list do not say what they are.
  return found.items.map((item) => ({ ...item, apiVersion, kind })) as unknown as Manifest[];
}

export async function merge(reference: Reference, change: Readonly<Record<string, unknown>>): Promise<void> {
  const { apiVersion, kind, metadata } = reference;
  const patch = { apiVersion, kind, metadata, ...change };
  await soon(`change ${nameOf(reference)}`, objects.patch(patch, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch));
}

/** A namespace under Pod Security `restricted`. */
export const namespace = (name: string): Manifest => ({
  apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
});

export async function podsOf(inNamespace: string, labels?: string): Promise<readonly Pod[]> {
  const found = await soon('list pods', core.listNamespacedPod({ namespace: inNamespace, ...(labels === undefined ? {} : { labelSelector: labels }) }));
  return found.items.map(podOf);
}

/** A pod that serves, or undefined. */
export const readyPodOf = async (inNamespace: string, labels: string): Promise<Pod | undefined> =>
  (await podsOf(inNamespace, labels)).find(({ isReady, isEnding }) => isReady && !isEnding);

/** Addresses of a Service, one of each family. */
export async function serviceIps(inNamespace: string, name: string): Promise<readonly string[]> {
  const { clusterIPs } = (await read({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: inNamespace } }))['spec'] as { clusterIPs: string[] };
  return clusterIPs;
}

/** An address as it stands in a URL. */
export const inUrl = (ip: string): string => (ip.includes(':') ? `[${ip}]` : ip);

function podOf({ metadata, status }: V1Pod): Pod {
  return {
    name: metadata?.name ?? '',
    namespace: metadata?.namespace ?? '',
    uid: metadata?.uid ?? '',
    ip: status?.podIP ?? '',
    ips: (status?.podIPs ?? []).map(({ ip }) => ip ?? ''),
    labels: metadata?.labels ?? {},
    phase: status?.phase ?? 'Unknown',
    isReady: status?.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True') ?? false,
    isEnding: metadata?.deletionTimestamp !== undefined,
    restarts: (status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
  };
}

/** @param graceSeconds 0 is kill -9. */
export async function deletePod(pod: Pick<Pod, 'name' | 'namespace'>, graceSeconds?: number): Promise<void> {
  await soon(`delete pod ${pod.name}`, core.deleteNamespacedPod({ ...pod, ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }) }));
}

export const logsOf = async ({ name, namespace: inNamespace }: Pick<Pod, 'name' | 'namespace'>, container?: string): Promise<string> =>
  await soon(`logs of ${name}`, core.readNamespacedPodLog({ name, namespace: inNamespace, ...(container === undefined ? {} : { container }) }));

export async function scale(reference: Reference, replicas: number): Promise<void> {
  await merge(reference, { spec: { replicas } });
}

export interface ExecOptions {
  readonly timeoutMs?: number;
  readonly container?: string;
}

/** Runs a program in a pod; a code that is not 0 is a result, not a fault. */
export async function exec(pod: Pick<Pod, 'name' | 'namespace'>, argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const { timeoutMs = 30_000, container = '' } = options;
  const out = collector();
  const err = collector();
  const what = `${argv[0]} in ${pod.name}`;
  let close: (() => void) | undefined;
  const code = new Promise<number>((resolve, reject) => {
    const done = (status: V1Status): void => {
      const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode');
      if (status.status === 'Success') resolve(0);
      else if (cause !== undefined) resolve(Number(cause.message));
      else reject(new Error(`${what}: ${status.message ?? 'failed'}`));
    };
    new Exec(config).exec(pod.namespace, pod.name, container, [...argv], out.stream, err.stream, null, false, done).then(
      (socket) => {
        close = () => socket.close();
        // After the status this has no effect any more.
        socket.once('close', () => reject(new Error(`${what}: the connection ended without a status`)));
      },
      (error: unknown) => reject(new Error(`${what}: no connection`, { cause: error })),
    );
  });
  try {
    return { code: await within(code, { what, timeoutMs }), stdout: out.text(), stderr: err.text() };
  } finally {
    close?.();
  }
}

function collector(): { readonly stream: Writable; text(): string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done): void {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

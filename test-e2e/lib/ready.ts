// When workloads count as ready: every replica new, ready and seen by the controller, and none too many.

import { type Manifest, type Reference, list, read } from './cluster.ts';
import { until } from './deadline.ts';

interface WorkloadState {
  readonly metadata: { readonly generation?: number };
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly observedGeneration?: number; readonly replicas?: number; readonly updatedReplicas?: number; readonly readyReplicas?: number };
}

export function isReady(workload: Manifest): boolean {
  const { metadata, spec = {}, status = {} } = workload as unknown as WorkloadState;
  const wanted = spec.replicas ?? 1;
  const { replicas = 0, updatedReplicas = 0, readyReplicas = 0 } = status;
  const isSeen = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  return isSeen && replicas === wanted && updatedReplicas === wanted && readyReplicas === wanted;
}

export const deployment = (namespace: string, name: string): Reference => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace } });

export async function waitReady(reference: Reference, timeoutMs = 90_000): Promise<void> {
  const what = `${reference.kind} ${reference.metadata.name} ready`;
  await until(async () => isReady(await read(reference)), { what, timeoutMs });
}

/** Every Deployment and StatefulSet of a namespace, at least one. */
export async function waitAllReady(namespace: string, options: { readonly labels?: string; readonly timeoutMs?: number } = {}): Promise<void> {
  const { labels, timeoutMs = 120_000 } = options;
  let waiting: readonly string[] = [];
  const check = async (): Promise<boolean> => {
    const kinds = ['Deployment', 'StatefulSet'].map((kind) => list({ apiVersion: 'apps/v1', kind, namespace, ...(labels === undefined ? {} : { labels }) }));
    const workloads = (await Promise.all(kinds)).flat();
    waiting = workloads.filter((workload) => !isReady(workload)).map(({ metadata }) => metadata.name);
    return workloads.length > 0 && waiting.length === 0;
  };
  await until(check, { what: `all workloads of ${namespace}`, timeoutMs }).catch((error: unknown) => {
    throw new Error(`not ready in ${namespace}: ${waiting.join(', ')}`, { cause: error });
  });
}

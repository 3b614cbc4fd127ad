// A pod that takes whatever connects, on the ports that policies allow somewhere else: a rule that forgets whom it is about
// and names a port alone would let through to it.

import { type Manifest, type Pod, apply, namespace, readyPodOf, serviceIps } from '../cluster.ts';
import type { Counts, Listening } from '../in-pod/listen.ts';
import { nodeDeployment, sourceFiles } from '../node-pod.ts';
import { deployment, waitReady } from '../ready.ts';

export const LISTENER_PORTS = [53, 80, 443, 3_000, 3_128, 6_379, 8_080, 8_081, 9_090] as const;
const COUNTS_PORT = 7_000;

export interface Listener {
  readonly pod: Pod;
  /** Addresses of its Service, which listens on 443. */
  readonly serviceIps: readonly string[];
  /** Connections so far, all ports together. */
  connections(): Promise<number>;
}

export interface ListenerOptions {
  readonly name: string;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export async function startListener({ name, namespace: inNamespace, labels = {} }: ListenerOptions): Promise<Listener> {
  const order: Listening = { ports: LISTENER_PORTS, countsPort: COUNTS_PORT };
  const service: Manifest = {
    apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: inNamespace },
    spec: { ipFamilyPolicy: 'PreferDualStack', selector: { app: name }, ports: [{ name: 'https', port: 443, targetPort: 443 }] },
  };
  await apply(
    namespace(inNamespace), sourceFiles(`${name}-files`, inNamespace, 'test-e2e/lib/in-pod'), service,
    nodeDeployment({
      name, namespace: inNamespace, labels, files: `${name}-files`, args: ['/work/listen.ts', JSON.stringify(order)],
      hasLowPorts: true, ports: { counts: COUNTS_PORT }, readiness: { httpGet: { port: 'counts' } },
    }),
  );
  await waitReady(deployment(inNamespace, name));
  const pod = await readyPodOf(inNamespace, `app=${name}`);
  if (pod === undefined) throw new Error(`no pod of ${name}`);
  return {
    pod,
    serviceIps: await serviceIps(inNamespace, name),
    connections: async () => {
      const counts = await (await fetch(`http://${pod.ip}:${COUNTS_PORT}/`, { signal: AbortSignal.timeout(10_000) })).json() as Counts;
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    },
  };
}

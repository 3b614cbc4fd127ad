// Everything that a pod of the release could try to reach, by name: the release itself, what stands around it, the node,
// and networks outside. Every address of both families.

import { type Pod, readyPodOf, serviceIps } from '../cluster.ts';
import { CANARIES, PUBLIC_ADDRESSES } from '../internet.ts';
import type { Sekisho } from '../sekisho.ts';
import { LISTENER_PORTS, type Listener } from './listener.ts';
import type { NamedTarget } from './probe.ts';

export const NODE_IPS = ['172.31.0.10', 'fd00:31::10'] as const;
/** Its name server answers everybody who asks. */
const INTERNET_DNS = '203.0.113.53';
const CLUSTER_NAME = 'kubernetes.default.svc.cluster.local';

const at = (name: string, hosts: readonly string[], ...ports: readonly number[]): readonly NamedTarget[] =>
  hosts.flatMap((host) => ports.map((port) => ({ name, host, port })));
const ask = (name: string, hosts: readonly string[], question: string): readonly NamedTarget[] => hosts.map((host) => ({ name, host, port: 53, question }));

/** Ports on which the pods of the release listen. */
const LISTENS = { gateway: [8_080, 9_090], fetcher: [8_081, 9_090, 9_094], 'image-worker': [9_090], 'egress-proxy': [3_128, 9_090, 9_094], 'redis-state': [6_379], 'redis-work': [6_379] } as const;
export type Listens = keyof typeof LISTENS;
export const COMPONENTS = Object.keys(LISTENS) as readonly Listens[];

/** The first pod of each component, or the second where the first is the one that asks: a pod always reaches itself. */
export const releaseTargets = (pods: Readonly<Record<Listens, readonly Pod[]>>, from?: Pod): readonly NamedTarget[] =>
  COMPONENTS.flatMap((component) => {
    const target = pods[component].find(({ uid }) => uid !== from?.uid);
    return LISTENS[component].flatMap((port) => at(`${component}:${port}`, target?.ips ?? [], port));
  });

/** Those that are ready, so no twin among them. */
export async function podsByComponent(sekisho: Sekisho): Promise<Readonly<Record<Listens, readonly Pod[]>>> {
  const found = await Promise.all(COMPONENTS.map(async (component) => [component, (await sekisho.pods(component)).filter(({ isReady }) => isReady)] as const));
  return Object.fromEntries(found) as unknown as Record<Listens, readonly Pod[]>;
}

export interface Surroundings {
  readonly misskey: Pod;
  readonly stranger: Listener;
  readonly neighbour: Listener;
}

export async function outsideTargets({ misskey, stranger, neighbour }: Surroundings): Promise<readonly NamedTarget[]> {
  const dnsPod = await readyPodOf('kube-system', 'k8s-app=kube-dns');
  const dns = [...(dnsPod?.ips ?? []), ...(await serviceIps('kube-system', 'kube-dns'))];
  return [
    ...at('misskey:3000', misskey.ips, 3_000),
    ...at('another port of Misskey', misskey.ips, 3_001),
    ...at('dns by tcp', dns, 53),
    ...ask('dns by udp', dns, CLUSTER_NAME),
    ...at('other ports of the name server', dnsPod?.ips ?? [], 8_080, 8_181, 9_153),
    ...at('a pod elsewhere', stranger.pod.ips, ...LISTENER_PORTS),
    ...at('a Service elsewhere', stranger.serviceIps, 443),
    ...at('a pod beside', neighbour.pod.ips, ...LISTENER_PORTS),
    ...at('the API', await serviceIps('default', 'kubernetes'), 443),
    ...at('the API on the node', NODE_IPS, 6_443),
    ...at('kubelet', NODE_IPS, 10_250),
    ...at('metadata', ['169.254.169.254'], 80, 443),
    ...at('private networks', CANARIES.filter((address) => !address.startsWith('169.')), 443, 6_379),
    ...at('internet:443', PUBLIC_ADDRESSES, 443),
    ...at('other ports of the internet', PUBLIC_ADDRESSES, 22, 80, 8_443),
    ...at('dns of the internet by tcp', [INTERNET_DNS], 53),
    ...ask('dns of the internet by udp', [INTERNET_DNS], 'a.origin.example'),
  ];
}

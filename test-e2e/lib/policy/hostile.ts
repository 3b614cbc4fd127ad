// Where a forged request would like to go, and how many got there.

import { inUrl, serviceIps } from '../cluster.ts';
import { CANARIES, connections, resetConnections } from '../internet.ts';
import type { Listener } from './listener.ts';
import { countFrom, countsNow } from './node-counter.ts';
import { NODE_IPS } from './targets.ts';

export const PLACES = ['pods', 'node', 'api', 'networks'] as const;
export type Place = (typeof PLACES)[number];
export type Places<Value> = Readonly<Record<Place, Value>>;
export const NOWHERE: Places<number> = { pods: 0, node: 0, api: 0, networks: 0 };

/** Hosts of URLs, with a port where it is another than 443. */
export async function hostileHosts(listener: Listener): Promise<Places<readonly string[]>> {
  const api = await serviceIps('default', 'kubernetes');
  const pod = listener.pod.ips.map(inUrl);
  return {
    pods: [...pod, ...pod.map((ip) => `${ip}:8080`), ...listener.serviceIps.map(inUrl), `listener.${listener.pod.namespace}.svc.cluster.local`],
    node: [...NODE_IPS.map(inUrl), 'node.origin.example'],
    api: [...api.map(inUrl), 'api.origin.example', 'kubernetes.default.svc.cluster.local', ...NODE_IPS.map((ip) => `${inUrl(ip)}:6443`), `${NODE_IPS[0]}:10250`],
    networks: [...CANARIES.map(inUrl), ...['private', 'lan', 'metadata', 'ula'].map((name) => `${name}.origin.example`)],
  };
}

/** A DNS filter sees names only. */
export const isName = (host: string): boolean => /\.(?:example|local)$/.test(host);

export const countOf = (hosts: Places<readonly string[]>, isCounted: (host: string) => boolean): Places<number> =>
  Object.fromEntries(PLACES.map((place) => [place, hosts[place].filter(isCounted).length])) as Record<Place, number>;

/** TCP connections that arrive while `act` runs. @param ips of the pod that may send some */
export async function arrivalsOf(ips: readonly string[], listener: Listener, act: () => Promise<void>): Promise<Places<number>> {
  const before = await listener.connections();
  await resetConnections();
  countFrom(ips);
  await act();
  return { pods: (await listener.connections()) - before, ...countsNow(), networks: await ofNetworks() };
}

const ofNetworks = async (): Promise<number> =>
  Object.entries(await connections()).reduce((sum, [target, count]) => (CANARIES.some((address) => target.startsWith(`${address}:`)) ? sum + count : sum), 0);

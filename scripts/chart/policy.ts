// NetworkPolicies as an engine reads them: the union of all policies that select a pod; a direction that none of them
// names is open; an empty list of peers or ports means all.

import type { KubeObject } from './documents.ts';
import { EVERYTHING, type Range, rangesOf, subtract } from './ranges.ts';

export type Labels = Readonly<Record<string, string>>;
export type Direction = 'Ingress' | 'Egress';

export interface Selector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[];
}

export interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

export interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly protocol?: string; readonly port?: number | string; readonly endPort?: number }[];
}

export interface Policy {
  readonly name: string;
  readonly namespace: string;
  readonly podSelector: Selector;
  readonly policyTypes: readonly Direction[];
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
}

export interface Endpoint {
  readonly name: string;
  readonly namespace: string;
  readonly namespaceLabels: Labels;
  readonly labels: Labels;
}

export interface PortRange {
  readonly protocol: string;
  readonly first: number;
  readonly last: number;
}

const ALL_PORTS: readonly PortRange[] = ['TCP', 'UDP', 'SCTP'].map((protocol) => ({ protocol, first: 1, last: 65_535 }));

/** @param namespace of the release, for objects that name none. */
export const policiesOf = (objects: readonly KubeObject[], namespace: string): readonly Policy[] =>
  objects.filter(({ kind }) => kind === 'NetworkPolicy').map(({ metadata, spec }) => {
    const { podSelector = {}, policyTypes, ingress = [], egress = [] } = (spec ?? {}) as Partial<Policy>;
    const types = policyTypes ?? ['Ingress', ...(egress.length > 0 ? (['Egress'] as const) : [])];
    return { name: metadata.name, namespace: metadata.namespace ?? namespace, podSelector, policyTypes: types, ingress, egress };
  });

/** Do the labels fit? An unknown operator throws: a guess could hide a hole. */
export function matches(selector: Selector, labels: Labels): boolean {
  const byLabels = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return byLabels && (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = labels[key];
    if (operator === 'In') return value !== undefined && values.includes(value);
    if (operator === 'NotIn') return value === undefined || !values.includes(value);
    if (operator === 'Exists') return value !== undefined;
    if (operator === 'DoesNotExist') return value === undefined;
    throw new Error(`unknown operator of a selector: ${operator}`);
  });
}

export const selects = (policy: Policy, pod: Endpoint): boolean => policy.namespace === pod.namespace && matches(policy.podSelector, pod.labels);

/** Rules in force for a pod; undefined where nothing restricts the direction. */
function rulesOf(policies: readonly Policy[], pod: Endpoint, direction: Direction): readonly Rule[] | undefined {
  const applied = policies.filter((policy) => policy.policyTypes.includes(direction) && selects(policy, pod));
  if (applied.length === 0) return undefined;
  return applied.flatMap((policy) => (direction === 'Ingress' ? policy.ingress : policy.egress));
}

/** Ports on which `from` may open a connection to the pod `to`: both sides must allow it. */
export function portsBetween(policies: readonly Policy[], from: Endpoint, to: Endpoint): readonly PortRange[] {
  const out = podPorts(rulesOf(policies, from, 'Egress'), { home: from.namespace, pod: to });
  const into = podPorts(rulesOf(policies, to, 'Ingress'), { home: to.namespace, pod: from });
  return joinPorts(out.flatMap((a) => into.flatMap((b) => commonPorts(a, b))));
}

export interface AddressRoute {
  readonly ranges: readonly Range[];
  readonly ports: readonly PortRange[];
}

/** Routes by address block, and those of rules without peers, which lead everywhere. */
export function addressRoutes(policies: readonly Policy[], pod: Endpoint): readonly AddressRoute[] {
  const rules = rulesOf(policies, pod, 'Egress');
  if (rules === undefined) return [{ ranges: rangesOf(EVERYTHING), ports: ALL_PORTS }];
  return rules.flatMap((rule) => {
    const peers = rule.to ?? [];
    const blocks = peers.length === 0 ? EVERYTHING.map((cidr) => ({ cidr, except: [] })) : peers.flatMap(({ ipBlock }) => ipBlock ?? []);
    return blocks.map(({ cidr, except = [] }) => ({ ranges: subtract(rangesOf([cidr]), rangesOf(except)), ports: portsOf(rule) }));
  });
}

export const showPorts = (ports: readonly PortRange[]): string =>
  ports.map(({ protocol, first, last }) => `${protocol}/${first === last ? first : `${first}-${last}`}`).join(' ');

function podPorts(rules: readonly Rule[] | undefined, other: { readonly home: string; readonly pod: Endpoint }): readonly PortRange[] {
  if (rules === undefined) return ALL_PORTS;
  return rules.flatMap((rule) => {
    const peers = rule.from ?? rule.to ?? [];
    return peers.length === 0 || peers.some((peer) => peerHolds(peer, other)) ? portsOf(rule) : [];
  });
}

/** Address blocks are judged by addressRoutes(): which pods one holds depends on the engine. */
function peerHolds(peer: Peer, { home, pod }: { readonly home: string; readonly pod: Endpoint }): boolean {
  if (peer.ipBlock !== undefined) return false;
  const { namespaceSelector, podSelector } = peer;
  const inNamespace = namespaceSelector === undefined ? pod.namespace === home : matches(namespaceSelector, pod.namespaceLabels);
  return inNamespace && matches(podSelector ?? {}, pod.labels);
}

function portsOf({ ports = [] }: Rule): readonly PortRange[] {
  if (ports.length === 0) return ALL_PORTS;
  return ports.map(({ protocol = 'TCP', port, endPort }) => {
    if (typeof port === 'string') throw new Error(`a named port in a policy: ${port}`);
    return port === undefined ? { protocol, first: 1, last: 65_535 } : { protocol, first: port, last: endPort ?? port };
  });
}

function commonPorts(a: PortRange, b: PortRange): readonly PortRange[] {
  const first = Math.max(a.first, b.first);
  const last = Math.min(a.last, b.last);
  return a.protocol === b.protocol && first <= last ? [{ protocol: a.protocol, first, last }] : [];
}

/** Sorted, without overlaps or neighbours. */
export function joinPorts(ports: readonly PortRange[]): readonly PortRange[] {
  const joined: PortRange[] = [];
  for (const port of ports.toSorted((a, b) => a.protocol.localeCompare(b.protocol) || a.first - b.first)) {
    const last = joined.at(-1);
    if (last !== undefined && last.protocol === port.protocol && port.first <= last.last + 1) {
      joined[joined.length - 1] = { ...last, last: Math.max(last.last, port.last) };
    } else joined.push(port);
  }
  return joined;
}

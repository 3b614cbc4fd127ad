// What the chart's policies must hold, for every pod that it renders: pure, each returns what is wrong, one line each.

import { componentOf, type KubeObject, podsOf } from './documents.ts';
import { addressRoutes, type Endpoint, joinPorts, policiesOf, portsBetween, type PortRange, selects, showPorts } from './policy.ts';
import { intersect, type Range, rangesOf, sameRanges, showRange, subtract } from './ranges.ts';

/** Pods of the release as the policies see them, those of Jobs, hooks and tests included. */
const releasePods = (objects: readonly KubeObject[], namespace: string): readonly Endpoint[] =>
  podsOf(objects).map(({ owner, metadata }) => ({
    name: owner,
    namespace: metadata.namespace ?? namespace,
    namespaceLabels: { 'kubernetes.io/metadata.name': metadata.namespace ?? namespace },
    labels: metadata.labels ?? {},
  }));

/** Every pod is selected by a policy that refuses both directions, and no pod is out of reach of policies. */
export function denyProblems(objects: readonly KubeObject[], namespace: string): readonly string[] {
  const denials = policiesOf(objects, namespace).filter(
    ({ policyTypes, ingress, egress }) => policyTypes.length === 2 && ingress.length === 0 && egress.length === 0,
  );
  const open = releasePods(objects, namespace).filter((pod) => !denials.some((policy) => selects(policy, pod)));
  const onHost = podsOf(objects).filter(({ spec }) => spec.hostNetwork === true);
  return [
    ...open.map(({ name }) => `${name}: no default deny selects it`),
    ...onHost.map(({ owner }) => `${owner}: is on the node's network, where no policy holds`),
  ];
}

export interface Outside {
  /** Components that may reach public addresses. */
  readonly publicFor: readonly string[];
  /** TCP ports of public addresses. */
  readonly publicPorts: Readonly<Record<string, readonly number[]>>;
  /** What is public here, by netguard's table. */
  readonly public: readonly Range[];
  /** Address blocks that the values name, by component. */
  readonly given: Readonly<Record<string, readonly string[]>>;
}

/** No pod has a route by address but those named; a public route is all of the public addresses and nothing else. */
export function outsideProblems(objects: readonly KubeObject[], namespace: string, outside: Outside): readonly string[] {
  const policies = policiesOf(objects, namespace);
  return releasePods(objects, namespace).flatMap((pod) => {
    const component = componentOf(pod) ?? '';
    const allowed = outside.publicFor.includes(component);
    const given = rangesOf(outside.given[component] ?? []);
    const routes = addressRoutes(policies, pod).map(({ ranges, ports }) => ({ ports, beyond: subtract(ranges, given) }));
    const problems = routes.flatMap(({ ports, beyond }) =>
      subtract(beyond, allowed ? outside.public : []).map((range) => `${pod.name}: may reach ${showRange(range)} on ${showPorts(ports)}`),
    );
    return allowed ? [...problems, ...publicProblems(pod.name, routes, { ...outside, ports: outside.publicPorts[component] ?? [] })] : problems;
  });
}

interface Expected {
  readonly ports: readonly number[];
  readonly public: readonly Range[];
}
interface Route {
  readonly ports: readonly PortRange[];
  readonly beyond: readonly Range[];
}

function publicProblems(name: string, routes: readonly Route[], expected: Expected): readonly string[] {
  const reached = routes.filter(({ beyond }) => intersect(beyond, expected.public).length > 0);
  const shown = [...new Set(reached.map(({ ports }) => showPorts(joinPorts(ports))))];
  const wanted = showPorts(joinPorts(expected.ports.map((port) => ({ protocol: 'TCP', first: port, last: port }))));
  const problems = shown.filter((ports) => ports !== wanted).map((ports) => `${name}: reaches public addresses on ${ports} instead of ${wanted}`);
  const all = reached.flatMap(({ beyond }) => beyond);
  return sameRanges(all, expected.public) ? problems : [...problems, `${name}: does not reach every public address`];
}

/** `from -> to ports` for every pair with a pod of the release in it, and that has a port. */
export function arrows(objects: readonly KubeObject[], namespace: string, world: readonly Endpoint[]): readonly string[] {
  const policies = policiesOf(objects, namespace);
  const inside = uniqueByComponent(releasePods(objects, namespace));
  const pairs = [...inside, ...world].flatMap((from) => [...inside, ...world].map((to) => ({ from, to })));
  return pairs
    .filter(({ from, to }) => inside.includes(from) || inside.includes(to))
    .flatMap(({ from, to }) => {
      const ports = portsBetween(policies, from, to);
      return ports.length === 0 ? [] : [`${from.name} -> ${to.name} ${showPorts(ports)}`];
    })
    .toSorted();
}

/** Pods that carry the same labels are one endpoint, named by its component; a difference shows as an endpoint of its own. */
function uniqueByComponent(pods: readonly Endpoint[]): readonly Endpoint[] {
  const known = new Map<string, Endpoint>();
  for (const pod of pods) {
    const component = componentOf(pod) ?? pod.name;
    const key = JSON.stringify([pod.namespace, Object.entries(pod.labels).toSorted(([a], [b]) => a.localeCompare(b))]);
    const taken = [...known.values()].some(({ name }) => name === component);
    if (!known.has(key)) known.set(key, { ...pod, name: taken ? pod.name : component });
  }
  return [...known.values()];
}

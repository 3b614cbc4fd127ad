// What the objects around the pods must hold.

import { COMPONENTS, componentOf, containersOf, nameOf, podOf, podsOf, type KubeObject } from '../../scripts/chart/documents.ts';
import { type Check, podCheck } from './check.ts';

const NAME_MAX = 63;
const LABELS = ['helm.sh/chart', 'app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/component', 'app.kubernetes.io/version', 'app.kubernetes.io/managed-by', 'app.kubernetes.io/part-of'];
const SELECTOR_LABELS = ['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/component'];

const perObject = (name: string, problems: (object: KubeObject, all: readonly KubeObject[]) => readonly string[]): Check => ({
  name,
  problems: (objects) => objects.flatMap((object) => problems(object, objects).map((problem) => `${nameOf(object)}: ${problem}`)),
});

type Labels = Readonly<Record<string, string>>;

function missingLabels(labels: Labels | undefined, wanted: readonly string[]): readonly string[] {
  const missing = wanted.filter((label) => !labels?.[label]);
  const component = componentOf({ labels });
  const unknown = component !== undefined && !COMPONENTS.includes(component) ? [`component ${component} is not known`] : [];
  return [...(missing.length === 0 ? [] : [`no label ${missing.join(', ')}`]), ...unknown];
}

/** These are about all pods of the release at once. */
const SPANNING = new Set(['NetworkPolicy', 'PodMonitor']);

function labelProblems(object: KubeObject): readonly string[] {
  const labels = object.metadata.labels;
  const wanted = SPANNING.has(object.kind) ? LABELS.filter((label) => label !== 'app.kubernetes.io/component') : LABELS;
  const pod = podOf(object);
  const inPod = pod === undefined || object.kind === 'Pod' ? [] : missingLabels(pod.metadata.labels, SELECTOR_LABELS).map((problem) => `pod template: ${problem}`);
  return [...missingLabels(labels, wanted), ...inPod];
}

/** matchLabels of workloads and PodDisruptionBudgets, the selector of a Service. */
function selectorOf(object: KubeObject): Labels | undefined {
  const selector = object.spec?.['selector'] as (Labels & { readonly matchLabels?: Labels }) | undefined;
  if (selector === undefined || ['Job', 'CronJob', 'PodMonitor'].includes(object.kind)) return undefined;
  return object.kind === 'Service' ? selector : (selector.matchLabels ?? {});
}

const matches = (selector: Labels, labels: Labels | undefined): boolean => Object.entries(selector).every(([key, value]) => labels?.[key] === value);

/** A selector finds pods, and pods of one component only: two Deployments with one selector fight over their pods. */
function selectorProblems(object: KubeObject, all: readonly KubeObject[]): readonly string[] {
  const selector = selectorOf(object);
  if (selector === undefined) return [];
  const own = podOf(object);
  if (own !== undefined && !matches(selector, own.metadata.labels)) return ['the selector does not match its own pods'];
  const found = new Set(podsOf(all).filter(({ metadata }) => matches(selector, metadata.labels)).map(({ metadata }) => componentOf(metadata)));
  if (found.size === 1) return [];
  return [found.size === 0 ? 'the selector finds no pod' : `the selector finds ${[...found].join(' and ')}`];
}

/** A Service's named target port exists in the pods it selects. */
function portProblems(object: KubeObject, all: readonly KubeObject[]): readonly string[] {
  if (object.kind !== 'Service') return [];
  const selector = selectorOf(object) ?? {};
  const pods = podsOf(all).filter(({ metadata }) => matches(selector, metadata.labels));
  const open = new Set(pods.flatMap(containersOf).flatMap(({ ports }) => (ports ?? []).flatMap(({ name, containerPort }) => [name, containerPort])));
  const ports = (object.spec?.['ports'] ?? []) as readonly { readonly port: number; readonly targetPort?: number | string }[];
  return ports.flatMap(({ port, targetPort }) => (open.has(targetPort ?? port) ? [] : [`target port ${String(targetPort ?? port)} is open in no pod`]));
}

const keyOf = ({ kind, metadata }: KubeObject): string => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;

const twice = (objects: readonly KubeObject[]): readonly string[] => {
  const keys = objects.map(keyOf);
  return keys.filter((key, index) => keys.indexOf(key) !== index).map((key) => `${key} is rendered twice`);
};

/** With one pod, minAvailable or maxUnavailable keeps a node from ever being drained, or protects nothing. */
function budgetProblems(object: KubeObject, all: readonly KubeObject[]): readonly string[] {
  if (object.kind !== 'PodDisruptionBudget') return [];
  const selector = selectorOf(object) ?? {};
  const lone = all.filter((other) => {
    const pod = podOf(other);
    return pod !== undefined && matches(selector, pod.metadata.labels) && replicasOf(other, all) < 2;
  });
  const kept = object.spec?.['unhealthyPodEvictionPolicy'] === 'AlwaysAllow' ? [] : ['unhealthyPodEvictionPolicy is not AlwaysAllow'];
  return [...lone.map((other) => `protects ${nameOf(other)}, which has one pod`), ...kept];
}

function replicasOf(object: KubeObject, all: readonly KubeObject[]): number {
  const scaler = all.find(({ kind, spec }) => kind === 'HorizontalPodAutoscaler' && (spec?.['scaleTargetRef'] as { name?: string } | undefined)?.name === object.metadata.name);
  const count = scaler === undefined ? object.spec?.['replicas'] : scaler.spec?.['minReplicas'];
  return typeof count === 'number' ? count : 1;
}

/** An autoscaler and a fixed number of replicas undo each other at every upgrade. */
function scalerProblems(object: KubeObject, all: readonly KubeObject[]): readonly string[] {
  if (object.kind !== 'HorizontalPodAutoscaler') return [];
  const target = all.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === (object.spec?.['scaleTargetRef'] as { name?: string } | undefined)?.name);
  if (target === undefined) return ['scales nothing that is rendered'];
  return target.spec?.['replicas'] === undefined ? [] : [`${nameOf(target)} sets replicas too`];
}

function nameProblems({ kind, metadata }: KubeObject): readonly string[] {
  // Pods of a Deployment get 17 more characters, which the API server cuts for by itself; a Job's 6 it does not.
  const longest = kind === 'CronJob' ? 52 : NAME_MAX;
  const long = metadata.name.length > longest ? [`the name has ${metadata.name.length} characters`] : [];
  const labels = Object.entries(metadata.labels ?? {}).flatMap(([label, value]) => (value.length > NAME_MAX ? [`label ${label} has ${value.length} characters`] : []));
  const bad = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(metadata.name) ? [] : ['the name is not a DNS label'];
  return [...long, ...labels, ...bad];
}

/** Only the Job that makes Secrets speaks to the API server; it asks for its token by a projected volume. */
const tokenProblems = podCheck('token of the Job only', ({ metadata, spec }) => {
  const asks = (spec.volumes ?? []).some(({ projected }) => (projected?.sources ?? []).some(({ serviceAccountToken }) => serviceAccountToken !== undefined));
  return asks && componentOf(metadata) !== 'secrets' ? ['mounts a token of the API server'] : [];
});

/** Rights that make a taken-over pod more than a pod. */
function roleProblems(object: KubeObject): readonly string[] {
  if (['ClusterRole', 'ClusterRoleBinding'].includes(object.kind)) return ['cluster-wide rights'];
  if (object.kind !== 'Role') return [];
  const rules = (object as unknown as { rules?: readonly { verbs?: readonly string[]; resources?: readonly string[]; resourceNames?: readonly string[] }[] }).rules ?? [];
  return rules.flatMap(({ verbs = [], resources = [], resourceNames = [] }) => {
    const wide = [...verbs, ...resources].includes('*') ? ['a rule with *'] : [];
    const reads = verbs.some((verb) => ['list', 'watch'].includes(verb)) || (verbs.some((verb) => verb !== 'create') && resourceNames.length === 0);
    return resources.includes('secrets') && reads ? [...wide, `reaches every Secret of the namespace by ${verbs.join(', ')}`] : wide;
  });
}

export const OBJECT_CHECKS: readonly Check[] = [
  perObject('labels', labelProblems),
  perObject('selectors', selectorProblems),
  perObject('ports', portProblems),
  perObject('disruption budgets', budgetProblems),
  perObject('autoscalers', scalerProblems),
  perObject('names', nameProblems),
  perObject('rights', roleProblems),
  { name: 'no object twice', problems: twice },
  tokenProblems,
];

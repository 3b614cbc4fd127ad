// values.yaml of the chart as a tree with the comment above each value: the schema and the chart's README are made from
// it, so that a value without an explanation cannot exist.

import { type Pair, type YAMLMap, isMap, isScalar, isSeq, parseDocument } from 'yaml';

export interface ValueNode {
  /** Dotted, empty for the root. */
  readonly path: string;
  readonly description: string;
  /** Of a leaf; a map with keys is none. */
  readonly fallback?: unknown;
  readonly children?: readonly ValueNode[];
}

/** Meaning of names that occur in many blocks, where values.yaml would say the same again and again. */
const COMMON: Readonly<Record<string, string>> = {
  image: 'Image of the containers.',
  repository: 'Image without tag and digest.',
  tag: 'Tag of the image. Empty: the appVersion of the chart.',
  digest: 'Digest of the image (sha256:…); wins over the tag.',
  replicas: 'Number of pods.',
  resources: 'Requests and limits of each container.',
  requests: 'What the scheduler sets aside.',
  limits: 'What a container may use at most.',
  cpu: 'Cores.',
  memory: 'Bytes, or a quantity such as 512Mi.',
  autoscaling: 'Scaling by CPU; takes the place of replicas.',
  enabled: 'Turns it on.',
  minReplicas: 'Pods at least.',
  maxReplicas: 'Pods at most.',
  targetCPUUtilizationPercentage: 'CPU of the request in percent that scaling aims at.',
  podDisruptionBudget: 'How many pods a drain may take at once; made for two replicas or more.',
  maxUnavailable: 'Pods, or a percentage, that may be away.',
  topologySpread: 'Spreads the pods.',
  topologyKey: 'Label of nodes that the pods are spread over.',
  maxSkew: 'Difference between two values of the label at most.',
  whenUnsatisfiable: 'ScheduleAnyway or DoNotSchedule.',
  priorityClassName: 'Existing priority class of the pods.',
  runtimeClassName: 'Existing runtime class of the pods, for example gvisor.',
  hostUsers: 'false puts the pod into a user namespace of its own, where the node can do it; null leaves it to the cluster.',
  nodeSelector: 'Labels of nodes that the pods may run on.',
  tolerations: 'Taints that the pods bear.',
  affinity: 'Affinity of the pods.',
  terminationGracePeriodSeconds: 'Seconds between the end of a pod and its kill.',
  shutdown: 'Steps of the shutdown.',
  delaySeconds: 'Seconds between being unready and closing the port.',
  drainSeconds: 'Seconds that running work gets after that.',
  extraEnv: 'Environment variables by name; a name of the chart\'s own is replaced.',
  podAnnotations: 'Annotations of the pods.',
  annotations: 'Annotations of the object.',
  labels: 'Labels of the object.',
  service: 'The Service.',
  type: 'ClusterIP, NodePort or LoadBalancer.',
  port: 'Port number.',
  nodePort: 'Port on every node; null: chosen by the cluster.',
  interval: 'Time between two scrapes.',
  existingSecret: 'Name of an existing Secret.',
  key: 'Key in that Secret.',
  networkPolicyPeers: 'NetworkPolicy peers where it runs. Empty with an IP address: that address.',
  deadlineSeconds: 'Seconds until the Job is given up.',
  host: 'Host name or address.',
  address: 'host:port, for the NetworkPolicy.',
};

/** @throws Error that names every value without an explanation. */
export function readValues(text: string): ValueNode {
  const document = parseDocument(text);
  const problem = document.errors[0];
  if (problem !== undefined) throw problem;
  if (!isMap(document.contents)) throw new TypeError('values.yaml is no map');
  const missing: string[] = [];
  const children = childrenOf(document.contents, '', missing);
  if (missing.length > 0) throw new Error(`values.yaml: no comment above ${missing.join(', ')}`);
  return { path: '', description: '', children };
}

function childrenOf(map: YAMLMap, parent: string, missing: string[]): readonly ValueNode[] {
  return map.items.map((pair, at) => {
    const name = isScalar(pair.key) ? String(pair.key.value) : '';
    const path = parent === '' ? name : `${parent}.${name}`;
    const description = commentOf(map, pair, at) ?? OF_PATH[path] ?? COMMON[name] ?? '';
    if (description === '') missing.push(path);
    const value = pair.value;
    // The selectors of the cluster's DNS are maps whose keys belong to the user.
    if (isMap(value) && value.items.length > 0 && !name.endsWith('Labels')) return { path, description, children: childrenOf(value, path, missing) };
    return { path, description, fallback: isMap(value) || isSeq(value) || isScalar(value) ? value.toJSON() : null };
  });
}

/** The parser gives the comment above the first key to the map. */
function commentOf(map: YAMLMap, pair: Pair, at: number): string | undefined {
  const own = isScalar(pair.key) ? pair.key.commentBefore : undefined;
  const text = own ?? (at === 0 ? map.commentBefore : undefined);
  return text?.split('\n').map((line) => line.trim()).join(' ').trim() || undefined;
}

/** Meaning of single blocks and values whose name nearly says it. */
const OF_PATH: Readonly<Record<string, string>> = {
  image: 'What holds for every image.',
  gateway: 'The door: media, pages, limits, cache.',
  fetcher: 'The only opener of connections whose target a stranger chose.',
  'egressProxy.credentials': 'Who may use it, besides the policy.',
  'egressProxy.smtp': 'Mail.',
  'egressProxy.tunnels': 'Limits of one replica.',
  imageWorker: 'Decodes pictures.',
  'imageWorker.sandbox': 'Sandbox of the decoders.',
  redis: 'The two Redis roles.',
  'redis.evaluation.maxmemory': 'maxmemory of each of them.',
  misskey: 'The Misskey behind the gateway.',
  'misskey.managed.database.name': 'Name of the database.',
  'misskey.managed.database.userKey': 'Key of the user\'s name in that Secret.',
  'misskey.managed.database.passwordKey': 'Key of the password in that Secret.',
  'misskey.managed.redis.db': 'Number of the database.',
  'misskey.managed.redis.usernameKey': 'Key of the user\'s name in that Secret. Empty: no user.',
  'misskey.managed.redis.passwordKey': 'Key of the password in that Secret.',
  'misskey.managed.migrationArgs': 'Program of the migration, started in workingDir.',
  'misskey.managed.workingDir': 'Folder of Misskey\'s server in the image.',
  'misskey.managed.drive': 'Where the files of users lie.',
  'misskey.managed.drive.size': 'Size of the claim that is made.',
  'misskey.managed.web': 'Pods that answer requests.',
  'misskey.managed.queue': 'Pods that work off the queues.',
  ingress: 'Ingress to the gateway.',
  'ingress.className': 'Ingress class.',
  networkPolicy: 'NetworkPolicies of the release.',
  'networkPolicy.dns': 'DNS of the cluster.',
  'networkPolicy.dns.podLabels': 'Labels of its pods.',
  cluster: 'What the chart cannot know about the cluster.',
  egress: 'Where the fetcher may connect to.',
  monitoring: 'Metrics for Prometheus.',
  'monitoring.podMonitor': 'PodMonitor of the Prometheus Operator; its labels must fit the operator\'s podMonitorSelector.',
  tests: 'helm test.',
  'unsafe.iUnderstand': 'Must be true for anything else in this block.',
};

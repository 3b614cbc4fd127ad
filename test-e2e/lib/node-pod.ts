// Pods of the tests' own: Node.js of the gateway's image with files of this repository, under Pod Security `restricted`.

import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Manifest } from './cluster.ts';
import { context, imageReference, root } from './context.ts';

export interface NodePod {
  readonly name: string;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** ConfigMap whose files are in /work. */
  readonly files: string;
  /** ConfigMap whose files are in /data. */
  readonly data?: string;
  /** Arguments of node. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly ports?: Readonly<Record<string, number>>;
  readonly readiness?: Readonly<Record<string, unknown>>;
  readonly seccompProfile?: Readonly<Record<string, unknown>>;
  /** It may listen below 1024. */
  readonly hasLowPorts?: boolean;
  readonly replicas?: number;
  /** Its share of a busy node; by default hardly any. */
  readonly cpu?: string;
}

/**
 * A bare pod with exactly the given labels that no Service ever sends anybody to: policies select by labels, so it is to
 * them what the pod is whose labels it has.
 */
export const twinPod = (pod: NodePod): Manifest => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name: pod.name, namespace: pod.namespace, labels: pod.labels },
  // Nobody sets this condition, so the pod never counts as ready.
  spec: { ...podSpec(pod), readinessGates: [{ conditionType: 'e2e.sekisho/never' }] },
});

/** A Deployment; its pods carry the label `app: <name>`. */
export function nodeDeployment(pod: NodePod): Manifest {
  const labels = { app: pod.name, ...pod.labels };
  return {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: pod.name, namespace: pod.namespace, labels },
    spec: {
      replicas: pod.replicas ?? 1,
      selector: { matchLabels: { app: pod.name } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: { metadata: { labels }, spec: podSpec(pod) },
    },
  };
}

const podSpec = (pod: NodePod): Readonly<Record<string, unknown>> => ({
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  terminationGracePeriodSeconds: 1,
  securityContext: {
    runAsNonRoot: true, runAsUser: 10_001, runAsGroup: 10_001, seccompProfile: pod.seccompProfile ?? { type: 'RuntimeDefault' },
    ...(pod.hasLowPorts === true ? { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] } : {}),
  },
  containers: [{
    name: 'node',
    image: imageReference('gateway'),
    imagePullPolicy: context().pullPolicy,
    command: ['/usr/local/bin/node', ...pod.args],
    env: Object.entries(pod.env ?? {}).map(([name, value]) => ({ name, value })),
    ports: Object.entries(pod.ports ?? {}).map(([name, containerPort]) => ({ name, containerPort })),
    ...(pod.readiness === undefined ? {} : { readinessProbe: { periodSeconds: 1, ...pod.readiness } }),
    resources: { requests: { cpu: pod.cpu ?? '10m', memory: '48Mi' }, limits: { memory: '512Mi' } },
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    volumeMounts: [{ name: 'files', mountPath: '/work', readOnly: true }, ...(pod.data === undefined ? [] : [{ name: 'data', mountPath: '/data', readOnly: true }])],
  }],
  volumes: [
    { name: 'files', configMap: { name: pod.files } },
    ...(pod.data === undefined ? [] : [{ name: 'data', configMap: { name: pod.data } }]),
  ],
});

/** A ConfigMap of source files, folders of the repository flattened into one. */
export function sourceFiles(name: string, namespace: string, ...paths: readonly string[]): Manifest {
  const files = paths.flatMap((path) => (path.endsWith('.ts') ? [join(root, path)] : sourcesUnder(join(root, path))));
  const data = Object.fromEntries(files.map((file) => [basename(file), readFileSync(file, 'utf8')]));
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { ...data, 'package.json': '{"type":"module"}' } };
}

const sourcesUnder = (folder: string): string[] =>
  readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts')).map((name) => join(folder, name));

export const binaryFiles = (name: string, namespace: string, files: Readonly<Record<string, Uint8Array>>): Manifest => ({
  apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace },
  binaryData: Object.fromEntries(Object.entries(files).map(([file, bytes]) => [file, Buffer.from(bytes).toString('base64')])),
});

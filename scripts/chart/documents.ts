// Rendered documents as the checks see them: only the fields that a check reads are typed.

import { parseAllDocuments } from 'yaml';

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef?: { readonly name: string; readonly key: string };
    readonly configMapKeyRef?: { readonly name: string; readonly key: string };
    readonly fieldRef?: { readonly fieldPath: string };
    readonly resourceFieldRef?: { readonly resource: string };
  };
}

export interface Handler {
  readonly httpGet?: { readonly host?: string; readonly path?: string; readonly port?: number | string };
  readonly tcpSocket?: { readonly host?: string; readonly port?: number | string };
  readonly exec?: { readonly command?: readonly string[] };
}

export interface SecurityContext {
  readonly runAsNonRoot?: boolean;
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly fsGroup?: number;
  readonly readOnlyRootFilesystem?: boolean;
  readonly privileged?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly procMount?: string;
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly seccompProfile?: { readonly type?: string };
  readonly appArmorProfile?: { readonly type?: string };
  readonly seLinuxOptions?: { readonly type?: string; readonly user?: string; readonly role?: string };
  readonly windowsOptions?: { readonly hostProcess?: boolean };
  readonly sysctls?: readonly { readonly name: string }[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvVar[];
  readonly envFrom?: readonly unknown[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number; readonly hostPort?: number }[];
  readonly securityContext?: SecurityContext;
  readonly resources?: { readonly requests?: Record<string, unknown>; readonly limits?: Record<string, unknown> };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string }[];
  readonly livenessProbe?: Handler;
  readonly readinessProbe?: Handler;
  readonly startupProbe?: Handler;
  readonly lifecycle?: { readonly postStart?: Handler; readonly preStop?: Handler };
}

export interface SecretSource {
  readonly name?: string;
  readonly secretName?: string;
  readonly items?: readonly { readonly key: string; readonly path: string }[];
}

export interface Volume {
  readonly name: string;
  readonly secret?: SecretSource;
  readonly configMap?: { readonly name: string; readonly items?: readonly { readonly key: string; readonly path: string }[] };
  readonly projected?: {
    readonly sources?: readonly {
      readonly secret?: SecretSource;
      readonly configMap?: { readonly name: string; readonly items?: readonly { readonly key: string; readonly path: string }[] };
      readonly serviceAccountToken?: { readonly path: string };
    }[];
  };
  readonly emptyDir?: { readonly medium?: string; readonly sizeLimit?: unknown };
}

export interface PodSpec {
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly serviceAccountName?: string;
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly securityContext?: SecurityContext;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly terminationGracePeriodSeconds?: number;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

export interface Pod {
  /** Kind/name of the object that holds it. */
  readonly owner: string;
  readonly metadata: Partial<Metadata>;
  readonly spec: PodSpec;
}

/** @throws Error when a document is not YAML or not an object of the API. */
export function parseDocuments(text: string): readonly KubeObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) throw new Error(`not YAML: ${problem.message}`);
    const value: unknown = document.toJS();
    if (value === null || value === undefined) return [];
    if (!isKubeObject(value)) throw new Error(`not an object of the API: ${JSON.stringify(value).slice(0, 200)}`);
    return [value];
  });
}

function isKubeObject(value: unknown): value is KubeObject {
  if (typeof value !== 'object' || value === null) return false;
  const { apiVersion, kind, metadata } = value as { apiVersion?: unknown; kind?: unknown; metadata?: { name?: unknown } };
  return typeof apiVersion === 'string' && typeof kind === 'string' && typeof metadata?.name === 'string';
}

export const nameOf = (object: KubeObject): string => `${object.kind}/${object.metadata.name}`;

/** Where each kind keeps its pod. */
const POD_AT: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
};

export function podOf(object: KubeObject): Pod | undefined {
  const path = POD_AT[object.kind];
  if (path === undefined) return undefined;
  const holder = path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], object) as { metadata?: Partial<Metadata>; spec: PodSpec };
  return { owner: nameOf(object), metadata: holder.metadata ?? {}, spec: holder.spec };
}

export const podsOf = (objects: readonly KubeObject[]): readonly Pod[] => objects.flatMap((object) => podOf(object) ?? []);

export const containersOf = (pod: Pod): readonly Container[] => [...(pod.spec.initContainers ?? []), ...pod.spec.containers];

/** The parts of a release; a component label is always one of them. */
export const COMPONENTS: readonly string[] = ['gateway', 'fetcher', 'image-worker', 'egress-proxy', 'redis-state', 'redis-work', 'misskey-web', 'misskey-queue', 'misskey-migration', 'secrets', 'test'];

/** Component label of an object's pod or of the object itself. */
export const componentOf = ({ labels }: { readonly labels?: Metadata['labels'] | undefined }): string | undefined => labels?.['app.kubernetes.io/component'];

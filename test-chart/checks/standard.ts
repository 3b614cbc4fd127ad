// Pod Security Standard `restricted`, which includes `baseline`, as data: one row per control with the field it is
// about and what may stand there. Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ at
// version 1.36 (the volume type `image` is that of pod-security-admission 0.36). Windows pods are not rendered here.

import { containersOf, type Container, type Handler, type Pod, type SecurityContext } from '../../scripts/chart/documents.ts';

export interface Control {
  readonly id: string;
  readonly level: 'baseline' | 'restricted';
  /** What violates the control, one line each. */
  readonly problems: (pod: Pod) => readonly string[];
}

const VOLUMES = new Set(['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret']);
const SELINUX_TYPES = new Set([undefined, '', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);
const APPARMOR_TYPES = new Set([undefined, 'RuntimeDefault', 'Localhost']);
const SECCOMP_TYPES = new Set(['RuntimeDefault', 'Localhost']);
const SYSCTLS = new Set([
  'kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.ip_unprivileged_port_start', 'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range', 'net.ipv4.ip_local_reserved_ports', 'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes', 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem',
]);

const eachContainer = (id: string, isBad: (context: SecurityContext, container: Container, pod: Pod) => boolean) => (pod: Pod): readonly string[] =>
  containersOf(pod).flatMap((container) => (isBad(container.securityContext ?? {}, container, pod) ? [`container ${container.name}: ${id}`] : []));

/** A field that pod and container have alike: the pod's own value, and each container's. */
const everyContext = (id: string, isBad: (context: SecurityContext) => boolean) => (pod: Pod): readonly string[] => [
  ...(isBad(pod.spec.securityContext ?? {}) ? [`pod: ${id}`] : []),
  ...eachContainer(id, isBad)(pod),
];

const handlersOf = (container: Container): readonly (Handler | undefined)[] => [
  container.livenessProbe, container.readinessProbe, container.startupProbe, container.lifecycle?.postStart, container.lifecycle?.preStop,
];

const hasHost = (handler: Handler | undefined): boolean => [handler?.httpGet?.host, handler?.tcpSocket?.host].some((host) => host !== undefined && host !== '');

function annotationProblems(pod: Pod): readonly string[] {
  return Object.entries(pod.metadata.annotations ?? {}).flatMap(([key, value]) =>
    key.startsWith('container.apparmor.security.beta.kubernetes.io/') && !/^(?:|runtime\/default|localhost\/.*)$/.test(value) ? [`pod: ${key}`] : [],
  );
}

const BASELINE: readonly Control[] = [
  { id: 'hostProcess', level: 'baseline', problems: everyContext('hostProcess', ({ windowsOptions }) => windowsOptions?.hostProcess === true) },
  {
    id: 'hostNamespaces',
    level: 'baseline',
    problems: ({ spec }) => (['hostNetwork', 'hostPID', 'hostIPC'] as const).flatMap((field) => (spec[field] === true ? [`pod: ${field}`] : [])),
  },
  { id: 'privileged', level: 'baseline', problems: eachContainer('privileged', ({ privileged }) => privileged === true) },
  {
    id: 'hostPorts',
    level: 'baseline',
    problems: eachContainer('hostPort', (_context, { ports }) => (ports ?? []).some(({ hostPort }) => hostPort !== undefined && hostPort !== 0)),
  },
  { id: 'hostProbes', level: 'baseline', problems: eachContainer('probe or lifecycle host', (_context, container) => handlersOf(container).some(hasHost)) },
  {
    id: 'appArmor',
    level: 'baseline',
    problems: (pod) => [...everyContext('appArmorProfile', ({ appArmorProfile }) => !APPARMOR_TYPES.has(appArmorProfile?.type))(pod), ...annotationProblems(pod)],
  },
  {
    id: 'seLinux',
    level: 'baseline',
    problems: everyContext('seLinuxOptions', ({ seLinuxOptions: options }) => !SELINUX_TYPES.has(options?.type) || Boolean(options?.user) || Boolean(options?.role)),
  },
  { id: 'procMount', level: 'baseline', problems: eachContainer('procMount', ({ procMount }) => procMount !== undefined && procMount !== 'Default') },
  { id: 'sysctls', level: 'baseline', problems: ({ spec }) => (spec.securityContext?.sysctls ?? []).flatMap(({ name }) => (SYSCTLS.has(name) ? [] : [`pod: sysctl ${name}`])) },
];

const RESTRICTED: readonly Control[] = [
  {
    id: 'volumeTypes',
    level: 'restricted',
    problems: ({ spec }) => (spec.volumes ?? []).flatMap((volume) => Object.keys(volume).flatMap((key) => (key === 'name' || VOLUMES.has(key) ? [] : [`volume ${volume.name}: ${key}`]))),
  },
  { id: 'privilegeEscalation', level: 'restricted', problems: eachContainer('allowPrivilegeEscalation', ({ allowPrivilegeEscalation }) => allowPrivilegeEscalation !== false) },
  {
    id: 'runAsNonRoot',
    level: 'restricted',
    problems: eachContainer('runAsNonRoot', ({ runAsNonRoot }, _container, { spec }) => (runAsNonRoot ?? spec.securityContext?.runAsNonRoot) !== true),
  },
  { id: 'runAsUser', level: 'restricted', problems: everyContext('runAsUser', ({ runAsUser }) => runAsUser === 0) },
  {
    id: 'seccomp',
    level: 'restricted',
    problems: eachContainer('seccompProfile', ({ seccompProfile }, _container, { spec }) => !SECCOMP_TYPES.has((seccompProfile ?? spec.securityContext?.seccompProfile)?.type ?? '')),
  },
  {
    id: 'capabilities',
    level: 'restricted',
    problems: eachContainer(
      'capabilities',
      ({ capabilities }) => !(capabilities?.drop ?? []).includes('ALL') || (capabilities?.add ?? []).some((name) => name !== 'NET_BIND_SERVICE'),
    ),
  },
];

export const CONTROLS: readonly Control[] = [...BASELINE, ...RESTRICTED];

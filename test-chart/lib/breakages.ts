// The positive controls: one change of the rendered defaults that each check must notice. Where the break needs an
// object that the defaults lack, the change adds it.

/** A rendered object to write on. */
// oxlint-disable-next-line typescript/no-explicit-any -- a control writes what no type allows.
export type Draft = any;

export interface Breakage {
  readonly check: string;
  readonly what: string;
  readonly change: (objects: Draft[]) => void;
}

const find = (objects: readonly Draft[], kind: string, end = '-gateway'): Draft => {
  const found: Draft = objects.find((object: Draft) => object.kind === kind && object.metadata.name.endsWith(end));
  if (found === undefined) throw new Error(`the defaults have no ${kind} …${end}`);
  return found;
};
const template = (objects: readonly Draft[]): Draft => find(objects, 'Deployment').spec.template;
const pod = (objects: readonly Draft[]): Draft => template(objects).spec;
const container = (objects: readonly Draft[]): Draft => pod(objects).containers[0];
const context = (objects: readonly Draft[]): Draft => container(objects).securityContext;
const addEnv = (objects: readonly Draft[], name: string, value: string): void => container(objects).env.push({ name, value });
const addMap = (objects: Draft[], key: string, value: string): void => {
  objects.push({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'planted', labels: {} }, data: { [key]: value } });
};

const broken = (check: string, what: string, change: (objects: Draft[]) => void): Breakage => ({ check, what, change });
const baseline = (id: string, what: string, change: (objects: Draft[]) => void): Breakage => broken(`pod security baseline: ${id}`, what, change);
const restricted = (id: string, what: string, change: (objects: Draft[]) => void): Breakage => broken(`pod security restricted: ${id}`, what, change);

const STANDARD: readonly Breakage[] = [
  baseline('hostProcess', 'a Windows host process', (all) => { context(all).windowsOptions = { hostProcess: true }; }),
  baseline('hostNamespaces', 'hostNetwork', (all) => { pod(all).hostNetwork = true; }),
  baseline('hostNamespaces', 'hostPID', (all) => { pod(all).hostPID = true; }),
  baseline('privileged', 'privileged', (all) => { context(all).privileged = true; }),
  baseline('hostPorts', 'a host port', (all) => { container(all).ports[0].hostPort = 80; }),
  baseline('hostProbes', 'a probe of another host', (all) => { container(all).livenessProbe = { httpGet: { host: '169.254.169.254', port: 80 } }; }),
  baseline('appArmor', 'Unconfined', (all) => { context(all).appArmorProfile = { type: 'Unconfined' }; }),
  baseline('appArmor', 'the old annotation', (all) => { template(all).metadata.annotations = { 'container.apparmor.security.beta.kubernetes.io/gateway': 'unconfined' }; }),
  baseline('seLinux', 'a role', (all) => { context(all).seLinuxOptions = { role: 'sysadm_r' }; }),
  baseline('procMount', 'Unmasked', (all) => { context(all).procMount = 'Unmasked'; }),
  baseline('sysctls', 'a sysctl of the node', (all) => { pod(all).securityContext.sysctls = [{ name: 'kernel.msgmax', value: '1' }]; }),
  restricted('volumeTypes', 'hostPath', (all) => { pod(all).volumes.push({ name: 'root', hostPath: { path: '/' } }); }),
  restricted('privilegeEscalation', 'escalation not denied', (all) => { delete context(all).allowPrivilegeEscalation; }),
  restricted('runAsNonRoot', 'neither in pod nor container', (all) => { delete context(all).runAsNonRoot; delete pod(all).securityContext.runAsNonRoot; }),
  restricted('runAsUser', 'root', (all) => { context(all).runAsUser = 0; }),
  restricted('seccomp', 'Unconfined', (all) => { context(all).seccompProfile = { type: 'Unconfined' }; }),
  restricted('seccomp', 'neither in pod nor container', (all) => { delete context(all).seccompProfile; delete pod(all).securityContext.seccompProfile; }),
  restricted('capabilities', 'nothing dropped', (all) => { delete context(all).capabilities; }),
  restricted('capabilities', 'one added', (all) => { context(all).capabilities.add = ['SYS_ADMIN']; }),
];

const PODS: readonly Breakage[] = [
  broken('user', 'a user of the system', (all) => { context(all).runAsUser = 991; }),
  broken('user', 'an init container that leaves it to the image', (all) => {
    delete pod(all).securityContext.runAsUser;
    pod(all).initContainers = [{ name: 'early', image: 'a:1', securityContext: {} }];
  }),
  broken('read-only root', 'a writable root', (all) => { context(all).readOnlyRootFilesystem = false; }),
  broken('resources', 'no memory limit', (all) => { delete container(all).resources.limits; }),
  broken('unique environment', 'a name twice', (all) => { addEnv(all, container(all).env[0].name, 'x'); }),
  broken('image reference', 'latest', (all) => { container(all).image = 'ghcr.io/sekisho/gateway:latest'; }),
  broken('image reference', 'no tag', (all) => { container(all).image = 'ghcr.io/sekisho/gateway'; }),
  broken('mounts', 'an unknown volume', (all) => { container(all).volumeMounts.push({ name: 'nowhere', mountPath: '/x' }); }),
  broken('no API token', 'the default', (all) => { delete pod(all).automountServiceAccountToken; }),
  broken('no service links', 'the default', (all) => { delete pod(all).enableServiceLinks; }),
  broken('no AppArmor field', 'RuntimeDefault', (all) => { pod(all).securityContext.appArmorProfile = { type: 'RuntimeDefault' }; }),
  broken('bounded scratch', 'an emptyDir without end', (all) => { pod(all).volumes.push({ name: 'big', emptyDir: {} }); }),
];

const OBJECTS: readonly Breakage[] = [
  broken('labels', 'no version', (all) => { delete find(all, 'Service').metadata.labels['app.kubernetes.io/version']; }),
  broken('labels', 'a pod without a component', (all) => { delete template(all).metadata.labels['app.kubernetes.io/component']; }),
  broken('selectors', 'pods that it does not match', (all) => { find(all, 'Deployment').spec.selector.matchLabels['app.kubernetes.io/component'] = 'other'; }),
  broken('selectors', 'pods of two components', (all) => { delete find(all, 'Service').spec.selector['app.kubernetes.io/component']; }),
  broken('ports', 'a port that no pod opens', (all) => { find(all, 'Service').spec.ports[0].targetPort = 'https'; }),
  broken('disruption budgets', 'one pod', (all) => { find(all, 'Deployment').spec.replicas = 1; }),
  broken('autoscalers', 'replicas beside it', (all) => {
    all.push({ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'planted' }, spec: { scaleTargetRef: { name: find(all, 'Deployment').metadata.name } } });
  }),
  broken('names', '64 characters', (all) => { find(all, 'Service').metadata.name = 'a'.repeat(64); }),
  broken('rights', 'every Secret', (all) => { all.push({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'planted' }, rules: [{ resources: ['secrets'], verbs: ['get'] }] }); }),
  broken('rights', 'the cluster', (all) => { all.push({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'planted' } }); }),
  broken('no object twice', 'a Service twice', (all) => { all.push(structuredClone(find(all, 'Service'))); }),
  broken('token of the Job only', 'a projected token', (all) => { pod(all).volumes.push({ name: 'api', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }); }),
];

const SECRETS: readonly Breakage[] = [
  broken('no secret in a ConfigMap', 'a URL with a password', (all) => { addMap(all, 'config.yaml', 'redis: redis://sekisho:hunter2@redis:6379\n'); }),
  broken('no secret in a ConfigMap', 'a key that names one', (all) => { addMap(all, 'db-password', 'x'); }),
  broken('no secret in a ConfigMap', 'an ACL with a password', (all) => { addMap(all, 'users.acl', 'user default on >hunter2 ~* +@all\n'); }),
  broken('no secret in a ConfigMap', 'a password in YAML', (all) => { addMap(all, 'default.yml', 'db:\n  pass: hunter2\n'); }),
  broken('no Secret with content', 'a Secret', (all) => { all.push({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'planted' }, data: { a: 'Yg==' } }); }),
  broken('no secret in the environment', 'a Redis URL', (all) => { addEnv(all, 'SEKISHO_REDIS_URL', 'redis://redis:6379'); }),
  broken('no secret in the environment', 'a Secret by reference', (all) => { container(all).env.push({ name: 'X', valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } }); }),
  broken('no secret in the environment', 'a password in an argument', (all) => { container(all).args = ['--url=redis://a:b@redis:6379']; }),
  broken('known environment', 'a name nobody knows', (all) => { addEnv(all, 'SEKISHO_GATEWAY_PROT', '1'); }),
  broken('known environment', 'a name of another service', (all) => { addEnv(all, 'SEKISHO_DECODER_SLOTS', '1'); }),
  broken('mounted secrets', 'a whole Secret', (all) => { pod(all).volumes.push({ name: 'all', secret: { secretName: 'sekisho-redis-state' } }); }),
  broken('mounted secrets', 'a key of another service', (all) => { pod(all).volumes.push({ name: 'all', secret: { secretName: 's', items: [{ key: 'fetcher-url', path: 'x' }] } }); }),
];

const FILES: readonly Breakage[] = [
  broken('paths', 'a file that the Secret lacks', (all) => { addEnv(all, 'X_FILE', '/run/secrets/sekisho/keys/other'); }),
  broken('mounted ConfigMaps', 'one that is not rendered', (all) => { pod(all).volumes.push({ name: 'lost', configMap: { name: 'sekisho-lost' } }); }),
];

export const BREAKAGES: readonly Breakage[] = [...STANDARD, ...PODS, ...OBJECTS, ...SECRETS, ...FILES];

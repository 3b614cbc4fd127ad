// What a value may be, where its default does not say it: by the whole path, else by the last name. Rules that need a
// sentence stand in the chart's _validate.tpl: a schema can only say that a pattern does not match.

import { INBOX_LIMITS, INBOX_MODES } from '@sekisho/contracts';
import { rulesFileJsonSchema } from '@sekisho/inbox-policy/rules';
import { limitsFileJsonSchema } from '../../../services/gateway/src/limits-file/schema.ts';

export type Schema = Readonly<Record<string, unknown>>;

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

const whole = (minimum: number, maximum: number): Schema => ({ type: 'integer', minimum, maximum });
const oneOf = (...values: readonly (string | null)[]): Schema => ({ enum: values });
const texts: Schema = { type: 'array', items: { type: 'string', minLength: 1 }, uniqueItems: true };
const textMap: Schema = { type: 'object', additionalProperties: { type: 'string' } };
const anyMap: Schema = { type: 'object' };
const maps: Schema = { type: 'array', items: { type: 'object' } };
const quantity: Schema = { type: ['string', 'number'] };
const quantities: Schema = { type: 'object', additionalProperties: quantity };

const selector: Schema = {
  type: 'object',
  properties: { matchLabels: textMap, matchExpressions: maps },
  additionalProperties: false,
};
const peers: Schema = {
  type: 'array',
  items: {
    type: 'object',
    minProperties: 1,
    properties: {
      podSelector: selector,
      namespaceSelector: selector,
      ipBlock: {
        type: 'object',
        properties: { cidr: { type: 'string' }, except: texts },
        required: ['cidr'],
        additionalProperties: false,
      },
    },
    additionalProperties: false,
  },
};
const ports: Schema = { type: 'array', items: whole(1, 65_535), uniqueItems: true };
const environment: Schema = {
  type: 'object',
  additionalProperties: {
    anyOf: [
      { type: ['string', 'integer', 'boolean', 'null'] },
      { type: 'object', properties: { value: {}, valueFrom: { type: 'object' } }, additionalProperties: false },
    ],
  },
};

const BY_NAME: Readonly<Record<string, Schema>> = {
  replicas: whole(0, 1_000),
  minReplicas: whole(1, 1_000),
  maxReplicas: whole(1, 1_000),
  targetCPUUtilizationPercentage: whole(1, 1_000),
  maxUnavailable: { anyOf: [{ type: 'integer', minimum: 0 }, { type: 'string', pattern: '^[1-9][0-9]?%$' }] },
  maxSkew: whole(1, 1_000),
  whenUnsatisfiable: oneOf('ScheduleAnyway', 'DoNotSchedule'),
  hostUsers: { type: ['boolean', 'null'] },
  nodeSelector: textMap,
  tolerations: maps,
  affinity: anyMap,
  requests: quantities,
  limits: quantities,
  terminationGracePeriodSeconds: whole(1, 3_600),
  startupSeconds: whole(10, 3_600),
  deadlineSeconds: whole(5, 86_400),
  delaySeconds: whole(0, 60),
  drainSeconds: whole(0, 600),
  extraEnv: environment,
  podAnnotations: textMap,
  annotations: textMap,
  labels: textMap,
  namespaceLabels: textMap,
  podLabels: textMap,
  port: whole(1, 65_535),
  ports,
  podPort: { type: ['integer', 'null'], minimum: 1, maximum: 65_535 },
  networkPolicyPeers: peers,
  proxyNetworkPolicyPeers: peers,
  ingressFrom: peers,
  monitoringFrom: peers,
  interval: { type: 'string', pattern: '^([0-9]+(ms|s|m|h))+$' },
};

const { $schema: _draft, title: _title, ...limitsFile } = limitsFileJsonSchema();

const INBOX_RULES = 'gateway.inbox.rules';
const { $schema: _newer, ...rulesFile } = rulesFileJsonSchema();
/** Its references point to its own definitions, wherever it stands. */
const inboxRules = JSON.parse(JSON.stringify(rulesFile).replaceAll('"#/$defs/', `"#/properties/${INBOX_RULES.replaceAll('.', '/properties/')}/$defs/`)) as Schema;

const BY_PATH: Readonly<Record<string, Schema>> = {
  'global.imagePullSecrets': { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'object', required: ['name'] }] } },
  commonLabels: textMap,
  logLevel: oneOf('debug', 'info', 'warn', 'error'),
  'image.pullPolicy': oneOf('IfNotPresent', 'Always', 'Never'),
  'gateway.service.type': oneOf('ClusterIP', 'NodePort', 'LoadBalancer'),
  'gateway.service.nodePort': { type: ['integer', 'null'], minimum: 1, maximum: 65_535 },
  'gateway.service.externalTrafficPolicy': oneOf('Cluster', 'Local', '', null),
  'gateway.service.loadBalancerClass': { type: ['string', 'null'] },
  'gateway.mediaAccess': oneOf('open', 'site'),
  'gateway.cacheEpoch': whole(0, 1_000_000_000),
  'gateway.cacheMemoryBytes': whole(MiB, 64 * GiB),
  'gateway.cacheRedisBytes': whole(MiB, 1_024 * GiB),
  'gateway.limits': limitsFile,
  'gateway.inbox.mode': oneOf(...INBOX_MODES),
  'gateway.inbox.ldSignatures': oneOf('strict', 'reject', 'pass'),
  'gateway.inbox.dateSkewSeconds': whole(30, INBOX_LIMITS.dateSkewS),
  'gateway.inbox.capturePercent': whole(0, 100),
  [INBOX_RULES]: inboxRules,
  'gateway.inbox.verify.unavailable': oneOf('pass', 'retry'),
  'fetcher.plainHttp': oneOf('upgrade', 'allow', 'deny'),
  'egressProxy.mode': oneOf('enforce', 'report'),
  'egressProxy.tunnels.max': whole(1, 65_536),
  'egressProxy.tunnels.perHost': whole(1, 65_536),
  'egressProxy.tunnels.bytesMax': whole(64 * KiB, 1_024 * GiB),
  'imageWorker.slots': whole(1, 64),
  'imageWorker.isolation': oneOf('site', 'image'),
  'imageWorker.sandbox.mode': oneOf('require', 'best-effort'),
  'redis.work.bytesMax': whole(32 * MiB, 64 * GiB),
  'redis.evaluation.maxmemory': { type: ['string', 'integer'] },
  'misskey.mode': oneOf('external', 'managed'),
  'misskey.managed.uid': whole(1, 4_294_967_294),
  'misskey.managed.configFormat': oneOf('json', 'yaml'),
  'misskey.managed.redis.db': whole(0, 1_023),
  'misskey.managed.config': anyMap,
  'misskey.managed.secretConfig': {
    type: 'array',
    items: {
      type: 'object',
      properties: { path: { type: 'string' }, secret: { type: 'string' }, key: { type: 'string' } },
      required: ['path', 'secret', 'key'],
      additionalProperties: false,
    },
  },
  'misskey.managed.networkPolicyEgress': {
    type: 'array',
    items: { type: 'object', properties: { peers, ports }, required: ['peers'], additionalProperties: false },
  },
  'misskey.managed.drive.kind': oneOf('pvc', 'objectStorage'),
  'misskey.managed.drive.accessMode': oneOf('ReadWriteOnce', 'ReadWriteOncePod', 'ReadWriteMany'),
  'cluster.listenHost': oneOf('0.0.0.0', '::'),
  'cluster.ipFamilyPolicy': oneOf('', 'SingleStack', 'PreferDualStack', 'RequireDualStack'),
  extraObjects: { type: 'array', items: { type: ['object', 'string'] } },
};

/** Rule for a value; undefined: its default says it. */
export const ruleFor = (path: string): Schema | undefined => BY_PATH[path] ?? BY_NAME[path.slice(path.lastIndexOf('.') + 1)];

/** Paths that rules exist for; one that no value has is a typo. */
export const RULE_PATHS: readonly string[] = Object.keys(BY_PATH);

/** By the type of the default. */
export function ruleOfDefault(fallback: unknown): Schema {
  if (typeof fallback === 'string') return { type: 'string' };
  if (typeof fallback === 'boolean') return { type: 'boolean' };
  if (typeof fallback === 'number') return { type: 'integer', minimum: 0 };
  if (Array.isArray(fallback)) return texts;
  throw new TypeError('no rule for a default that says nothing');
}

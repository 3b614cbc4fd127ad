// No secret in a place that everybody who may look at a Deployment can read.

import { ENVIRONMENT, type EnvironmentName, type EnvironmentRow } from '@sekisho/contracts';
import { componentOf, containersOf, nameOf, type KubeObject } from '../../scripts/chart/documents.ts';
import { SERVICES } from '../../scripts/images/service.ts';
import { type Check, podCheck } from './check.ts';

/** Words whose value is a secret when they are a key. */
const KEY = /(?:^|[_.-])(?:pass(?:word|wd)?|token|secret|api-?key|private-?key|credentials?)(?:$|[_.-])/i;
const LITERALS: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'a URL with a password', pattern: /\b[a-z][a-z0-9+.-]*:\/\/[^\s/@:]*:[^\s/@${]+@/i },
  { what: 'a private key', pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----/ },
  { what: 'a Redis password', pattern: /^\s*(?:requirepass|masterauth)\s+\S|^\s*user\s+\S+.*\s>\S/m },
  { what: 'a password in a configuration', pattern: /^\s*(?:pass|password|secretKey|accessKey)\s*:\s*["']?[^\s"'$<#{][^\n]*$/m },
];

const literalsIn = (text: string): readonly string[] => LITERALS.flatMap(({ what, pattern }) => (pattern.test(text) ? [what] : []));

function configMapProblems(object: KubeObject): readonly string[] {
  if (object.kind !== 'ConfigMap') return [];
  return Object.entries(object.data ?? {}).flatMap(([key, value]) => {
    // Programs may speak of secrets; only data must hold none.
    const named = KEY.test(key) && !/\.(?:[cm]?[jt]s|sh)$/.test(key) ? ['the key names a secret'] : [];
    return [...named, ...(/\.(?:[cm]?[jt]s)$/.test(key) ? [] : literalsIn(value))].map((problem) => `${nameOf(object)}: ${key}: ${problem}`);
  });
}

/** The chart writes no Secret: what it would write would stand in the release's record and change at each render. */
const secretProblems = (object: KubeObject): readonly string[] =>
  object.kind === 'Secret' && Object.keys({ ...object.data, ...object.stringData }).length > 0 ? [`${nameOf(object)}: a Secret with content is rendered`] : [];

const rowOf = (name: string): EnvironmentRow | undefined => ENVIRONMENT[name as EnvironmentName];

const environmentProblems = podCheck('no secret in the environment', (pod) =>
  containersOf(pod).flatMap(({ name, env, envFrom, args, command }) => [
    ...((envFrom ?? []).length > 0 ? [`container ${name}: envFrom hides what it sets`] : []),
    ...(env ?? []).flatMap((variable) => {
      const isSecret = !variable.name.endsWith('_FILE') && (rowOf(variable.name)?.secret === true || KEY.test(variable.name));
      const bad = isSecret || variable.valueFrom?.secretKeyRef !== undefined || literalsIn(variable.value ?? '').length > 0;
      return bad ? [`container ${name}: ${variable.name} is a secret`] : [];
    }),
    ...[...(command ?? []), ...(args ?? [])].flatMap((text) => literalsIn(text).map((what) => `container ${name}: ${what} in its arguments`)),
  ]),
);

/** A name the service does not know stops it; a name of another service says that the template was copied. */
const knownNames = podCheck('known environment', (pod) => {
  // A container has the name of its service: a pod may have the DNS filter besides its own.
  return containersOf(pod).flatMap(({ name: container, env }) => {
    const service = SERVICES.find((name) => name === container);
    return (env ?? []).flatMap(({ name }) => {
      if (!name.startsWith('SEKISHO_') || service === undefined) return [];
      const row = rowOf(name);
      if (row === undefined) return [`${name} is not known`];
      return row.services.includes(service) ? [] : [`${name} is not a variable of the ${service}`];
    });
  });
});

/** What each service may see of the Secrets (docs/security-model.md): a decoder that is taken over must find nothing else. */
const SECRET_FILES: Readonly<Record<string, readonly string[]>> = {
  gateway: ['internal-token', 'cache-key', 'isolation-key', 'gateway-url', 'actor-key', 'database-url'],
  fetcher: ['internal-token', 'fetcher-url'],
  'image-worker': ['image-worker-url'],
  'egress-proxy': ['credentials'],
};

const mountedSecrets = podCheck('mounted secrets', (pod) => {
  const allowed = SECRET_FILES[componentOf(pod.metadata) ?? ''];
  if (allowed === undefined) return [];
  const sources = (pod.spec.volumes ?? []).flatMap(({ secret, projected }) => [secret, ...(projected?.sources ?? []).map((source) => source.secret)]);
  return sources.flatMap((source) => {
    if (source === undefined) return [];
    if ((source.items ?? []).length === 0) return [`the whole Secret ${source.secretName ?? source.name ?? ''} is mounted`];
    return (source.items ?? []).flatMap(({ key }) => (allowed.includes(key) ? [] : [`mounts the key ${key}`]));
  });
});

export const SECRET_CHECKS: readonly Check[] = [
  { name: 'no secret in a ConfigMap', problems: (objects) => objects.flatMap(configMapProblems) },
  { name: 'no Secret with content', problems: (objects) => objects.flatMap(secretProblems) },
  environmentProblems,
  knownNames,
  mountedSecrets,
];


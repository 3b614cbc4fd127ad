// What a kubelet makes of a rendered container: its environment and the files of its volumes, put below a folder.

import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Container, containersOf, type EnvVar, type KubeObject, type Pod, podsOf, type Volume } from '../../scripts/chart/documents.ts';
import { ROOT } from '../../scripts/chart/helm.ts';
import type { Service } from '../../scripts/images/service.ts';
import { filesOf } from './volumes.ts';

export interface Launch {
  readonly service: Service;
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly mounts: readonly string[];
}

const CHECK_MS = 30_000;
/** What the downward API would say on a node of the test cluster. */
const FIELDS: Readonly<Record<string, string>> = {
  'status.hostIPs': '172.31.0.10,fd00:31::10',
  'status.hostIP': '172.31.0.10',
  'status.podIPs': '10.88.0.7,fd00:88::7',
  'status.podIP': '10.88.0.7',
  'spec.nodeName': 'node',
  'metadata.name': 'pod',
  'metadata.namespace': 'social',
};
/** What the kubelet always adds. */
const ALWAYS = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
const KEY = 'k'.repeat(44);

/** `$(NAME)` stands for a variable before it; an unknown one stays as it is. */
function expand(list: readonly EnvVar[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { name, value = '', valueFrom } of list) {
    const field = valueFrom?.fieldRef?.fieldPath;
    if (field !== undefined && FIELDS[field] === undefined) throw new Error(`unknown field ${field}`);
    values[name] = field === undefined ? value.replaceAll(/\$\(([\w.-]+)\)/g, (text, other: string) => values[other] ?? text) : (FIELDS[field] ?? '');
  }
  return values;
}

/** Made once: it takes a moment. */
let actorKey: string | undefined;
function newActorKey(): string {
  actorKey ??= generateKeyPairSync('rsa', { modulusLength: 2_048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } }).privateKey;
  return actorKey;
}

function secretText(key: string): string {
  if (key === 'actor-key') return newActorKey();
  if (key === 'credentials') return `misskey:${KEY}\n`;
  const password = 'p'.repeat(43);
  if (key === 'database-url') return `postgres://sekisho_inbox:${password}@postgres.social.svc:5432/misskey\n`;
  return key.endsWith('-url') ? `redis://sekisho-user:${password}@redis.social.svc:6379/0` : KEY;
}

/** Content of ConfigMaps that the user makes. */
const GIVEN: Readonly<Record<string, string>> = { cidrs: '198.51.100.0/24\n2001:db8::/32\n', 'ca.crt': '-----BEGIN CERTIFICATE-----\n', 'rules.yaml': '{}\n' };

function textsOf(volume: Volume, objects: readonly KubeObject[]): readonly { readonly path: string; readonly text: string }[] {
  if (volume.emptyDir !== undefined) return [];
  if (volume.secret !== undefined) return (volume.secret.items ?? []).map(({ key, path }) => ({ path, text: secretText(key) }));
  const data = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === volume.configMap?.name)?.data ?? GIVEN;
  return (filesOf(volume, objects) ?? Object.keys(data)).map((path) => ({ path, text: data[path] ?? '' }));
}

/** Every container of a service: its own, or the DNS filter beside others. */
export const launchesOf = (service: Service, objects: readonly KubeObject[]): readonly Launch[] =>
  podsOf(objects).flatMap((pod) => containersOf(pod).filter(({ name }) => name === service).map((container) => launch(service, { pod, container, objects })));

/** @throws Error when the service is not rendered. */
export function launchOf(service: Service, objects: readonly KubeObject[]): Launch {
  const [first] = launchesOf(service, objects);
  if (first === undefined) throw new Error(`no ${service} is rendered`);
  return first;
}

interface Rendered {
  readonly pod: Pod;
  readonly container: Container;
  readonly objects: readonly KubeObject[];
}

function launch(service: Service, { pod, container, objects }: Rendered): Launch {
  const mounts = container.volumeMounts ?? [];
  const files = mounts.flatMap(({ name, mountPath }) => textsOf(volumeOf(pod, name), objects).map(({ path, text }) => ({ path: `${mountPath}/${path}`, text })));
  return { service, env: { ...ALWAYS, ...expand(container.env ?? []) }, files, mounts: mounts.map(({ mountPath }) => mountPath) };
}

function volumeOf(pod: Pod, name: string): Volume {
  const volume = pod.spec.volumes?.find((one) => one.name === name);
  if (volume === undefined) throw new Error(`${pod.owner} has no volume ${name}`);
  return volume;
}

/** Writes the files of a launch below a folder of its own, which the caller removes. */
export function place({ env, files, mounts }: Launch): { readonly folder: string; readonly env: Readonly<Record<string, string>> } {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-launch-'));
  for (const { path, text } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const moved = Object.entries(env).map(([name, value]) => [name, mounts.some((mount) => value.startsWith(`${mount}/`)) ? join(folder, value) : value]);
  return { folder, env: Object.fromEntries(moved) as Record<string, string> };
}

/** The program itself with --check-config. */
export function checkConfig(service: Service, env: Readonly<Record<string, string>>): { readonly status: number; readonly output: string } {
  const main = join(ROOT, 'services', service, 'src/main.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, '--check-config'], {
    cwd: tmpdir(), encoding: 'utf8', timeout: CHECK_MS, env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  return { status: status ?? 1, output: `${stdout}${stderr}` };
}

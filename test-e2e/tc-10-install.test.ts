// A user's first minutes: helm install, a picture, a video, a page and a WebSocket through the gateway, helm test, and
// what is left after helm uninstall. The release is called `sekisho`: with service links its environment would be full of
// names that the services refuse.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PICTURES, makeStream } from '@sekisho/testkit';
import { type Client, clientPod } from './lib/client-pod.ts';
import { type Manifest, list } from './lib/cluster.ts';
import { until } from './lib/deadline.ts';
import { describeWithInternet, publish } from './lib/internet.ts';
import { type Misskey, startMisskey } from './lib/misskey/misskey.ts';
import { type Sekisho, WITH_EGRESS, dropNamespaces, installSekisho, removeNamespace } from './lib/sekisho.ts';

const INSTALL_MS_MAX = 90_000;
const NAMESPACE = 'sekisho';
let client: Client;
let misskey: Misskey;
let sekisho: Sekisho;

beforeAll(async () => {
  await removeNamespace(NAMESPACE);
  [client, misskey] = await Promise.all([clientPod(), startMisskey({ 'hello.txt': Buffer.from('hello from the drive') })]);
  sekisho = await installSekisho({ misskey, hasDefaultResources: true, values: WITH_EGRESS });
  // kube-proxy writes at most once in a second, and an unknown name is remembered for 5 s.
  await until(async () => (await client.ask(`${sekisho.url}/`, { timeoutMs: 3_000 })).status === 200, { what: 'the first page', timeoutMs: 30_000 });
}, 240_000);
afterAll(async () => {
  await dropNamespaces(NAMESPACE);
});

describe('helm install', () => {
  it('is ready in less than 90 s, and nothing has had to start twice', async () => {
    expect(sekisho.readyMs).toBeLessThan(INSTALL_MS_MAX);
    const components = ['gateway', 'fetcher', 'image-worker', 'egress-proxy', 'redis-state', 'redis-work'] as const;
    const pods = (await Promise.all(components.map((component) => sekisho.pods(component)))).flat();
    expect(pods.map(({ isReady, restarts }) => ({ isReady, restarts }))).toEqual(Array.from({ length: 10 }, () => ({ isReady: true, restarts: 0 })));
  });
});

describe('through the gateway', () => {
  it('passes a page and a file of the drive', async () => {
    const page = await client.ask(`${sekisho.url}/`);
    expect([page.status, Buffer.from(page.body, 'base64').toString()]).toEqual([200, expect.stringContaining('<title>Misskey</title>')]);
    const file = await client.ask(`${sekisho.url}/files/hello`);
    expect([file.status, Buffer.from(file.body, 'base64').toString()]).toEqual([200, 'hello from the drive']);
    expect((await misskey.requests()).some(({ url }) => url === '/files/hello')).toBe(true);
  });

  it('passes a WebSocket', async () => {
    expect(await client.webSocket(`${sekisho.url.replace('http', 'ws')}/streaming`, 'through the gate')).toBe('through the gate');
  });
});

describeWithInternet('media of strangers', () => {
  it('transforms a picture once for everybody', async () => {
    const picture = PICTURES['png-emoji'];
    const published = await publish(await picture.bytes(), { type: picture.type });
    const first = await client.ask(sekisho.media(published.url, 'emoji=1'));
    expect([first.status, first.headers['content-type']]).toEqual([200, 'image/webp']);
    const second = await client.ask(sekisho.media(published.url, 'emoji=1'));
    expect([second.status, second.sha256]).toEqual([200, first.sha256]);
    expect(await published.hits()).toBe(1);
  });

  it('streams a video whole and by range', async () => {
    const video = makeStream('video/webm', 3_000_000);
    const published = await publish(video, { type: 'video/webm', ranges: true, etag: '"v1"' });
    const whole = await client.ask(sekisho.media(published.url));
    expect([whole.status, whole.bytes, whole.isComplete]).toEqual([200, video.length, true]);
    const part = await client.ask(sekisho.media(published.url), { headers: { range: 'bytes=1000000-1000999' } });
    expect([part.status, part.headers['content-range'], part.body]).toEqual([206, `bytes 1000000-1000999/${video.length}`, video.subarray(1_000_000, 1_001_000).toString('base64')]);
  });

  it('refuses what a name server says is private', async () => {
    const reply = await client.ask(sekisho.media('https://private.origin.example/a.png'));
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(reply.headers['sekisho-code']).toBeDefined();
  });
});

describe('helm test', () => {
  it('passes', async () => {
    expect(await sekisho.helm(['test', sekisho.release, '--timeout', '150s'])).toMatch(/Phase: +Succeeded/);
  }, 200_000);
});

describe('helm uninstall', () => {
  it('leaves nothing but the Secrets that are kept on purpose', async () => {
    await sekisho.uninstall();
    const left = await until(async () => {
      const found = await leftovers();
      return found.every((name) => name.startsWith('Secret ')) && found;
    }, { what: 'the end of all objects', timeoutMs: 60_000 }).catch(leftovers);
    expect(left).toEqual([`Secret ${NAMESPACE}-keys`, `Secret ${NAMESPACE}-redis-state`, `Secret ${NAMESPACE}-redis-work`]);
  });
});

const KINDS: readonly (readonly [string, string])[] = [
  ...['ConfigMap', 'Endpoints', 'PersistentVolumeClaim', 'Pod', 'Secret', 'Service', 'ServiceAccount'].map((kind) => ['v1', kind] as const),
  ...['DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet'].map((kind) => ['apps/v1', kind] as const),
  ['autoscaling/v2', 'HorizontalPodAutoscaler'], ['batch/v1', 'Job'], ['batch/v1', 'CronJob'], ['discovery.k8s.io/v1', 'EndpointSlice'],
  ['networking.k8s.io/v1', 'Ingress'], ['networking.k8s.io/v1', 'NetworkPolicy'], ['policy/v1', 'PodDisruptionBudget'],
  ['rbac.authorization.k8s.io/v1', 'Role'], ['rbac.authorization.k8s.io/v1', 'RoleBinding'],
];
/** What every namespace has. */
const OWN_TO_NAMESPACES = new Set(['ConfigMap kube-root-ca.crt', 'ServiceAccount default']);

/** Objects of the namespace, and those of the release that belong to no namespace. */
async function leftovers(): Promise<readonly string[]> {
  const labels = `app.kubernetes.io/instance=${sekisho.release}`;
  const listed = await Promise.all([
    ...KINDS.map(([apiVersion, kind]) => list({ apiVersion, kind, namespace: NAMESPACE })),
    ...['ClusterRole', 'ClusterRoleBinding'].map((kind) => list({ apiVersion: 'rbac.authorization.k8s.io/v1', kind, labels })),
  ]);
  return listed.flat().map(({ kind, metadata }: Manifest) => `${kind} ${metadata.name}`).filter((name) => !OWN_TO_NAMESPACES.has(name)).toSorted();
}

// The chart runs Misskey itself: an image with Misskey's layout and the stub as its server, its database and Redis stand-ins
// in another namespace. The migration comes first, secrets are in Secrets alone, and Misskey reaches its two stores and
// nothing else.

import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PICTURES } from '@sekisho/testkit';
import { type Client, clientPod } from './lib/client-pod.ts';
import { type Manifest, type Pod, apply, exec, list, logsOf, namespace, podsOf, read, readyPodOf, remove, startRemoving } from './lib/cluster.ts';
import { context } from './lib/context.ts';
import { until } from './lib/deadline.ts';
import type { Asked, StoreOrder } from './lib/in-pod/store.ts';
import { publish } from './lib/internet.ts';
import type { Misskey } from './lib/misskey/misskey.ts';
import { nodeDeployment, sourceFiles } from './lib/node-pod.ts';
import { startListener } from './lib/policy/listener.ts';
import { outsideTargets, podsByComponent, releaseTargets } from './lib/policy/targets.ts';
import { type Reach, reachOf } from './lib/policy/probe.ts';
import { deployment, waitReady } from './lib/ready.ts';
import { type Sekisho, dropNamespaces, image, installSekisho, removeNamespace } from './lib/sekisho.ts';

const NAMESPACE = 'e2e-managed';
const DATA_NAMESPACE = 'e2e-managed-data';
const STRANGER_NAMESPACE = 'e2e-managed-stranger';
const DATABASE_PORT = 5_432;
const REDIS_PORT = 6_379;
const SEEN_PORT = 7_000;
/** Misskey's user; its files on the node belong to it. */
const MISSKEY_UID = 991;
const DRIVE_FOLDER = '/var/lib/kubelet/e2e-managed-drive';
const ONE = { replicas: 1, resources: { requests: { cpu: '20m', memory: '64Mi' } } };
const PEERS = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': DATA_NAMESPACE } }, podSelector: { matchLabels: { app: 'store' } } }];

/** Characters that a careless template would break on. */
const secret = (name: string): string => `${name}-"'\\{{$&: #\n-${randomBytes(12).toString('hex')}`;
const passwords = { database: secret('database'), redis: secret('redis'), setup: secret('setup') };

let client: Client;
let sekisho: Sekisho;
let store: Pod;

const secretObject = (name: string, stringData: Readonly<Record<string, string>>): Manifest =>
  ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: NAMESPACE }, type: 'Opaque', stringData });

/** A cluster without storage classes: a volume on the node for exactly the claim that the chart makes. */
const drive: Manifest = {
  apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'e2e-managed-drive' },
  spec: {
    capacity: { storage: '20Gi' }, accessModes: ['ReadWriteOnce'], persistentVolumeReclaimPolicy: 'Retain', storageClassName: '',
    claimRef: { namespace: NAMESPACE, name: 'sekisho-misskey-files' }, hostPath: { path: DRIVE_FOLDER, type: 'Directory' },
  },
};

async function startStore(): Promise<Pod> {
  const order: StoreOrder = { database: { port: DATABASE_PORT, user: 'misskey', pass: passwords.database }, redis: { port: REDIS_PORT, pass: passwords.redis }, seenPort: SEEN_PORT };
  await apply(
    namespace(DATA_NAMESPACE), sourceFiles('store-files', DATA_NAMESPACE, 'test-e2e/lib/in-pod/store.ts'),
    nodeDeployment({
      name: 'store', namespace: DATA_NAMESPACE, files: 'store-files', args: ['/work/store.ts', JSON.stringify(order)],
      ports: { database: DATABASE_PORT, redis: REDIS_PORT, seen: SEEN_PORT }, readiness: { httpGet: { port: 'seen' } },
    }),
    ...(['database', 'redis'] as const).map((name): Manifest => ({
      apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: DATA_NAMESPACE },
      spec: { selector: { app: 'store' }, ports: [{ port: name === 'redis' ? REDIS_PORT : DATABASE_PORT, targetPort: name }] },
    })),
  );
  await waitReady(deployment(DATA_NAMESPACE, 'store'));
  const pod = await readyPodOf(DATA_NAMESPACE, 'app=store');
  if (pod === undefined) throw new Error('no store');
  return pod;
}

const managed = {
  image: image('misskey-like'),
  database: { host: `database.${DATA_NAMESPACE}.svc`, existingSecret: 'misskey-database', networkPolicyPeers: PEERS },
  redis: { host: `redis.${DATA_NAMESPACE}.svc`, existingSecret: 'misskey-redis', networkPolicyPeers: PEERS },
  setupPassword: { existingSecret: 'misskey-setup' },
  web: ONE, queue: ONE, migration: { resources: ONE.resources },
};

const asked = async (): Promise<readonly Asked[]> =>
  await (await fetch(`http://${store.ip}:${SEEN_PORT}/`, { signal: AbortSignal.timeout(10_000) })).json() as Asked[];
const misskeyPod = async (half: 'web' | 'queue'): Promise<Pod> => {
  const pod = await readyPodOf(NAMESPACE, `app.kubernetes.io/component=misskey-${half}`);
  if (pod === undefined) throw new Error(`no pod of misskey-${half}`);
  return pod;
};

(context().isOwn ? describe : describe.skip)('a Misskey that the chart runs', () => {
  beforeAll(async () => {
    await Promise.all([NAMESPACE, DATA_NAMESPACE, STRANGER_NAMESPACE].map(removeNamespace));
    await remove(drive);
    mkdirSync(DRIVE_FOLDER, { recursive: true });
    chownSync(DRIVE_FOLDER, MISSKEY_UID, MISSKEY_UID);
    [client, store] = await Promise.all([clientPod({ name: 'client-managed' }), startStore()]);
    await apply(
      drive, namespace(NAMESPACE),
      secretObject('misskey-database', { username: 'misskey', password: passwords.database }),
      secretObject('misskey-redis', { password: passwords.redis }),
      secretObject('misskey-setup', { 'setup-password': passwords.setup }),
    );
    // No Misskey of the tests: the chart's own takes its place.
    const none: Misskey = { url: '', namespace: NAMESPACE, peers: [], requests: async () => await Promise.resolve([]), activities: async () => await Promise.resolve([]) };
    sekisho = await installSekisho({
      namespace: NAMESPACE, misskey: none,
      values: { gateway: ONE, fetcher: ONE, imageWorker: ONE, egressProxy: { enabled: true, ...ONE }, dnsFilter: { enabled: true }, cluster: { listenHost: '::', ipFamilyPolicy: 'PreferDualStack' }, misskey: { mode: 'managed', managed } },
    });
    await until(async () => (await client.ask(`${sekisho.url}/`, { timeoutMs: 3_000 })).status === 200, { what: 'the first page', timeoutMs: 30_000 });
  }, 300_000);
  afterAll(async () => {
    await dropNamespaces(NAMESPACE, DATA_NAMESPACE, STRANGER_NAMESPACE);
    await startRemoving(drive);
  });

  it('has been prepared by the migration, with the right password, before web and queue asked for anything', async () => {
    const all = await asked();
    expect(all.every(({ isKnown }) => isKnown)).toBe(true);
    expect(all[0]).toMatchObject({ store: 'database', from: 'migration', what: 'migrate' });
    expect(all.filter(({ what }) => what === 'migrate')).toHaveLength(1);
    expect(new Set(all.map(({ store: name, from }) => `${from} ${name}`))).toEqual(new Set(['migration database', 'web database', 'web redis', 'queue database', 'queue redis']));
  });

  it('runs under `restricted` with the configuration that the init container has written', async () => {
    const { labels } = (await read({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })).metadata as { labels?: Record<string, string> };
    expect(labels?.['pod-security.kubernetes.io/enforce']).toBe('restricted');
    for (const half of ['web', 'queue'] as const) {
      const pod = await misskeyPod(half);
      expect([half, pod.restarts, await logsOf(pod, 'misskey')]).toEqual([half, 0, `${half} has started\n`]);
      const script = 'const s=fs.statSync("/misskey/built/._config_.json");console.log(JSON.stringify({config:JSON.parse(fs.readFileSync("/misskey/built/._config_.json","utf8")),mode:s.mode&0o777,uid:process.getuid()}));';
      const { stdout } = await exec(pod, ['/usr/local/bin/node', '-e', script], { container: 'misskey' });
      expect(JSON.parse(stdout)).toEqual({
        uid: MISSKEY_UID, mode: 0o400,
        config: expect.objectContaining({
          url: 'https://instance.peer.example/', port: 3_000, mediaProxy: 'https://instance.peer.example/media', setupPassword: passwords.setup,
          db: { host: managed.database.host, port: DATABASE_PORT, db: 'misskey', user: 'misskey', pass: passwords.database },
          redis: { host: managed.redis.host, port: REDIS_PORT, db: 0, pass: passwords.redis },
          proxy: `http://sekisho-egress-proxy.${NAMESPACE}.svc:3128`, proxyBypassHosts: [],
        }),
      });
    }
  });

  it('keeps what it writes to the drive on the volume', async () => {
    const write = 'fs.writeFileSync("/misskey/files/kept","by web");';
    expect((await exec(await misskeyPod('web'), ['/usr/local/bin/node', '-e', write], { container: 'misskey' })).code).toBe(0);
    const { stdout } = await exec(await misskeyPod('queue'), ['/usr/local/bin/node', '-e', 'console.log(fs.readFileSync("/misskey/files/kept","utf8"))'], { container: 'misskey' });
    expect(stdout).toBe('by web\n');
  });

  it('has no secret anywhere but in Secrets', async () => {
    const kinds: readonly (readonly [string, string])[] = [['v1', 'ConfigMap'], ['v1', 'Pod'], ['apps/v1', 'Deployment'], ['apps/v1', 'ReplicaSet'], ['batch/v1', 'Job'], ['v1', 'Event']];
    const objects = (await Promise.all(kinds.map(([apiVersion, kind]) => list({ apiVersion, kind, namespace: NAMESPACE })))).flat();
    expect(objects.length).toBeGreaterThan(15);
    const logs = await Promise.all((await podsOf(NAMESPACE)).filter(({ phase }) => phase === 'Running').map((pod) => logsOf(pod)));
    const texts = [...objects.map((object) => JSON.stringify(object)), await sekisho.helm(['get', 'all', sekisho.release]), ...logs];
    // The random end of each is enough, however the rest is escaped.
    const ends = Object.values(passwords).map((password) => password.slice(-24));
    expect(texts.filter((text) => ends.some((end) => text.includes(end))).map((text) => text.slice(0, 200))).toEqual([]);
    // The control: the same search finds them where they are.
    const secrets = (await list({ apiVersion: 'v1', kind: 'Secret', namespace: NAMESPACE })).flatMap(({ data }) => Object.values((data ?? {}) as Record<string, string>));
    expect(ends.every((end) => secrets.some((value) => Buffer.from(value, 'base64').toString().includes(end)))).toBe(true);
  });

  it('is reached through the gateway: page, file of the drive, media', async () => {
    const page = await client.ask(`${sekisho.url}/`);
    expect([page.status, Buffer.from(page.body, 'base64').toString()]).toEqual([200, expect.stringContaining('<title>Misskey</title>')]);
    const file = await client.ask(`${sekisho.url}/files/hello`);
    expect([file.status, Buffer.from(file.body, 'base64').toString()]).toEqual([200, 'from the drive']);
    const picture = PICTURES['png-emoji'];
    const published = await publish(await picture.bytes(), { type: picture.type });
    expect(await client.ask(sekisho.media(published.url, 'emoji=1'))).toMatchObject({ status: 200, headers: { 'content-type': 'image/webp' } });
  });

  it('reaches a public host by its own client stack through the egress-proxy, and not past it', async () => {
    const ca = readFileSync(context().internet?.caFile ?? '', 'utf8');
    const published = await publish(Buffer.from('{"type":"Note"}'), { type: 'application/activity+json' });
    const misskey = await misskeyPod('queue');
    const ask = async (way: 'proxy' | 'direct', url: string): Promise<string> => {
      const { code, stdout, stderr } = await exec(misskey, ['/usr/local/bin/node', '/misskey/packages/backend/built/client.ts', way, url, ca], { container: 'misskey', timeoutMs: 40_000 });
      if (code !== 0) throw new Error(stderr.slice(-2_000));
      return stdout.trim();
    };
    await until(async () => (await ask('proxy', published.url)).startsWith('200'), { what: 'a page by the proxy', timeoutMs: 60_000 });
    const before = await published.hits();
    expect(before).toBeGreaterThan(0);
    expect(await ask('direct', published.url)).toMatch(/^(?:ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|AbortError)/);
    expect(await published.hits()).toBe(before);
    // What leads inside is no target for the proxy, by name, by address and by plain http.
    for (const url of ['https://kubernetes.default.svc.cluster.local/', 'https://api.origin.example/', 'https://10.96.0.1/', published.url.replace('https:', 'http:')]) {
      expect([url, await ask('proxy', url)]).toEqual([url, expect.stringMatching(/40[03]|50\d/)]);
    }
  });

  it('reaches its database, its Redis, the name server and its proxy, and nothing else', async () => {
    const [stranger, neighbour] = await Promise.all([startListener({ name: 'stranger', namespace: STRANGER_NAMESPACE }), startListener({ name: 'neighbour', namespace: NAMESPACE })]);
    const others = (await outsideTargets({ misskey: store, stranger, neighbour })).filter(({ name }) => !name.includes('isskey'));
    const inside = releaseTargets(await podsByComponent(sekisho));
    const [web, queue] = await Promise.all([misskeyPod('web'), misskeyPod('queue')]);
    const at = (name: string, { ips }: Pod, port: number): readonly { name: string; host: string; port: number }[] => ips.map((host) => ({ name, host, port }));
    const common = [...at('database', store, DATABASE_PORT), ...at('Redis', store, REDIS_PORT), ...at('another port of the database', store, SEEN_PORT), ...others, ...inside];
    const targets = { web: common, queue: [...common, ...at('the other half', web, 3_000)] };
    const look = async (): Promise<Readonly<Record<'web' | 'queue', Reach>>> => {
      const [fromWeb, fromQueue] = await Promise.all([reachOf(web, targets.web), reachOf(queue, targets.queue)]);
      return { web: fromWeb, queue: fromQueue };
    };
    const allowed = ['Redis', 'database', 'dns by tcp', 'dns by udp', 'egress-proxy:3128'];
    const held = await look();
    for (const half of ['web', 'queue'] as const) {
      expect([half, held[half].odd, held[half].open]).toEqual([half, [], allowed]);
      expect(held[half].refused.length).toBe(new Set(targets[half].map(({ name }) => name)).size - allowed.length);
    }
    // The control: without policies all of it answers.
    await remove(...(await list({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', namespace: NAMESPACE })));
    await until(async () => {
      const free = await look();
      return [free.web, free.queue].every(({ refused, odd }) => refused.length === 0 && odd.length === 0);
    }, { what: 'every target to answer without policies', timeoutMs: 30_000 });
    process.stderr.write(`managed Misskey: ${held.web.open.length + held.queue.open.length} pairs open, ${held.web.refused.length + held.queue.refused.length} refused\n`);
  });
});

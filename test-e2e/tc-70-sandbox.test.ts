// The walls around a decoder on a node: which an image-worker has with the chart's defaults, and what whoever has taken over a
// decoder of that pod can do, under the runtime's seccomp profile and under our own in a file on the node. The image is the
// image-worker's with the attacks in a folder beside it; pod and namespace are as a user has them.

import { constants } from 'node:os';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { PICTURES } from '@sekisho/testkit';
import { type Client, clientPod } from './lib/client-pod.ts';
import { type Pod, exec, read } from './lib/cluster.ts';
import { until } from './lib/deadline.ts';
import { describeWithInternet, publish } from './lib/internet.ts';
import { startMisskey } from './lib/misskey/misskey.ts';
import { INSTALLER_NAMESPACE, type SeccompProfile, seccompProfile } from './lib/seccomp-profile.ts';
import { QUICK_END, type Sekisho, dropNamespaces, image, installSekisho, removeNamespace } from './lib/sekisho.ts';

const NAMESPACE = 'e2e-sandbox';
const NODE = '/usr/local/bin/node';
const PROBE = '/app/test-sandbox/probe';
const LAUNCHER = '/app/services/image-worker/launcher/build/launcher';
const ONE = { replicas: 1, resources: { requests: { cpu: '20m', memory: '64Mi' } } };
const ATTEMPTS_MIN = 61;
/** The kubelet looks again every 10 s, here; elsewhere every minute. */
const FILE_SEEN_MS_MAX = 90_000;
let client: Client;
let sekisho: Sekisho;
let profile: SeccompProfile;

async function inPod(pod: Pod, argv: readonly string[], timeoutMs = 30_000): Promise<string> {
  const { code, stdout, stderr } = await exec(pod, argv, { timeoutMs });
  if (code !== 0) throw new Error(`${argv[0]} ended with ${code} in ${pod.name}: ${stderr.slice(-2_000)}`);
  return stdout;
}
const script = async (pod: Pod, text: string): Promise<string> => (await inPod(pod, [NODE, '--input-type=module', '-e', text])).trim();
const ops = async (pod: Pod, path: string): Promise<string> => await script(pod, `console.log(await (await fetch('http://127.0.0.1:9090${path}')).text())`);

/** The pod that serves. */
async function worker(): Promise<Pod> {
  const pod = (await sekisho.pods('image-worker')).find(({ isReady }) => isReady);
  if (pod === undefined) throw new Error('no image-worker is ready');
  return pod;
}

/** By the version of Landlock that the node's kernel has, as the launcher hears it inside the pod. */
async function expectedLayers(pod: Pod): Promise<Readonly<Record<string, boolean>>> {
  const { landlock, seccomp } = JSON.parse(await inPod(pod, [LAUNCHER, '--probe'])) as { landlock: number; seccomp: boolean };
  return {
    no_new_privs: true, limits: true, descriptors: true, environment: true,
    landlock_files: landlock >= 1, landlock_tcp: landlock >= 4, landlock_scopes: landlock >= 6, seccomp, apparmor: false,
  };
}

/** What the worker itself gets when it asks for a netlink socket, which getifaddrs does. */
const NETLINK = `import { networkInterfaces } from 'node:os';
  try { console.log('lo' in networkInterfaces() ? 'allowed' : 'nothing'); } catch (error) { console.log('errno', Math.abs(error.errno)); }`;

interface Summary {
  readonly held: boolean;
  readonly attempts: number;
  readonly succeeded: readonly string[];
  readonly wrong: readonly string[];
}

/** Every attempt of test-sandbox in decoders of this pod, started as the worker starts them. */
async function attack(pod: Pod, ...options: readonly string[]): Promise<Summary> {
  const { stdout, stderr } = await exec(pod, [NODE, `${PROBE}/run.ts`, '--build', `${PROBE}/built`, ...options], { timeoutMs: 120_000 });
  const last = stdout.trim().split('\n').at(-1) ?? '';
  if (!last.startsWith('{"summary":')) throw new Error(`the attack did not come to its end: ${stderr.slice(-2_000)}`);
  return (JSON.parse(last) as { readonly summary: Summary }).summary;
}
const NOTHING = { held: true, succeeded: [], wrong: [] };
/** The controls: with walls of the decoder taken away, attempts succeed in the same pod. */
const WITHOUT_OWN_WALLS = ['--without', 'landlock_files,seccomp', '--only', 'redis_password,tcp_connect,socket_netlink'];

/** Of the first process of the pod, the worker itself. */
async function statusOf(pod: Pod): Promise<Readonly<Record<string, string>>> {
  const text = await script(pod, "import { readFileSync } from 'node:fs'; console.log(readFileSync('/proc/1/status', 'utf8'))");
  const lines = text.split('\n').flatMap((line) => (/^(?:Seccomp|NoNewPrivs|CapEff|Uid):/.test(line) ? [line.split(/:\s+/)] : []));
  return Object.fromEntries(lines.map(([key = '', value = '']) => [key, value.split('\t')[0] ?? '']));
}

/** A picture that nobody has asked for yet. */
async function pictureStatus(): Promise<readonly unknown[]> {
  const picture = PICTURES['png-emoji'];
  const published = await publish(await picture.bytes(), { type: picture.type });
  const reply = await client.ask(sekisho.media(published.url, 'emoji=1'));
  return [reply.status, reply.headers['content-type'], reply.headers['sekisho-cache']];
}
const say = (under: string, { attempts, succeeded, wrong }: Summary): void =>
  void process.stderr.write(`under ${under}: ${attempts} attempts, ${succeeded.length} succeeded ${succeeded.join(' ')} ${wrong.join(', ')}\n`);
const DECODED = [200, 'image/webp', 'miss'];
const UNPRIVILEGED = { Seccomp: '2', NoNewPrivs: '1', CapEff: '0000000000000000', Uid: '10001' };

async function waitingOf(pod: Pod): Promise<{ readonly reason?: string; readonly message?: string }> {
  const { status } = (await read({ apiVersion: 'v1', kind: 'Pod', metadata: { name: pod.name, namespace: pod.namespace } })) as unknown as { status: { containerStatuses?: readonly { state: { waiting?: { reason: string; message?: string } } }[] } };
  return status.containerStatuses?.[0]?.state.waiting ?? {};
}

describeWithInternet('the sandbox of the decoders', () => {
  beforeAll(async () => {
    await Promise.all([removeNamespace(NAMESPACE), removeNamespace(INSTALLER_NAMESPACE)]);
    const [misskey, pod] = await Promise.all([startMisskey(), clientPod({ name: 'client-sandbox' })]);
    client = pod;
    profile = seccompProfile();
    sekisho = await installSekisho({
      namespace: NAMESPACE, misskey,
      values: { gateway: { ...ONE, ...QUICK_END }, fetcher: { ...ONE, ...QUICK_END }, imageWorker: { ...ONE, image: image('image-worker-probe') } },
    });
    await until(async () => (await client.ask(`${sekisho.url}/`, { timeoutMs: 3_000 })).status === 200, { what: 'the first page', timeoutMs: 30_000 });
  }, 240_000);
  afterAll(async () => {
    await dropNamespaces(NAMESPACE, INSTALLER_NAMESPACE);
  });

  it('is demanded by default, and says of itself what it is made of', async () => {
    const pod = await worker();
    const layers = await expectedLayers(pod);
    expect(layers).toMatchObject({ landlock_files: true, seccomp: true });
    expect(JSON.parse(await ops(pod, '/readyz'))).toMatchObject({ ready: true, sandbox: layers });
    const metrics = (await ops(pod, '/metrics')).matchAll(/^sekisho_image_worker_sandbox_layer\{layer="(\w+)"\} ([01])$/gm);
    expect(Object.fromEntries([...metrics].map(([, layer, value]) => [layer, value === '1']))).toEqual(layers);
    expect(await statusOf(pod)).toEqual(UNPRIVILEGED);
    expect(await pictureStatus()).toEqual(DECODED);
  });

  it('leaves an attacker nothing under the profile of the runtime', async () => {
    const pod = await worker();
    const summary = await attack(pod);
    say('the profile of the runtime', summary);
    expect(summary).toMatchObject(NOTHING);
    expect(summary.attempts).toBeGreaterThanOrEqual(ATTEMPTS_MIN);
    expect((await attack(pod, ...WITHOUT_OWN_WALLS)).succeeded).toEqual(['redis_password', 'tcp_connect', 'socket_netlink']);
    // What our own profile is for: the worker may do more here than it ever does.
    expect(await script(pod, NETLINK)).toBe('allowed');
  });

  it('waits for a profile that the node does not have, and says so', async () => {
    const before = await worker();
    await sekisho.upgrade({ imageWorker: { sandbox: { seccomp: { type: 'Localhost', localhostProfile: profile.name } } } });
    const waiting = await until(async () => {
      const next = (await sekisho.pods('image-worker')).find(({ uid }) => uid !== before.uid);
      const found = next === undefined ? {} : await waitingOf(next);
      return found.reason === 'CreateContainerError' && found;
    }, { what: 'a container that cannot be made', timeoutMs: 60_000 });
    expect(waiting.message).toMatch(/cannot load seccomp profile ".*\/seccomp\/sekisho\/image-worker-\w+\.json": .*no such file or directory/);
    expect((await worker()).uid).toBe(before.uid);
    expect(await pictureStatus()).toEqual(DECODED);
  });

  it('leaves an attacker nothing under the profile of the node, and the worker less', async () => {
    await profile.install();
    await sekisho.waitReady(FILE_SEEN_MS_MAX);
    const pod = await worker();
    const summary = await attack(pod);
    say('the profile of the node', summary);
    expect(summary).toMatchObject(NOTHING);
    expect((await attack(pod, ...WITHOUT_OWN_WALLS)).succeeded).toEqual(['redis_password', 'tcp_connect']);
    expect(await script(pod, NETLINK)).toBe(`errno ${constants.errno.EPERM}`);
    expect(await statusOf(pod)).toEqual(UNPRIVILEGED);
    expect(await pictureStatus()).toEqual(DECODED);
  });
});

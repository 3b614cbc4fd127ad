// The images for real, without a cluster: each with a read-only root as uid 10001, one picture through three of them, a
// tunnel through the egress-proxy and its resolver, the DNS filter.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type TestDns, type TestOrigin, type TestRedis, freePort, makePicture, startDnsServer, startOrigin, startRedis } from '@sekisho/testkit';
import { LAUNCHER } from '../set-up/launcher.ts';
import { SERVICES, type Service } from './service.ts';

/** Those that a picture passes through. */
const MEDIA = ['gateway', 'fetcher', 'image-worker'] as const;

/** The first build fetches Node and the packages. */
jest.setTimeout(300_000);
const root = dirname(dirname(import.meta.dirname));
const BASE = 'localhost/sekisho-debian:13';
const HOST = '127.0.0.1';
const READY_MS = 60_000;

const succeeds = (program: string, ...args: readonly string[]): boolean => spawnSync(program, args, { stdio: 'ignore', timeout: 20_000 }).status === 0;
const isPossible = process.getuid?.() === 0 && succeeds('unshare', '--mount', 'true') && succeeds('buildah', 'inspect', '--type', 'image', BASE);
const describeHere = isPossible ? describe : describe.skip;

const buildah = (...args: readonly string[]): string => execFileSync('buildah', args, { encoding: 'utf8', timeout: 60_000 }).trim();
// $1 is the image's tree, $2 a folder of secrets. A namespace of mounts, a read-only root with /tmp, /proc and /dev.
const RUNNER = `set -e
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount -t tmpfs tmpfs "$1/tmp"
mount -t tmpfs tmpfs "$1/run"
mkdir "$1/run/secrets"
mount --bind "$2" "$1/run/secrets"
mount -o remount,bind,ro "$1"
tree=$1
shift 2
exec chroot --userspec=10001:10001 "$tree" "$@"`;

const containers: string[] = [];
const children: ChildProcess[] = [];
let secrets = '';
let redis: TestRedis;
let origin: TestOrigin;
let upstream: TestDns | undefined;
const trees = new Map<Service, string>();
const images = new Map<Service, string>();

function spawnIn(service: Service, env: Readonly<Record<string, string>>, command: readonly string[]): ChildProcess {
  const child = spawn('unshare', ['--mount', 'sh', '-c', RUNNER, 'runner', trees.get(service) ?? '', secrets, ...command], { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return child;
}

async function outputOf(child: ChildProcess): Promise<{ readonly code: number | null; readonly text: string }> {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => { text += chunk.toString(); });
  child.stderr?.on('data', (chunk: Buffer) => { text += chunk.toString(); });
  const [code] = await once(child, 'close') as [number | null];
  return { code, text };
}

async function ready(port: number): Promise<void> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    const isReady = await fetch(`http://${HOST}:${port}/readyz`).then((answer) => answer.ok, () => false);
    if (isReady) return;
    if (performance.now() > deadline) throw new Error('not ready in time');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const configOf = (image: string): { readonly Entrypoint: string[]; readonly Env: string[] } =>
  (JSON.parse(buildah('inspect', '--type', 'image', image)) as { OCIv1: { config: { Entrypoint: string[]; Env: string[] } } }).OCIv1.config;
const entryOf = (service: Service): string[] => configOf(images.get(service) ?? '').Entrypoint;
const envOf = (service: Service): Record<string, string> => Object.fromEntries(configOf(images.get(service) ?? '').Env.map((pair) => pair.split(/=(.*)/s, 2)));

/** Builds and mounts; returns the folder of the image's files. */
function treeOf(service: Service, env: Readonly<Record<string, string>>): { readonly image: string; readonly tree: string } {
  const output = execFileSync('sh', ['scripts/build-image.sh', service], { cwd: root, encoding: 'utf8', env: { ...process.env, IMAGE: '', PUSH_IMAGE: '', PLATFORMS: '', ...env }, stdio: ['ignore', 'pipe', 'ignore'] });
  const image = output.trim().split('\n').at(-1) ?? '';
  const container = buildah('from', '--pull-never', image);
  containers.push(container);
  return { image, tree: buildah('mount', container) };
}

const PT_INTERP = 3;
/** Machine of an ELF file, and whether it needs an interpreter, which means libraries. */
function readElf(path: string): { readonly machine: number; readonly isStatic: boolean } {
  const bytes = readFileSync(path);
  expect(bytes.subarray(0, 6).toString('latin1')).toBe('\x7fELF\x02\x01');
  const [start, size, count] = [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
  const types = Array.from({ length: count }, (_, i) => bytes.readUInt32LE(start + i * size));
  return { machine: bytes.readUInt16LE(18), isStatic: !types.includes(PT_INTERP) };
}

describeHere('the images (root, buildah and the base of test-e2e/images/base.sh)', () => {
  beforeAll(async () => {
    secrets = mkdtempSync(join(tmpdir(), 'sekisho-image-secrets-'));
    redis = await startRedis();
    origin = await startOrigin();
    for (const name of ['token', 'cache', 'isolation']) writeFileSync(join(secrets, name), name.repeat(16));
    writeFileSync(join(secrets, 'redis-url'), `${redis.url}\n`);
    execFileSync('chmod', ['755', secrets]);
    for (const service of SERVICES) {
      const { image, tree } = treeOf(service, { BASE_IMAGE: BASE });
      images.set(service, image);
      trees.set(service, tree);
    }
  });
  afterAll(async () => {
    for (const child of children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    for (const container of containers) buildah('rm', container);
    await upstream?.stop();
    await origin.stop();
    await redis.stop();
    rmSync(secrets, { recursive: true });
  });

  it.each(SERVICES)('%s runs as 10001, sees no npm and no test, and cannot write', async (service) => {
    const script = 'id -u; touch /app/x 2>&1; touch /tmp/x && echo written; find / -xdev -name npm 2>/dev/null; find /app -name "*.test.*" -o -name testkit -o -name "*.d.ts"';
    const { text } = await outputOf(spawnIn(service, {}, ['/bin/sh', '-c', script]));
    expect(text.trim().split('\n')).toEqual(['10001', expect.stringMatching(/Read-only file system|Permission denied/), 'written']);
  });

  it('says which image has which decoder', async () => {
    const found = async (service: Service): Promise<string> => (await outputOf(spawnIn(service, {}, ['/bin/sh', '-c', 'ls -d /app/node_modules/sharp']))).text;
    expect(await found('image-worker')).toContain('/app/node_modules/sharp\n');
    for (const service of SERVICES.filter((name) => name !== 'image-worker')) expect(await found(service)).toContain('No such file');
  });

  // Nothing of the image of another architecture is run, so that one needs no base.
  it.each<[string, string, Record<string, string>, number, string]>([
    ['amd64', 'x86_64', { BASE_IMAGE: BASE, PLATFORMS: 'linux/amd64' }, 62, 'arm64'],
    ['arm64', 'arm64', { BASE_IMAGE: 'scratch', PLATFORMS: 'linux/arm64' }, 183, 'x86_64'],
  ])('the image-worker of %s has launcher and filter of its own', (_architecture, name, env, machine, other) => {
    const { image, tree } = treeOf('image-worker', env);
    const at = (path: string): string => join(tree, 'app', path);
    expect(readElf(at(LAUNCHER))).toEqual({ machine, isStatic: true });
    expect(readElf(join(tree, 'usr/local/bin/node'))).toEqual({ machine, isStatic: false });
    for (const [path, mode] of [[LAUNCHER, 0o755], [`k8s/seccomp/decoder.${name}.bpf`, 0o644]] as const) {
      const { uid, gid, mode: found } = statSync(at(path));
      expect({ path, uid, gid, mode: found & 0o7777 }).toEqual({ path, uid: 0, gid: 0, mode });
    }
    expect(readFileSync(at(`k8s/seccomp/decoder.${name}.bpf`)).equals(readFileSync(join(root, `k8s/seccomp/decoder.${name}.bpf`)))).toBe(true);
    expect(existsSync(at(`k8s/seccomp/decoder.${other}.bpf`))).toBe(false);
    expect(readdirSync(at('services/image-worker/launcher'), { recursive: true, encoding: 'utf8' }).toSorted()).toEqual(['build', 'build/launcher']);
    expect(readdirSync(at('node_modules/dejavu-fonts-ttf'), { recursive: true, encoding: 'utf8' }).toSorted()).toEqual([
      'LICENSE', 'package.json', 'ttf', ...['-Bold', '-Oblique', '', 'Mono'].map((face) => `ttf/DejaVuSans${face}.ttf`), 'ttf/DejaVuSerif.ttf',
    ]);
    expect(configOf(image).Env).toContain('SEKISHO_SANDBOX=require');
  });

  it('the others have no launcher, no filter and no fonts', () => {
    for (const service of SERVICES.filter((name) => name !== 'image-worker')) {
      const tree = trees.get(service) ?? '';
      expect(['app/services/image-worker', 'app/k8s', 'app/node_modules/dejavu-fonts-ttf'].filter((path) => existsSync(join(tree, path)))).toEqual([]);
      expect(envOf(service)).not.toHaveProperty('SEKISHO_SANDBOX');
    }
  });

  it('passes one picture from the origin through all three, with secrets from files only', async () => {
    const [gateway = 0, gatewayOps = 0, fetcher = 0, fetcherOps = 0, workerOps = 0] = await Promise.all(Array.from({ length: 5 }, async () => await freePort(HOST)));
    const files = { SEKISHO_WORK_REDIS_URL_FILE: '/run/secrets/redis-url', SEKISHO_OPS_HOST: HOST };
    const publicUrl = { SEKISHO_PUBLIC_URL: 'https://misskey.peer.example', SEKISHO_INTERNAL_TOKEN_FILE: '/run/secrets/token', SEKISHO_LISTEN_HOST: HOST, SEKISHO_SHUTDOWN_DELAY_MS: '0', SEKISHO_SHUTDOWN_DRAIN_MS: '0' };
    const env: Readonly<Record<(typeof MEDIA)[number], Record<string, string>>> = {
      gateway: {
        ...files, ...publicUrl, SEKISHO_REDIS_URL_FILE: '/run/secrets/redis-url', SEKISHO_MISSKEY_URL: `http://${HOST}:1`, SEKISHO_FETCHER_URL: `http://${HOST}:${fetcher}`,
        SEKISHO_CACHE_KEY_FILE: '/run/secrets/cache', SEKISHO_ISOLATION_KEY_FILE: '/run/secrets/isolation', SEKISHO_GATEWAY_PORT: String(gateway), SEKISHO_OPS_PORT: String(gatewayOps),
      },
      fetcher: { ...files, ...publicUrl, SEKISHO_FETCHER_PORT: String(fetcher), SEKISHO_OPS_PORT: String(fetcherOps), SEKISHO_UNSAFE_ALLOW_TARGETS: origin.address },
      'image-worker': { ...envOf('image-worker'), ...files, SEKISHO_OPS_PORT: String(workerOps) },
    };
    for (const service of MEDIA) expect(await outputOf(spawnIn(service, env[service], [...entryOf(service), '--check-config']))).toEqual({ code: 0, text: 'the configuration is valid\n' });
    const running = MEDIA.map((service) => spawnIn(service, env[service], entryOf(service)));
    const ends = running.map(async (child) => await outputOf(child));
    await Promise.all([gatewayOps, fetcherOps, workerOps].map(ready));
    const { sandbox } = (await fetch(`http://${HOST}:${workerOps}/readyz`).then(async (answer) => await answer.json())) as { sandbox: Readonly<Record<string, boolean>> };
    expect(sandbox).toMatchObject({ no_new_privs: true, limits: true, descriptors: true, environment: true, landlock_files: true, seccomp: true });

    origin.serve('/a.png', { bytes: await makePicture('png-avatar') });
    const answer = await fetch(`http://${HOST}:${gateway}/media/x.webp?avatar=1&url=${encodeURIComponent(`http://${origin.address}/a.png`)}`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect({ status: answer.status, type: answer.headers.get('content-type') }).toEqual({ status: 200, type: 'image/webp' });
    expect(bytes.subarray(8, 12).toString()).toBe('WEBP');
    expect(origin.hits('/a.png')).toBe(1);

    for (const child of running) child.kill('SIGTERM');
    expect((await Promise.all(ends)).map(({ code }) => code)).toEqual([0, 0, 0]);
  });

  it('the dns-filter brings its Unbound: licences, no package of the base missing', async () => {
    const { text } = await outputOf(spawnIn('dns-filter', {}, ['/bin/sh', '-c', 'ldd /usr/sbin/unbound | grep -c "=> /"; ldd /usr/sbin/unbound | grep "not found"; ls /usr/share/doc/unbound']));
    expect(text.trim().split('\n')).toEqual([expect.stringMatching(/^\d+$/), 'copyright']);
    for (const service of MEDIA) expect(existsSync(join(trees.get(service) ?? '', 'usr/sbin/unbound'))).toBe(false);
  });

  it('the egress-proxy asks the dns-filter, which asks its upstream, and no private address comes back', async () => {
    upstream = await startDnsServer({ 'private.peer.example': { a: ['10.1.2.3'] }, 'public.peer.example': { a: ['203.0.113.7'] } });
    const [dns = 0, dnsOps = 0, proxy = 0, proxyOps = 0] = await Promise.all(Array.from({ length: 4 }, async () => await freePort(HOST)));
    const env = {
      'dns-filter': { SEKISHO_DNS_FILTER_PORT: String(dns), SEKISHO_DNS_FILTER_FOLDER: '/tmp/dns-filter', SEKISHO_DNS_FILTER_UPSTREAMS: upstream.address, SEKISHO_UNSAFE_PUBLIC_CIDRS: '203.0.113.0/24', SEKISHO_OPS_HOST: HOST, SEKISHO_OPS_PORT: String(dnsOps) },
      'egress-proxy': {
        SEKISHO_PUBLIC_URL: 'https://misskey.peer.example', SEKISHO_DNS_SERVERS: `${HOST}:${dns}`, SEKISHO_LISTEN_HOST: HOST, SEKISHO_EGRESS_PORT: String(proxy), SEKISHO_OPS_HOST: HOST, SEKISHO_OPS_PORT: String(proxyOps),
        SEKISHO_SHUTDOWN_DELAY_MS: '0', SEKISHO_SHUTDOWN_DRAIN_MS: '0',
      },
    } as const;
    const services = ['dns-filter', 'egress-proxy'] as const;
    const running = services.map((service) => spawnIn(service, env[service], entryOf(service)));
    const ends = running.map(async (child) => await outputOf(child));
    await Promise.all([dnsOps, proxyOps].map(ready));
    const resolver = new Resolver({ timeout: 5_000, tries: 1 });
    resolver.setServers([`${HOST}:${dns}`]);
    await expect(resolver.resolve4('public.peer.example')).resolves.toEqual(['203.0.113.7']);
    await expect(resolver.resolve4('private.peer.example')).rejects.toMatchObject({ code: 'ENODATA' });
    // The proxy knows both for what they are: one has no address, the other's is documentation space.
    expect(await Promise.all(['private.peer.example', 'public.peer.example'].map(async (host) => await connectStatus(proxy, `${host}:443`)))).toEqual([502, 403]);
    for (const child of running) child.kill('SIGTERM');
    expect((await Promise.all(ends)).map(({ code }) => code)).toEqual([0, 0]);
  });
});

const connectStatus = async (port: number, authority: string): Promise<number | undefined> => await new Promise((resolve, reject) => {
  request({ host: HOST, port, method: 'CONNECT', path: authority, agent: false, timeout: 10_000 }).once('error', reject).once('connect', ({ statusCode }, socket) => {
    socket.destroy();
    resolve(statusCode);
  }).end();
});

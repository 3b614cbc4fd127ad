// The Job's script against an API server over TLS, and what it makes against a real Redis.

import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type TestRedis, freePort, startRedis } from '@sekisho/testkit';
import { Redis } from 'ioredis';
import { type Plan, makeSecrets } from './make-secrets.ts';

jest.setTimeout(60_000);
const TOKEN = 'the-token';
interface Stored {
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  data: Record<string, string>;
  version: number;
}
interface Body {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string; readonly labels: Record<string, string>; readonly annotations: Record<string, string> };
  readonly data: Record<string, string>;
}
type Hook = (method: string, name: string) => { readonly status: number; readonly message?: string } | undefined;

let folder: string;
let ca: string;
let server: ReturnType<typeof createServer>;
let port: number;
let secrets: Map<string, Stored>;
let asked: string[];
let hook: Hook;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-make-secrets-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=api',
    '-addext', 'subjectAltName=IP:127.0.0.1,IP:::1', '-keyout', key, '-out', cert,
  ], { stdio: 'ignore', timeout: 20_000 });
  ca = readFileSync(cert, 'utf8');
  server = createServer({ key: readFileSync(key), cert: ca }, (req, res) => {
    void answer(req).then(({ status, body }) => res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)));
  });
  await new Promise<void>((resolve) => server.listen(0, '::', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

let run = 0;
beforeEach(() => {
  secrets = new Map();
  asked = [];
  hook = () => undefined;
  run += 1;
  mkdirSync(join(folder, String(run), 'account'), { recursive: true });
  mkdirSync(join(folder, String(run), 'mounts'));
  writeFileSync(join(folder, String(run), 'account/token'), TOKEN);
  writeFileSync(join(folder, String(run), 'account/ca.crt'), ca);
});

async function answer(req: IncomingMessage): Promise<{ readonly status: number; readonly body: unknown }> {
  let text = '';
  for await (const chunk of req as AsyncIterable<Buffer>) text += chunk.toString();
  const [, named] = /^\/api\/v1\/namespaces\/social\/secrets(?:\/([a-z0-9-]+))?$/.exec(req.url ?? '') ?? [];
  const method = req.method ?? '';
  const body = text === '' ? undefined : JSON.parse(text) as Body;
  const name = named ?? body?.metadata.name ?? '';
  asked.push(`${method} ${name}`);
  if (req.headers.authorization !== `Bearer ${TOKEN}`) return { status: 401, body: { message: 'Unauthorized' } };
  const early = hook(method, name);
  if (early !== undefined) return { status: early.status, body: { kind: 'Status', message: early.message } };
  return serve(method, name, body);
}

function serve(method: string, name: string, body: Body | undefined): { readonly status: number; readonly body: unknown } {
  const found = secrets.get(name);
  if (method === 'POST' && body !== undefined) {
    if (found !== undefined) return { status: 409, body: {} };
    secrets.set(name, { ...body.metadata, data: body.data, version: 1 });
    return { status: 201, body: {} };
  }
  if (found === undefined) return { status: 404, body: {} };
  if (method === 'PATCH' && body !== undefined) {
    if (body.metadata.resourceVersion !== String(found.version)) return { status: 409, body: {} };
    Object.assign(found.data, body.data);
    found.version += 1;
  }
  return { status: 200, body: { metadata: { resourceVersion: String(found.version) }, data: found.data } };
}

const text = (name: string, key: string): string => Buffer.from(secrets.get(name)?.data[key] ?? '', 'base64').toString();
const store = (name: string, data: Record<string, string>): void => {
  secrets.set(name, { labels: {}, annotations: {}, version: 7, data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])) });
};

const KEYS = { kind: 'keys', name: 'x-keys', keys: ['internal-token', 'cache-key', 'isolation-key'] } as const;
const planFor = (parts: Partial<Plan> = {}): Plan => ({
  namespace: 'social', labels: { 'app.kubernetes.io/name': 'sekisho' }, deadlineSeconds: 10, secrets: [KEYS],
  mounts: join(folder, String(run), 'mounts'), account: join(folder, String(run), 'account'), aclTemplate: join(import.meta.dirname, '../redis/users.acl'),
  ...parts,
});

async function make(plan: Plan = planFor(), host = '127.0.0.1', at = port): Promise<{ readonly code: number; readonly lines: string }> {
  const lines: string[] = [];
  const code = await makeSecrets(plan, { env: { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: String(at) }, print: (line) => lines.push(line), pauseMs: 50 });
  return { code, lines: lines.join('\n') };
}

describe('makeSecrets()', () => {
  it.each(['127.0.0.1', '::1', '[::1]'])('makes a missing Secret at %s, marked to be kept', async (host) => {
    expect(await make(planFor(), host)).toEqual({ code: 0, lines: 'Secret x-keys: made' });
    for (const key of KEYS.keys) expect(text('x-keys', key)).toMatch(/^[0-9a-f]{64}$/);
    expect(secrets.get('x-keys')).toMatchObject({ labels: { 'app.kubernetes.io/name': 'sekisho' }, annotations: { 'helm.sh/resource-policy': 'keep' } });
  });

  it('asks nobody when the mounted Secrets are complete', async () => {
    mkdirSync(join(folder, String(run), 'mounts/x-keys'));
    for (const key of KEYS.keys) writeFileSync(join(folder, String(run), 'mounts/x-keys', key), 'v');
    expect((await make(planFor(), '192.0.2.1', 9)).code).toBe(0);
    expect(asked).toEqual([]);
  });

  it('brings the users of an older version to this one, then asks nobody again', async () => {
    const plan = planFor({ secrets: [{ kind: 'redis', name: 'x-redis', address: 'redis.example:6379', urls: { 'gateway-url': 'sekisho-gateway-state' } }] });
    expect((await make(plan)).code).toBe(0);
    const [url, acl] = [text('x-redis', 'gateway-url'), text('x-redis', 'users.acl')];
    const old = acl.replace('~{sekisho}:inbox:quarantine ', '');
    expect(old).not.toBe(acl);
    store('x-redis', { 'gateway-url': url, 'users.acl': old });
    const mount = join(folder, String(run), 'mounts/x-redis');
    mkdirSync(mount);
    writeFileSync(join(mount, 'gateway-url'), url);
    writeFileSync(join(mount, 'users.acl'), old);
    expect(await make(plan)).toEqual({ code: 0, lines: 'Secret x-redis: completed' });
    expect([text('x-redis', 'gateway-url'), text('x-redis', 'users.acl')]).toEqual([url, acl]);
    writeFileSync(join(mount, 'users.acl'), acl);
    asked = [];
    expect((await make(plan)).code).toBe(0);
    expect(asked).toEqual([]);
  });

  it('adds only what is missing', async () => {
    store('x-keys', { 'cache-key': 'mine', other: 'also mine' });
    expect(await make()).toEqual({ code: 0, lines: 'Secret x-keys: completed' });
    expect([text('x-keys', 'cache-key'), text('x-keys', 'other')]).toEqual(['mine', 'also mine']);
    expect(text('x-keys', 'internal-token')).toHaveLength(64);
  });

  it('takes what somebody else made meanwhile', async () => {
    hook = (method) => {
      if (method === 'POST') store('x-keys', { 'internal-token': 'a', 'cache-key': 'b', 'isolation-key': 'c' });
      return undefined;
    };
    expect(await make()).toEqual({ code: 0, lines: 'Secret x-keys: complete' });
    expect(text('x-keys', 'cache-key')).toBe('b');
  });

  it('never overwrites a key that appears between reading and writing', async () => {
    store('x-keys', { 'internal-token': 'a' });
    hook = (method) => {
      if (method === 'PATCH' && text('x-keys', 'cache-key') === '') store('x-keys', { 'internal-token': 'a', 'cache-key': 'theirs', 'isolation-key': 'theirs' });
      const found = secrets.get('x-keys');
      if (found !== undefined && text('x-keys', 'cache-key') === 'theirs') found.version = 8;
      return undefined;
    };
    expect((await make()).code).toBe(0);
    expect(text('x-keys', 'cache-key')).toBe('theirs');
  });

  it('goes on after an API server that is busy', async () => {
    let times = 0;
    hook = () => {
      times += 1;
      return times < 3 ? { status: 503 } : undefined;
    };
    expect((await make()).code).toBe(0);
  });

  it('says what to do when it may not', async () => {
    hook = () => ({ status: 403, message: 'secrets is forbidden' });
    const { code, lines } = await make();
    expect(code).toBe(1);
    expect(lines).toMatch(/403 to read Secret x-keys: secrets is forbidden[\s\S]*kubectl -n social create secret generic x-keys --from-literal=internal-token=/);
    expect(asked.length).toBe(1);
  });

  it('says what to do when nobody answers', async () => {
    const { code, lines } = await make(planFor({ deadlineSeconds: 1 }), '127.0.0.1', await freePort('127.0.0.1'));
    expect(code).toBe(1);
    expect(lines).toMatch(/ECONNREFUSED[\s\S]*cluster\.apiServerCIDRs[\s\S]*kubectl/);
  });

  it('trusts the mounted authority only', async () => {
    writeFileSync(join(folder, String(run), 'account/ca.crt'), '');
    const { code } = await make(planFor({ deadlineSeconds: 1 }));
    expect({ code, asked }).toEqual({ code: 1, asked: [] });
  });

  it('makes a private key that signs', async () => {
    expect(await make(planFor({ secrets: [{ kind: 'rsa', name: 'x-actor', key: 'actor-key' }] }))).toEqual({ code: 0, lines: 'Secret x-actor: made' });
    const key = createPrivateKey(text('x-actor', 'actor-key'));
    expect([key.asymmetricKeyType, key.asymmetricKeyDetails?.modulusLength]).toEqual(['rsa', 2_048]);
  });

  it('says how to make a private key by hand', async () => {
    hook = () => ({ status: 403, message: 'secrets is forbidden' });
    const { lines } = await make(planFor({ secrets: [{ kind: 'rsa', name: 'x-actor', key: 'actor-key' }] }));
    expect(lines).toContain('openssl genrsa -out key.pem 2048 && kubectl -n social create secret generic x-actor --from-file=actor-key=key.pem');
  });

  it('prints no secret', async () => {
    const { lines } = await make();
    for (const key of KEYS.keys) expect(lines).not.toContain(text('x-keys', key));
  });
});

describe('the Secrets of the evaluation Redis', () => {
  it('let in the users of each role, and nobody else', async () => {
    const address = 'redis.example:6379';
    const plan = planFor({
      secrets: [
        { kind: 'redis', name: 'x-redis-state', address, urls: { 'gateway-url': 'sekisho-gateway-state' } },
        { kind: 'redis', name: 'x-redis-work', address, urls: { 'gateway-url': 'sekisho-gateway-work', 'fetcher-url': 'sekisho-fetcher', 'image-worker-url': 'sekisho-worker' } },
      ],
    });
    expect((await make(plan)).code).toBe(0);
    const started: TestRedis[] = [];
    const start = async (name: string): Promise<TestRedis> => {
      const aclFile = join(folder, `${name}.acl`);
      writeFileSync(aclFile, text(name, 'users.acl'));
      const redis = await startRedis({ aclFile });
      started.push(redis);
      return redis;
    };
    try {
      const [state, work] = [await start('x-redis-state'), await start('x-redis-work')];
      const urlAt = ({ port: at }: TestRedis, name: string, key: string): string => text(name, key).replace(`@${address}`, `@127.0.0.1:${at}`);
      expect(await pingOf(urlAt(state, 'x-redis-state', 'gateway-url'))).toBe('PONG');
      for (const key of ['gateway-url', 'fetcher-url', 'image-worker-url']) expect([key, await pingOf(urlAt(work, 'x-redis-work', key))]).toEqual([key, 'PONG']);
      expect(await pingOf(urlAt(state, 'x-redis-work', 'image-worker-url'))).toMatch('WRONGPASS');
      expect(await pingOf(state.url)).toMatch('NOAUTH');
    } finally {
      for (const redis of started) await redis.stop();
    }
  });
});

/** PONG, or the error's text. */
async function pingOf(url: string): Promise<string> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, enableReadyCheck: false, connectTimeout: 500, disconnectTimeout: 100 });
  let heard = '';
  client.on('error', (error: Error) => (heard = error.message));
  try {
    await client.connect();
    return await client.ping();
  } catch (error) {
    // The first cause is told to the listener, what follows from it to the caller.
    return heard === '' && error instanceof Error ? error.message : heard;
  } finally {
    client.disconnect();
  }
}

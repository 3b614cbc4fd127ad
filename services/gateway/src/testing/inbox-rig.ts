// A whole gateway in this process between exact requests and the stub Misskey, with a Redis of its own whose users have the
// rights of production.

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { createLoggers, createMetrics } from '@sekisho/runtime';
import {
  type Activity, type CavageOptions, type ExactRequest, type MisskeyStub, type TestRedis, type WireAnswer, legitimateActivities, sendExact, signCavage,
  startMisskeyStub, startRedis,
} from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import type { Redis } from 'ioredis';
import { REDIS_USERS, type RedisUser, renderUsersAcl } from '../../../../scripts/redis-users.ts';
import { type GatewayApp, startGateway } from '../app.ts';
import { readGatewayConfig } from '../config.ts';

export const SELF = 'self.example';
export const PEER = 'misskey.peer.example';
export const THIRD = 'misskey.origin.example';
export const KEY_ID = `https://${PEER}/users/alice#main-key`;
/** Of every user of its Redis. */
export const PASSWORD = 'test-password';
/** The gateway believes it, so that a test can be many clients. */
const LOOPBACK = '127.0.0.0/8';

export interface InboxRig {
  /** Of now: another one after `returnMisskey()`. */
  readonly stub: MisskeyStub;
  /** Misskey again on its port after it was closed. */
  returnMisskey(): Promise<void>;
  readonly redis: TestRedis;
  /** With all rights. */
  readonly admin: Redis;
  readonly app: GatewayApp;
  readonly port: number;
  /** Environment of the gateway, for one in a process of its own. */
  readonly env: NodeJS.ProcessEnv;
  /** Canonical lines of the inbox so far. */
  readonly lines: readonly Record<string, unknown>[];
  /** Everything logged. */
  log(): string;
  metrics(): Promise<string>;
  /** Path of a file with this content. */
  file(name: string, content: string): string;
  /** Ends the gateway and starts it again with other settings. */
  restart(env?: NodeJS.ProcessEnv): Promise<void>;
  stop(): Promise<void>;
}

export async function startInboxRig(env: NodeJS.ProcessEnv = {}): Promise<InboxRig> {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-inbox-'));
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const hash = createHash('sha256').update(PASSWORD).digest('hex');
  const acl = renderUsersAcl(new Map(REDIS_USERS.map((user): [RedisUser, string] => [user, hash])));
  const redis = await startRedis({ aclFile: file('users.acl', `${acl}user test-admin on >${PASSWORD} ~* &* +@all\n`) });
  let stub = await startMisskeyStub({ publicUrl: `https://${SELF}`, keepBodies: true });
  const lines: Record<string, unknown>[] = [];
  let text = '';
  const destination = new PassThrough().on('data', (chunk: Buffer) => {
    text += chunk.toString();
    for (const line of chunk.toString().split('\n')) {
      const parsed = line === '' ? {} : (JSON.parse(line) as Record<string, unknown>);
      if (parsed['msg'] === 'inbox') lines.push(parsed);
    }
  });
  const base: NodeJS.ProcessEnv = {
    SEKISHO_PUBLIC_URL: `https://${SELF}`, SEKISHO_MISSKEY_URL: stub.url, SEKISHO_FETCHER_URL: 'http://127.0.0.1:9', SEKISHO_GATEWAY_PORT: '0',
    SEKISHO_LISTEN_HOST: '127.0.0.1', SEKISHO_TRUSTED_PROXIES: LOOPBACK, SEKISHO_SHUTDOWN_DRAIN_MS: '5000',
    SEKISHO_REDIS_URL: `redis://sekisho-gateway-state:${PASSWORD}@127.0.0.1:${redis.port}`,
    SEKISHO_WORK_REDIS_URL: `redis://sekisho-gateway-work:${PASSWORD}@127.0.0.1:${redis.port}`,
  };
  for (const name of ['INTERNAL_TOKEN', 'CACHE_KEY', 'ISOLATION_KEY']) base[`SEKISHO_${name}_FILE`] = file(name, randomBytes(32).toString('hex'));
  let registry = createMetrics('gateway');
  const start = async (more: NodeJS.ProcessEnv): Promise<GatewayApp> => {
    registry = createMetrics('gateway');
    const app = await startGateway(readGatewayConfig({ ...base, ...more }), { ...createLoggers({ service: 'gateway', level: 'debug', destination }), metrics: registry });
    registry.beforeScrape(() => app.collect());
    // A gateway listens before Redis has answered it, and sets no mark until then.
    await until(() => app.readiness().details['state_redis'] === 'up');
    return app;
  };
  let app = await start(env);
  return {
    redis, admin: redis.client({ username: 'test-admin', password: PASSWORD }), env: base, lines, file,
    get stub() {
      return stub;
    },
    returnMisskey: async () => {
      stub = await startMisskeyStub({ publicUrl: `https://${SELF}`, keepBodies: true, port: stub.port });
    },
    get app() {
      return app;
    },
    get port() {
      return app.port;
    },
    log: () => text,
    metrics: async () => await registry.render(),
    restart: async (more = env) => {
      await app.close();
      app = await start(more);
    },
    stop: async () => {
      await app.close();
      await stub.close();
      await redis.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const activities = (): Readonly<Record<string, Activity>> => legitimateActivities({ self: SELF, peer: PEER, third: THIRD });

export type Signed = Partial<CavageOptions> & { readonly activity?: Activity };

/** A follow by Alice of the peer, unless something else is asked for. */
export function signed({ activity = activities()['follow'] ?? {}, ...options }: Signed = {}): ExactRequest {
  return signCavage({ body: Buffer.from(JSON.stringify(activity)), host: SELF, keyId: KEY_ID, ...options });
}

export const send = async (rig: Pick<InboxRig, 'port'>, request: ExactRequest, client = '203.0.113.9'): Promise<WireAnswer> =>
  await sendExact(request, { port: rig.port, first: [['X-Forwarded-For', client]] });

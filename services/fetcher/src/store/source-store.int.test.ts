import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { workKeys } from '@sekisho/contracts';
import { startRedis, type TestRedis } from '@sekisho/testkit';
import type { Redis } from 'ioredis';
import { newId } from '../testing/rig.ts';
import { createSourceStore, type SourceStore } from './source-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-acl-'));
const password = randomBytes(24).toString('hex');
let redis: TestRedis;
let admin: Redis;
let store: SourceStore;

beforeAll(async () => {
  const users = readFileSync(resolve(import.meta.dirname, '../../../../k8s/redis/users.acl'), 'utf8');
  const line = users.split('\n').find((text) => text.startsWith('user sekisho-fetcher '));
  if (line === undefined) throw new Error('no user for the fetcher');
  const hash = createHash('sha256').update(password).digest('hex');
  const aclFile = join(folder, 'users.acl');
  writeFileSync(aclFile, `user default on nopass ~* &* +@all\n${line.replace('%PASSWORD_SHA256_FETCHER%', hash)}\n`);
  redis = await startRedis({ aclFile });
  admin = redis.client();
  store = createSourceStore({ url: `redis://sekisho-fetcher:${password}@127.0.0.1:${redis.port}`, bytesMax: 1_000, onError: () => undefined });
  while (!store.ready) await new Promise((done) => setTimeout(done, 10));
});
afterAll(async () => {
  store.close();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('createSourceStore() with its own Redis user', () => {
  it('stores up to the budget and not one byte more; drops give room', async () => {
    const [first, second] = [newId(), newId()];
    expect(await store.store(first, Buffer.alloc(600))).toEqual({ ok: true });
    expect(await store.store(second, Buffer.alloc(401))).toMatchObject({ ok: false, code: 'SEKISHO_LIMIT_BYTES' });
    expect(await store.store(second, Buffer.alloc(400))).toEqual({ ok: true });
    await store.drop(first, 600);
    await store.drop(first, 600);
    expect(await admin.get(workKeys.leasedBytes)).toBe('400');
    expect(await admin.exists(workKeys.source(first))).toBe(0);
    expect(await admin.zrange(workKeys.leases, '0', '-1')).toEqual([workKeys.leaseMember(second, 400)]);
    await store.drop(second, 400);
  });

  it('goes on after the scripts were flushed, and never broke its rights', async () => {
    await admin.script('FLUSH');
    const id = newId();
    expect(await store.store(id, Buffer.from([0, 255, 13, 10]))).toEqual({ ok: true });
    expect(await admin.getBuffer(workKeys.source(id))).toEqual(Buffer.from([0, 255, 13, 10]));
    expect(await admin.acl('LOG')).toEqual([]);
  });

  it('may read no source, no result and no configuration', async () => {
    const own = redis.client({ username: 'sekisho-fetcher', password, enableReadyCheck: false, disableClientInfo: true });
    for (const command of [['config', 'get', '*'], ['keys', '*'], ['flushall'], ['get', workKeys.result(newId())]] as const) {
      const [name, ...args] = command;
      await expect(own.call(name, ...args)).rejects.toThrow('NOPERM');
    }
  });

  it('never hangs on a server that does not answer', async () => {
    await admin.call('CLIENT', 'PAUSE', '3500', 'ALL');
    const startedMs = performance.now();
    expect(await store.store(newId(), Buffer.alloc(1))).toMatchObject({ ok: false, code: 'SEKISHO_REDIS_AWAY' });
    expect(performance.now() - startedMs).toBeLessThan(3_400);
  });
});

import { execFile } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stateKeys } from '@sekisho/contracts';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import { ResultCache } from '../cache/result-cache.ts';

let server: TestRedis;
beforeAll(async () => void (server = await startRedis()));
afterAll(async () => await server.stop());

async function run(args: readonly string[], redisUrl = server.url) {
  const script = new URL('./media.ts', import.meta.url).pathname;
  return await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [script, ...args], { env: { SEKISHO_REDIS_URL: redisUrl }, timeout: 30_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

describe('npm run media', () => {
  it('purges a URL and says what it did', async () => {
    const redis = server.client();
    const cache = new ResultCache({ redis, secret: Buffer.alloc(32), memoryBytes: 0, redisBytes: 1_000_000 });
    await redis.ping();
    const picture = { kind: 'picture', type: 'image/webp', body: Buffer.alloc(9), etag: '"e"', width: 1, height: 1, frames: 1, framesCapped: false, fileName: undefined } as const;
    await cache.put('k'.repeat(43), picture, { url: 'https://a.origin.example/x', beganMs: performance.now() });
    expect(await redis.exists(stateKeys.cache('k'.repeat(43)))).toBe(1);
    const done = await run(['purge', 'https://a.origin.example/x']);
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining('purged 1 cached answers') });
    expect(await redis.exists(stateKeys.cache('k'.repeat(43)))).toBe(0);
  }, 30_000);

  it('explains itself, and fails when Redis is away', async () => {
    expect(await run([])).toMatchObject({ code: 2, stderr: expect.stringContaining('npm run media -- purge') });
    expect(await run(['purge', 'https://a.example/'], '')).toMatchObject({ code: 2, stderr: expect.stringContaining('SEKISHO_REDIS_URL is not set') });
    expect(await run(['purge', 'https://a.example/'], 'redis://127.0.0.1:1')).toMatchObject({ code: 1, stderr: expect.stringContaining('did not answer') });
  }, 60_000);
});

import { randomBytes } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLoggers, createMetrics, type Metrics } from '@sekisho/runtime';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { type GatewayApp, startGateway } from '../app.ts';
import { readGatewayConfig } from '../config.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-wiring-'));
const limitsFile = join(folder, 'limits.yaml');
const metrics: Metrics = createMetrics('gateway');
let redis: TestRedis;
let app: GatewayApp;
let log = '';

const file = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
  return path;
};
const environment = (): NodeJS.ProcessEnv => ({
  SEKISHO_PUBLIC_URL: 'https://misskey.peer.example', SEKISHO_MISSKEY_URL: 'http://127.0.0.1:9', SEKISHO_FETCHER_URL: 'http://127.0.0.1:9',
  SEKISHO_REDIS_URL: redis.url, SEKISHO_GATEWAY_PORT: '0', SEKISHO_LISTEN_HOST: '127.0.0.1', SEKISHO_LIMITS_FILE: limitsFile,
  SEKISHO_INTERNAL_TOKEN_FILE: file('token', randomBytes(24).toString('hex')),
  SEKISHO_CACHE_KEY_FILE: file('cache', randomBytes(24).toString('hex')),
  SEKISHO_ISOLATION_KEY_FILE: file('isolation', randomBytes(24).toString('hex')),
});

beforeAll(async () => {
  redis = await startRedis();
  file('limits.yaml', '');
  const destination = new PassThrough().on('data', (chunk: Buffer) => { log += chunk.toString(); });
  app = await startGateway(readGatewayConfig(environment()), { ...createLoggers({ service: 'gateway', level: 'info', destination }), metrics });
});
afterAll(async () => {
  await app.close();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** ms until a forbidden target is answered. */
async function refusalMs(): Promise<number> {
  const beganMs = performance.now();
  const answer = await fetch(`http://127.0.0.1:${app.port}/proxy/a.webp?emoji=1&url=${encodeURIComponent('https://user:pass@media.peer.example/a.png')}`);
  await answer.arrayBuffer();
  expect(answer.headers.get('sekisho-code')).toBe('FORBIDDEN_TARGET');
  return performance.now() - beganMs;
}

const untilMetric = async (line: string): Promise<void> => await until(async () => (await metrics.render()).includes(line));

describe('startGateway() with a limits file', () => {
  it('applies what changes to the next request, counts each reload and keeps the old limits on a bad file', async () => {
    expect(await refusalMs()).toBeGreaterThanOrEqual(245);
    file('limits.yaml', 'media: { forbiddenFloorMs: 1200 }');
    await untilMetric('sekisho_gateway_limits_file_reloads_total{result="ok"} 1');
    expect(await refusalMs()).toBeGreaterThanOrEqual(1_195);
    file('limits.yaml', 'media:\n  forbiddenFloorMs: 249\n');
    await untilMetric('sekisho_gateway_limits_file_reloads_total{result="failed"} 1');
    expect(log).toContain('line 2: media.forbiddenFloorMs: must be at least 250');
    expect(await refusalMs()).toBeGreaterThanOrEqual(1_195);
  });

  it('does not start with a bad file', () => {
    expect(() => readGatewayConfig(environment())).toThrow('SEKISHO_LIMITS_FILE: line 2: media.forbiddenFloorMs: must be at least 250');
  });
});

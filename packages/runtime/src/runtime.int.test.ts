import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { createLogger, createMetrics, createShutdown, describeStartProblem, startOps } from './index.ts';

const sink = (lines: string[]): Writable =>
  new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(chunk.toString());
      done();
    },
  });

describe('startOps()', () => {
  it('serves metrics, health and readiness, and follows the state', async () => {
    const metrics = createMetrics('image-worker');
    const jobs = metrics.counter({ name: 'jobs_total', help: 'Jobs.', labels: { result: ['ok', 'failed'] } });
    jobs.inc({ result: 'ok' }, 3);
    let ready = false;
    const ops = await startOps({ host: '127.0.0.1', port: 0, metrics, readiness: () => ({ ready, details: { redis: 'up' } }) });
    const get = async (path: string) => await fetch(`http://127.0.0.1:${ops.port}${path}`);
    try {
      expect(await (await get('/metrics')).text()).toContain('sekisho_image_worker_jobs_total{result="ok"} 3');
      expect((await get('/healthz')).status).toBe(200);
      expect((await get('/readyz')).status).toBe(503);
      ready = true;
      const answer = await get('/readyz');
      expect([answer.status, await answer.json()]).toEqual([200, { ready: true, redis: 'up' }]);
      expect((await get('/')).status).toBe(404);
    } finally {
      await ops.close();
    }
  });

  it('names a taken port in one sentence', async () => {
    const metrics = createMetrics('x');
    const readiness = () => ({ ready: true, details: {} });
    const first = await startOps({ host: '127.0.0.1', port: 0, metrics, readiness });
    const second = await startOps({ host: '127.0.0.1', port: first.port, metrics, readiness }).catch((error: unknown) => error);
    expect(describeStartProblem(second)).toContain(`port ${first.port} is already in use`);
    await first.close();
  });
});

describe('createLogger()', () => {
  it('writes one JSON line with level as text and cuts secrets', () => {
    const lines: string[] = [];
    createLogger({ service: 'gateway', level: 'info', destination: sink(lines) }).info({ token: 'abc', config: { password: 'xyz' } }, 'started');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', service: 'gateway', token: '[redacted]', config: { password: '[redacted]' } });
  });
});

describe('createShutdown()', () => {
  it('runs steps in order, goes on after a failure and past a stuck step, once', async () => {
    const lines: string[] = [];
    const order: string[] = [];
    const log = createLogger({ service: 'x', level: 'info', destination: sink(lines) });
    const shutdown = createShutdown({ log, graceMs: 1_000, exit: () => undefined });
    shutdown.add('first', 1_000, () => void order.push('first'));
    shutdown.add('broken', 1_000, () => Promise.reject(new Error('no')));
    shutdown.add('stuck', 20, () => new Promise<void>(() => undefined));
    shutdown.add('last', 1_000, () => void order.push('last'));
    await Promise.all([shutdown.run('test'), shutdown.run('again')]);
    expect(order).toEqual(['first', 'last']);
    expect(shutdown.stopping).toBe(true);
    expect(lines.filter((line) => line.includes('shutdown step failed'))).toHaveLength(2);
  });
});

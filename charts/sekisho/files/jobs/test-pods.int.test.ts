// The scripts of `helm test` against a real stack, and against what each of them must not pass.

import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, type Server, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { freePort } from '@sekisho/testkit/ports';
import { type Fixture, START_MS, startFixture } from '../../../../test-stack/fixture.ts';
import { testEgressWithin } from './test-egress.ts';
import { testHealthWithin } from './test-health.ts';
import { judgeReplicas, testLimiter } from './test-limiter.ts';
import { testPolicyWithin } from './test-policy.ts';
import { type PodTest, Report, type TestPlan } from './test-report.ts';
import { testTargets } from './test-targets.ts';

jest.setTimeout(90_000);
let stack: Fixture;
beforeAll(async () => {
  stack = await startFixture({ gateways: 2 });
}, START_MS);
afterAll(async () => await stack?.stop());

const port = (at: number): number => stack.stack.ports.gateways[at] ?? 0;
const plan = (parts: Partial<TestPlan> = {}): TestPlan => ({
  publicUrl: `${stack.publicUrl}/`,
  gateway: { what: 'the gateway', host: '127.0.0.1', port: port(0) },
  gatewayPods: { host: '127.0.0.1', port: port(0), opsPort: stack.stack.ports.gatewayOps[0] ?? 0 },
  replicas: 2, unknownDomain: 'helm-test.example', clusterDomain: 'cluster.local', closed: [],
  ...parts,
});

interface Outcome {
  readonly lines: readonly string[];
  readonly exitCode: number;
}

async function outcomeOf(run: (report: Report) => Promise<void>): Promise<Outcome> {
  const lines: string[] = [];
  const report = new Report((line) => lines.push(line));
  await run(report);
  return { lines, exitCode: report.exitCode };
}

const run = async (test: PodTest, given: TestPlan, env: Readonly<Record<string, string>> = {}): Promise<Outcome> =>
  await outcomeOf(async (report) => await test(given, report, env));

async function listen(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

const closedPort = async (): Promise<number> => await freePort('127.0.0.1');
const misskeyPort = (): number => Number(new URL(stack.misskey.url).port);

describe('health', () => {
  const quick = testHealthWithin({ withinMs: 500, pauseMs: 100 });

  it('passes at a gateway', async () => {
    const { lines, exitCode } = await run(quick, plan());
    expect({ exitCode, bad: lines.filter((line) => !line.startsWith('ok: ')) }).toEqual({ exitCode: 0, bad: [] });
  });

  it.each([['nobody answers', closedPort], ['somebody else answers', misskeyPort]])('fails where %s', async (_who, find) => {
    const { lines, exitCode } = await run(quick, plan({ gateway: { what: 'the gateway', host: '127.0.0.1', port: await find() } }));
    expect({ exitCode, first: lines[0] }).toEqual({ exitCode: 1, first: expect.stringMatching(/^FAILED: the gateway answers/) });
  });
});

describe('targets', () => {
  it('are all refused by a gateway', async () => {
    const { lines, exitCode } = await run(testTargets, plan(), { POD_IP: '10.88.0.7', NODE_IP: 'fd00:31::10', KUBERNETES_SERVICE_HOST: '10.96.0.1' });
    expect({ exitCode, bad: lines.filter((line) => !line.startsWith('ok: ')) }).toEqual({ exitCode: 0, bad: [] });
    expect(lines.length).toBe(10);
  });

  it('fail where somebody else answers', async () => {
    expect((await run(testTargets, plan({ gateway: { what: 'Misskey', host: '127.0.0.1', port: misskeyPort() } }))).exitCode).toBe(1);
  });
});

describe('limiter', () => {
  it('is shared by two gateways of one stack', async () => {
    const { lines, exitCode } = await outcomeOf(async (report) => await judgeReplicas(plan(), report, { first: { host: '127.0.0.1', port: port(0) }, second: { host: '127.0.0.1', port: port(1) } }));
    expect({ exitCode, lines }).toMatchObject({ exitCode: 0 });
  });

  it('is not shared with a gateway that counts for itself', async () => {
    const other = createHttpServer((_req, res) => res.writeHead(403, { 'sekisho-code': 'FORBIDDEN_TARGET' }).end());
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const second = { host: '127.0.0.1', port: (other.address() as AddressInfo).port };
    const { lines, exitCode } = await outcomeOf(async (report) => await judgeReplicas(plan(), report, { first: { host: '127.0.0.1', port: port(0) }, second, holdMs: 4_000 }));
    other.close();
    expect({ exitCode, lines }).toMatchObject({ exitCode: 1 });
    expect(lines.some((line) => line.startsWith('FAILED: ') && line.includes('(0 refusals'))).toBe(true);
  });

  it('says that it is skipped with one gateway', async () => {
    const { lines, exitCode } = await run(testLimiter, plan({ replicas: 1 }));
    expect({ exitCode, first: lines[0] }).toEqual({ exitCode: 0, first: expect.stringMatching(/^skipped: .*gateway\.replicas/) });
  });
});

describe('policy', () => {
  const quick = testPolicyWithin({ connectMs: 500, settleMs: 1_500 });

  it('passes when the control opens and all else stays closed', async () => {
    const opsPort = await closedPort();
    const closed = [{ what: 'a Redis', host: '127.0.0.1', port: await closedPort() }];
    const { lines, exitCode } = await run(quick, plan({ gatewayPods: { host: '127.0.0.1', port: port(0), opsPort }, closed }));
    expect({ exitCode, lines }).toMatchObject({ exitCode: 0 });
  });

  it('fails, and says what to do, where the network lets everything through', async () => {
    const { lines, exitCode } = await run(quick, plan());
    expect(exitCode).toBe(1);
    expect(lines.join('\n')).toMatch(/FAILED: the ops port of a gateway[\s\S]*does not enforce NetworkPolicies[\s\S]*Cilium/);
  });

  it('fails for one open door among closed ones', async () => {
    const { server, port: open } = await listen();
    const opsPort = await closedPort();
    const { exitCode } = await run(quick, plan({ gatewayPods: { host: '127.0.0.1', port: port(0), opsPort }, closed: [{ what: 'a Redis', host: '127.0.0.1', port: open }] }));
    server.close();
    expect(exitCode).toBe(1);
  });

  it('waits for all doors together, or a network without policies would take it longer than the pod has', async () => {
    const { server, port: open } = await listen();
    const opsPort = await closedPort();
    const closed = Array.from({ length: 5 }, (_, at) => ({ what: `door ${at}`, host: '127.0.0.1', port: open }));
    const beganMs = performance.now();
    const { lines } = await run(quick, plan({ gatewayPods: { host: '127.0.0.1', port: port(0), opsPort }, closed }));
    server.close();
    // 1.5 s for all of them, not for each.
    expect(performance.now() - beganMs).toBeLessThan(4_000);
    expect(lines.flatMap((line) => /^FAILED: (door \d)/.exec(line)?.[1] ?? [])).toEqual(closed.map(({ what }) => what));
  });

  it('judges nothing without its control', async () => {
    const { lines, exitCode } = await run(quick, plan({ gatewayPods: { host: '127.0.0.1', port: await closedPort(), opsPort: 1 } }));
    expect({ exitCode, checks: lines.filter((line) => /^(ok|FAILED)/.test(line)).length }).toEqual({ exitCode: 1, checks: 1 });
  });
});

describe('egress', () => {
  const quick = testEgressWithin({ withinMs: 300, pauseMs: 100 });
  const env = { POD_IP: '10.88.0.7', NODE_IP: 'fd00:31::10', KUBERNETES_SERVICE_HOST: '10.96.0.1' };

  /** Answers every CONNECT alike. */
  async function runAt(answer: string, hasCredentials = false): Promise<Outcome & { readonly asked: readonly string[] }> {
    const asked: string[] = [];
    const server = createHttpServer().on('connect', (request, socket) => {
      asked.push(request.url ?? '');
      socket.end(`HTTP/1.1 ${answer}\r\n\r\n`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const egressProxy = { what: 'the egress-proxy', host: '127.0.0.1', port: (server.address() as AddressInfo).port, hasCredentials };
    const outcome = await run(quick, plan({ egressProxy }), env);
    server.close();
    return { ...outcome, asked };
  }
  const REFUSED = 'Refused\r\nproxy-status: sekisho-egress-proxy; error=http_request_denied; details="SEKISHO_EGRESS_NAME"';

  it('passes at a proxy that refuses the inside', async () => {
    const { exitCode, lines, asked } = await runAt(`403 ${REFUSED}`);
    expect({ exitCode, bad: lines.filter((line) => !line.startsWith('ok: ')) }).toEqual({ exitCode: 0, bad: [] });
    expect(asked).toEqual([
      'kubernetes.default.svc.cluster.local:443', '127.0.0.1.cluster.local:443', '169.254.169.254:443', '10.88.0.7:443', '[fd00:31::10]:443', '10.96.0.1:443',
    ]);
  });

  it('is content with 407 where the proxy asks for a user', async () => {
    expect((await runAt(`407 ${REFUSED}`, true)).exitCode).toBe(0);
  });

  it.each([['opens', '200 OK'], ['lets through what it should ask a user for', `407 ${REFUSED}`], ['is somebody else', '403 Forbidden']])('fails at a proxy that %s', async (_what, answer) => {
    expect((await runAt(answer)).exitCode).toBe(1);
  });

  it('judges no filter where the name inside is unknown', async () => {
    const { exitCode, lines } = await run(quick, plan({ dnsFilter: { what: 'the DNS filter', host: '127.0.0.1', port: await closedPort() } }));
    expect({ exitCode, first: lines[0] }).toEqual({ exitCode: 1, first: expect.stringMatching(/^FAILED: the control/) });
  });
});

// Misskey's own way out, with the client stack that Misskey uses: the allowed origin over TLS and nothing else. What must
// not be reached listens and counts.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Canary, startCanary } from '@sekisho/testkit';
import { findProgram } from '../scripts/set-up/programs.ts';
import { type Listeners, startListeners } from './egress/listeners.ts';
import { type MisskeyClient, connectRaw, createMisskeyClient } from './egress/misskey-client.ts';
import { expectPicture, expectRefusal } from './contract.ts';
import { HOSTILE_NAMES, HOSTILE_ZONE, INSIDE } from './egress/zone.ts';
import { type Fixture, START_MS, eventually, startFixture } from './fixture.ts';

jest.setTimeout(30_000);

const stacks = [['without a DNS filter', false], ['behind the DNS filter', true]] as const;
const hasUnbound = findProgram('unbound') !== undefined;

describe.each(stacks)('the egress-proxy %s', (title, dnsFilter) => {
  const isThere = !dnsFilter || hasUnbound;
  const test = isThere ? it : it.skip;
  let stack: Fixture;
  let client: MisskeyClient;
  let listeners: Listeners;
  /** On an address that is allowed. */
  let counted: Canary;
  let port = 0;

  beforeAll(async () => {
    if (!isThere) return;
    counted = await startCanary({ host: '127.0.0.9' });
    stack = await startFixture({
      egressProxy: true, dnsFilter,
      allowTargets: [`127.0.0.9:${counted.port}`],
      zone: {
        ...HOSTILE_ZONE,
        'mixed.peer.example': { a: ['127.0.0.1', INSIDE] },
        'rebind.origin.example': { alternate: [{ a: ['127.0.0.1'] }, { a: [INSIDE] }] },
        'clean.origin.example': { a: ['127.0.0.1'], aaaa: ['::1'] },
        'silent.peer.example': { silent: true },
        'counted.peer.example': { a: ['127.0.0.9'] },
      },
    });
    ({ port } = stack.tls);
    listeners = await startListeners(port);
    client = createMisskeyClient({ proxy: `http://127.0.0.1:${stack.egress.port}`, ca: stack.tls.ca ?? '' });
    stack.tls.serve('/note', { bytes: Buffer.from('{"type":"Note"}'), type: 'application/activity+json' });
  }, START_MS);
  afterAll(async () => {
    client?.close();
    await listeners?.stop();
    await counted?.stop();
    await stack?.stop();
  });

  /** The status of a refused CONNECT as Misskey sees it, or what the client said instead. */
  const refusal = async (url: string): Promise<string> =>
    await client.fetch(url).then(({ status }) => `answered ${status}`, (error: unknown) => /Bad response: \d{3}/.exec(String(error))?.[0] ?? String(error));
  /** A denied name ends at the proxy's own check, or as a name without addresses at the filter. */
  const refused = dnsFilter ? 'Bad response: 502' : 'Bad response: 403';

  test(`listens where it must count (${title})`, () => {
    expect(listeners.addresses).toContain(`${INSIDE}:${port}`);
  });

  test('lets node-fetch and got reach an allowed origin over TLS, and keeps the tunnel for the next request', async () => {
    const tunnels = (): Promise<number> => stack.metric('egress-proxy', 'sekisho_egress_proxy_tunnels');
    const url = stack.tls.url('/note');
    const first = await client.fetch(url);
    expect([first.status, await first.text()]).toEqual([200, '{"type":"Note"}']);
    const connections = stack.tls.connections;
    expect(await client.got(url)).toEqual({ status: 200, text: '{"type":"Note"}' });
    expect(await (await client.fetch(url)).text()).toBe('{"type":"Note"}');
    expect(stack.tls.connections).toBe(connections);
    expect(client.kept).toBe(1);
    expect(await tunnels()).toBe(1);
  });

  test('carries 60 requests at once to one host', async () => {
    const before = stack.tls.hits('/note');
    const answers = await Promise.all(Array.from({ length: 60 }, async () => (await client.fetch(stack.tls.url('/note', 'busy.origin.example'))).status));
    expect(answers).toEqual(Array.from({ length: 60 }, () => 200));
    expect(stack.tls.hits('/note') - before).toBe(60);
  });

  test.each([...HOSTILE_NAMES, 'mixed.peer.example'])('refuses %s', async (host) => {
    const before = listeners.connections;
    expect(await refusal(`https://${host}:${port}/`)).toBe(refused);
    expect(await refusal(`https://${host}/`)).toBe(refused);
    expect(listeners.connections).toBe(before);
  });

  test.each(['127.0.0.1', INSIDE, '127.1', '2130706433', '0x7f.1', '0177.0.0.1', '0.0.0.0', '169.254.169.254', '10.0.0.1', '[::ffff:127.0.0.77]', '[::1]', '[fd00:ec2::254]'])('refuses the literal %s, also of an allowed address', async (host) => {
    const before = listeners.connections;
    // An IPv6 address arrives without its brackets, which is no authority.
    const status = host.startsWith('[') ? 400 : 403;
    for (const url of [`https://${host}:${port}/`, `https://${host}/`, `http://${host}:${port}/`]) expect(await refusal(url)).toBe(`Bad response: ${status}`);
    expect(listeners.connections).toBe(before);
  });

  test.each(['localhost', 'redis', 'kubernetes.default.svc', 'db.misskey.svc.cluster.local', 'metadata.google.internal', 'nas.lan', 'instance.peer.example'])('refuses the internal or own name %s before any resolver is asked', async (host) => {
    const before = listeners.connections;
    expect(await refusal(`https://${host}:${port}/`)).toBe('Bad response: 403');
    expect(listeners.connections).toBe(before);
    expect(stack.dns.queriesFor(host)).toBe(0);
  });

  test.each([
    ['plain http', 'http://a.origin.example/note'], ['port 8443', 'https://a.origin.example:8443/note'], ['port 22', 'https://a.origin.example:22/note'], ['port 25', 'http://a.origin.example:25/'],
  ])('refuses %s', async (_, url) => {
    const before = listeners.connections;
    expect(await refusal(url)).toBe('Bad response: 403');
    expect(listeners.connections).toBe(before);
  });

  test('cuts plain http inside a tunnel off at its first byte', async () => {
    const before = stack.tls.requests.length;
    expect(await refusal(`http://a.origin.example:${port}/note`)).toMatch(/ECONNRESET|socket hang up|network socket disconnected/i);
    expect(stack.tls.requests.length).toBe(before);
    expect(await stack.metric('egress-proxy', 'sekisho_egress_proxy_denied_total', { reason: 'SEKISHO_EGRESS_NOT_TLS' })).toBeGreaterThan(0);
  });

  test.each([
    ['https://private.peer.example:{port}/', refused], ['https://127.0.0.77:{port}/', 'Bad response: 403'], ['http://127.0.0.77:{port}/', 'Bad response: 403'],
    ['http://a.origin.example/', 'Bad response: 403'], ['https://a.origin.example:8443/', 'Bad response: 403'], ['https://[::1]:{port}/', 'Bad response: 400'], ['https://localhost:{port}/', 'Bad response: 403'],
    ['https://instance.peer.example/proxy/a?url=x', 'Bad response: 403'],
  ])('refuses a redirect to %s, at the first hop and at the third', async (to, expected) => {
    const before = listeners.connections;
    const target = encodeURIComponent(to.replace('{port}', String(port)));
    for (const hops of ['', 'n=3&']) expect(await refusal(stack.tls.url(`/redirect?${hops}to=${target}`))).toBe(expected);
    expect(listeners.connections).toBe(before);
  });

  test('gives got the same refusals', async () => {
    await expect(client.got(`https://private.peer.example:${port}/`)).rejects.toThrow(refused);
    await expect(client.got('http://a.origin.example/')).rejects.toThrow('Bad response: 403');
    await expect(client.got(stack.tls.url(`/redirect?to=${encodeURIComponent(`https://${INSIDE}:${port}/`)}`))).rejects.toThrow('Bad response: 403');
  });

  test('never dials a name at its private answer when it changes its mind', async () => {
    const before = listeners.connections;
    const seen = new Set<string>();
    for (let turn = 0; turn < 6; turn += 1) seen.add(await refusal(stack.tls.url('/note', 'rebind.origin.example').replace('/note', `/note?${turn}`)));
    // A kept tunnel goes to the vetted address and nowhere else; so ask raw as well, each time anew.
    const statuses = [];
    for (let turn = 0; turn < 6; turn += 1) statuses.push((await connectRaw(stack.egress.port, `rebind.origin.example:${port}`)).status);
    expect([...seen, ...statuses].filter((each) => !['answered 200', refused, 200, dnsFilter ? 502 : 403].includes(each))).toEqual([]);
    expect(statuses).toContain(dnsFilter ? 502 : 403);
    expect(listeners.connections).toBe(before);
  });

  test('uses the clean family of a name whose other family leads inside', async () => {
    const before = listeners.connections;
    expect(await refusal(stack.tls.url('/note', 'clean.origin.example'))).toBe('answered 200');
    expect(listeners.connections).toBe(before);
  });

  test('answers 502 for a name that does not exist and 504 where no resolver answers', async () => {
    expect(await refusal(`https://absent.nowhere.example:${port}/`)).toBe('Bad response: 502');
    const began = performance.now();
    // Behind the filter a question that nobody answers comes back as a failure.
    expect([504, 502]).toContain((await connectRaw(stack.egress.port, `silent.peer.example:${port}`)).status);
    expect(performance.now() - began).toBeLessThan(6_500);
  });

  test('would have reached a listener like those by an allowed address (positive control)', async () => {
    expect((await connectRaw(stack.egress.port, `counted.peer.example:${counted.port}`)).status).toBe(200);
    expect(await eventually(() => counted.connections === 1, 2_000)).toBe(true);
  });

  test('stands beside the media path, which asks the same resolver', async () => {
    await expectPicture(await stack.media(await stack.publishPicture('png-emoji'), 'emoji'));
    const before = listeners.connections;
    for (const host of ['private.peer.example', 'mixed.peer.example', 'chain.peer.example']) expectRefusal(await stack.media(`https://${host}:${port}/x.png`, 'emoji'), 403, 'FORBIDDEN_TARGET');
    expectRefusal(await stack.media(`https://silent.peer.example:${port}/x.png`, 'emoji'), 504, 'TIMEOUT');
    expect(listeners.connections).toBe(before);
  });

  test('counts what it refused, by reason', async () => {
    const denied = async (reason: string): Promise<number> => await stack.metric('egress-proxy', 'sekisho_egress_proxy_denied_total', { reason });
    for (const reason of ['SEKISHO_EGRESS_LITERAL', 'SEKISHO_EGRESS_NAME', 'SEKISHO_EGRESS_OWN_HOST', 'SEKISHO_EGRESS_PORT', 'SEKISHO_EGRESS_AUTHORITY']) expect([reason, await denied(reason) > 0]).toEqual([reason, true]);
    expect(await denied('SEKISHO_EGRESS_ADDRESS') > 0).toBe(!dnsFilter);
    if (!dnsFilter) return;
    // The filter reads Unbound's numbers every few seconds.
    expect(await eventually(async () => await stack.metric('dns-filter', 'sekisho_dns_filter_refused_answers_total', { reason: 'address' }) > 10, 20_000)).toBe(true);
  });

  test('logs one line for each tunnel, with its verdict and without its content', () => {
    const lines = stack.log.filter((line) => line.startsWith('[egress-proxy]') && line.includes('"msg":"tunnel"')).map((line) => JSON.parse(line.slice('[egress-proxy] '.length)) as Record<string, unknown>);
    expect(lines.find(({ host }) => host === 'private.peer.example')).toMatchObject({ verdict: dnsFilter ? 'fault' : 'deny', status: dnsFilter ? 502 : 403, code: dnsFilter ? 'SEKISHO_EGRESS_UNRESOLVED' : 'SEKISHO_EGRESS_ADDRESS' });
    expect(lines.filter((line) => JSON.stringify(line).includes('/note'))).toEqual([]);
  });
});

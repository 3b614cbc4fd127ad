// The way out of Misskey: public hosts through the egress-proxy, and three walls against names that lead inside, each
// alone: the policy, the DNS filter, netguard. Without any of them every connection must arrive, or it would prove nothing.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Client, clientPod } from './lib/client-pod.ts';
import { list, podsOf } from './lib/cluster.ts';
import { context } from './lib/context.ts';
import { until } from './lib/deadline.ts';
import { tryHelm } from './lib/helm.ts';
import { describeWithInternet, publish } from './lib/internet.ts';
import { startMisskey } from './lib/misskey/misskey.ts';
import { NOWHERE, PLACES, type Places, arrivalsOf, countOf, hostileHosts, isName } from './lib/policy/hostile.ts';
import { type Listener, startListener } from './lib/policy/listener.ts';
import { stopCounting } from './lib/policy/node-counter.ts';
import { policiesEnforced } from './lib/policy/probe.ts';
import { QUICK_END, type Sekisho, type Values, dropNamespaces, image, installSekisho, removeNamespace } from './lib/sekisho.ts';

const NAMESPACE = 'e2e-egress';
const CLIENT_NAMESPACE = 'e2e-egress-client';
const LISTENER_NAMESPACE = 'e2e-egress-listener';
const ONE = { replicas: 1, resources: { requests: { cpu: '20m', memory: '64Mi' } } };
const UNGUARDED: Values = { egressProxy: { image: image('egress-proxy-unguarded') } };
const NO_POLICY: Values = { networkPolicy: { enabled: false } };
const NO_FILTER: Values = { dnsFilter: { enabled: false } };
const TRY_MS = 60_000;

let client: Client;
let sekisho: Sekisho;
let listener: Listener;
let hosts: Places<readonly string[]>;
let ca = '';

interface Outcome {
  /** TCP connections that arrived. */
  readonly arrived: Places<number>;
  readonly statuses: readonly string[];
  /** Of a page of the internet: whether the proxy works at all. */
  readonly page: string;
}

const call = async (expression: string): Promise<unknown> =>
  JSON.parse(await client.run(`const { page, tunnels } = await import('/work/tunnel.ts'); console.log(JSON.stringify(await ${expression}));`, TRY_MS)) as unknown;
const proxy = (): string => JSON.stringify({ host: `${sekisho.fullname}-egress-proxy.${NAMESPACE}.svc`, port: 3_128 });
const pageThrough = async (url: string): Promise<string> => await call(`page(${proxy()}, ${JSON.stringify(url)}, ${JSON.stringify(ca)})`) as string;

/** Asks for a tunnel to every name that leads inside, as a Misskey that was told to fetch it would. */
async function tryAll(): Promise<Outcome> {
  const [pod] = await sekisho.pods('egress-proxy');
  const authorities = PLACES.flatMap((place) => hosts[place]).filter(isName).map((host) => `${host}:443`);
  let said: readonly string[] = [];
  const arrived = await arrivalsOf(pod?.ips ?? [], listener, async () => {
    said = await call(`tunnels(${proxy()}, ${JSON.stringify(authorities)})`) as string[];
  });
  const published = await publish(Buffer.from('a page'), { type: 'text/plain' });
  return { arrived, statuses: [...new Set(said)].toSorted(), page: await pageThrough(published.url) };
}

/** Returns once the proxy of these values is the only one and the policies are in force. */
async function change(...values: readonly Values[]): Promise<void> {
  await sekisho.upgrade(Object.assign({}, ...values) as Values);
  await sekisho.waitReady();
  await until(async () => (await podsOf(NAMESPACE, 'app.kubernetes.io/component=egress-proxy')).length === 1, { what: 'the end of the proxy before', timeoutMs: 60_000 });
  await policiesEnforced();
}

const say = (what: string, { arrived, statuses }: Outcome): void =>
  void process.stderr.write(`egress-proxy on ${context().engine}, ${what}: ${JSON.stringify(arrived)} connections to ${Object.values(hosts).flat().filter(isName).length} names, statuses ${statuses.join(' ')}\n`);

describeWithInternet('the way out through the egress-proxy', () => {
  beforeAll(async () => {
    await Promise.all([NAMESPACE, CLIENT_NAMESPACE, LISTENER_NAMESPACE].map(removeNamespace));
    ca = readFileSync(context().internet?.caFile ?? '', 'utf8');
    const [misskey, pod, target] = await Promise.all([
      startMisskey(), clientPod({ name: 'client', namespace: CLIENT_NAMESPACE }), startListener({ name: 'listener', namespace: LISTENER_NAMESPACE }),
    ]);
    [client, listener] = [pod, target];
    hosts = await hostileHosts(listener);
    const from = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': CLIENT_NAMESPACE } } };
    sekisho = await installSekisho({
      namespace: NAMESPACE, misskey,
      values: { gateway: { ...ONE, ...QUICK_END }, imageWorker: ONE, fetcher: { ...ONE, ...QUICK_END }, egressProxy: { enabled: true, ...ONE, ...QUICK_END }, dnsFilter: { enabled: true }, misskey: { networkPolicyPeers: [...misskey.peers, from] } },
    });
  }, 300_000);
  afterAll(async () => {
    stopCounting();
    await dropNamespaces(NAMESPACE, CLIENT_NAMESPACE, LISTENER_NAMESPACE);
  });

  it('leads to public hosts, to no name inside, and passes helm test', async () => {
    const published = await publish(Buffer.from('a page'), { type: 'text/plain' });
    expect(await until(async () => (await pageThrough(published.url)) === '200', { what: 'a page of the internet', timeoutMs: 30_000 })).toBe(true);
    expect(await published.hits()).toBeGreaterThan(0);
    const outcome = await tryAll();
    say('all walls', outcome);
    expect(outcome).toMatchObject({ arrived: NOWHERE, page: '200' });
    const { code, output } = await tryHelm(['test', sekisho.release, '-n', NAMESPACE, '--filter', `name=${sekisho.fullname}-test-egress`, '--logs', '--timeout', '120s']);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/refuses a tunnel to[\s\S]*gives away no address/) });
    expect(output).not.toContain('FAILED');
  });

  it('reaches nothing inside by the policy alone', async () => {
    await change(UNGUARDED, NO_FILTER);
    const outcome = await tryAll();
    say('policy alone', outcome);
    expect(outcome).toEqual({ arrived: NOWHERE, statuses: expect.not.arrayContaining(['200', '403']), page: '200' });
  });

  it('reaches everything without any wall', async () => {
    await change(UNGUARDED, NO_FILTER, NO_POLICY);
    expect(await list({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', namespace: NAMESPACE })).toEqual([]);
    const outcome = await tryAll();
    say('no wall', outcome);
    // A connection that the node refuses has arrived all the same: nobody listens there on 443.
    expect(outcome).toEqual({ arrived: countOf(hosts, isName), statuses: ['200', '502'], page: '200' });
  });

  it('reaches nothing inside by the DNS filter alone', async () => {
    await change(UNGUARDED, NO_POLICY);
    const outcome = await tryAll();
    say('filter alone', outcome);
    expect(outcome).toEqual({ arrived: NOWHERE, statuses: expect.not.arrayContaining(['200', '403']), page: '200' });
  });

  it('reaches nothing inside by the check of the proxy alone', async () => {
    await change(NO_FILTER, NO_POLICY);
    const outcome = await tryAll();
    say('check alone', outcome);
    expect(outcome).toEqual({ arrived: NOWHERE, statuses: ['403'], page: '200' });
  });
});

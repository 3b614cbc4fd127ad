// Three walls against forged requests, each alone: the policy and the DNS filter with a fetcher whose own check is taken
// out, and netguard without the others. And none, where every connection must arrive, or the rest would prove nothing.

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { PICTURES } from '@sekisho/testkit';
import { type Client, clientPod } from './lib/client-pod.ts';
import { list, merge, podsOf, read } from './lib/cluster.ts';
import { context } from './lib/context.ts';
import { until } from './lib/deadline.ts';
import { describeWithInternet, publish } from './lib/internet.ts';
import { startMisskey } from './lib/misskey/misskey.ts';
import { NOWHERE, type Place, type Places, arrivalsOf, countOf, hostileHosts, isName } from './lib/policy/hostile.ts';
import { type Listener, startListener } from './lib/policy/listener.ts';
import { stopCounting } from './lib/policy/node-counter.ts';
import { policiesEnforced } from './lib/policy/probe.ts';
import { QUICK_END, type Sekisho, type Values, dropNamespaces, image, installSekisho, removeNamespace } from './lib/sekisho.ts';

const NAMESPACE = 'e2e-fetcher';
const LISTENER_NAMESPACE = 'e2e-fetcher-listener';
const ONE = { replicas: 1, resources: { requests: { cpu: '20m', memory: '64Mi' } } };
const ASK_MS = 25_000;

let client: Client;
let sekisho: Sekisho;
let listener: Listener;
let hosts: Places<readonly string[]>;

interface Outcome {
  /** TCP connections that arrived. */
  readonly arrived: Places<number>;
  readonly statuses: readonly number[];
  /** Of a picture of the internet: whether the fetcher works at all. */
  readonly picture: number;
}

/** Asks the gateway for every hostile URL, as anybody could. */
async function tryAll(): Promise<Outcome> {
  const [fetcher] = await sekisho.pods('fetcher');
  const urls = Object.values(hosts).flat().map((host) => `https://${host}/picture.png`);
  let statuses: readonly number[] = [];
  const arrived = await arrivalsOf(fetcher?.ips ?? [], listener, async () => {
    statuses = (await Promise.all(urls.map((url) => client.ask(sekisho.media(url), { timeoutMs: ASK_MS })))).map(({ status }) => status);
  });
  const picture = PICTURES['png-emoji'];
  const published = await publish(await picture.bytes(), { type: picture.type });
  const control = await client.ask(sekisho.media(published.url), { timeoutMs: ASK_MS });
  return { arrived, statuses: [...new Set(statuses)].toSorted((a, b) => a - b), picture: control.status };
}

/** Returns once the fetcher of these values is the only one and the policies are in force. */
async function change(values: Values): Promise<void> {
  await sekisho.upgrade(values);
  await sekisho.waitReady();
  // A fetcher that ends still answers on the connections that gateways hold.
  await until(async () => (await podsOf(NAMESPACE, 'app.kubernetes.io/component=fetcher')).length === 1, { what: 'the end of the fetcher before', timeoutMs: 60_000 });
  await policiesEnforced();
}

const say = (what: string, { arrived, statuses }: Outcome): void =>
  void process.stderr.write(`fetcher on ${context().engine}, ${what}: ${JSON.stringify(arrived)} connections to ${Object.values(hosts).flat().length} targets, statuses ${statuses.join(' ')}\n`);

describeWithInternet('forged requests through the gateway', () => {
  beforeAll(async () => {
    await Promise.all([NAMESPACE, LISTENER_NAMESPACE].map(removeNamespace));
    const [misskey, pod, target] = await Promise.all([startMisskey(), clientPod({ name: 'client-fetcher' }), startListener({ name: 'listener', namespace: LISTENER_NAMESPACE })]);
    [client, listener] = [pod, target];
    hosts = await hostileHosts(listener);
    sekisho = await installSekisho({
      namespace: NAMESPACE, misskey,
      values: { gateway: { ...ONE, ...QUICK_END }, imageWorker: ONE, fetcher: { ...ONE, ...QUICK_END, image: image('fetcher-unguarded') } },
    });
    await until(async () => (await client.ask(`${sekisho.url}/`, { timeoutMs: 3_000 })).status === 200, { what: 'the first page', timeoutMs: 30_000 });
  }, 300_000);
  afterAll(async () => {
    stopCounting();
    await dropNamespaces(NAMESPACE, LISTENER_NAMESPACE);
  });

  it('reach nothing by the policy alone, with the check of the fetcher taken out', async () => {
    const outcome = await tryAll();
    say('policy alone', outcome);
    expect(outcome).toEqual({ arrived: NOWHERE, statuses: expect.not.arrayContaining([200, 403, 429]), picture: 200 });
  });

  it('are stopped by the blocks of that policy: once these hold every address, they arrive', async () => {
    const reference = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: `${sekisho.fullname}-fetcher`, namespace: NAMESPACE } };
    const { egress } = (await read(reference))['spec'] as { egress: unknown };
    await merge(reference, { spec: { egress: opened(egress) } });
    await policiesEnforced();
    const outcome = await tryAll();
    say('policy with open blocks', outcome);
    const on443 = (place: Place): number => hosts[place].filter((host) => !/:\d+$/.test(host)).length;
    // Behind its Service the API listens on 6443, which is no port of the rule. To Cilium an address block is never a pod or a node.
    const inside = context().engine === 'cilium' ? { pods: 0, node: 0, api: 0 } : { pods: on443('pods'), node: on443('node'), api: 0 };
    expect(outcome.arrived).toEqual({ ...inside, networks: on443('networks') });
  });

  it('arrive everywhere with all walls gone', async () => {
    await change({ networkPolicy: { enabled: false } });
    expect(await list({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', namespace: NAMESPACE })).toEqual([]);
    const outcome = await tryAll();
    say('no wall', outcome);
    expect(outcome.arrived).toEqual(countOf(hosts, () => true));
  });

  it('reach no name by the DNS filter alone, and every address, which needs no name server', async () => {
    await change({ networkPolicy: { enabled: false }, dnsFilter: { enabled: true } });
    const outcome = await tryAll();
    say('filter alone', outcome);
    expect(outcome).toMatchObject({ arrived: countOf(hosts, (host) => !isName(host)), picture: 200 });
  });

  it('reach nothing by the check of the fetcher alone, without policies', async () => {
    await change({ networkPolicy: { enabled: false }, fetcher: { image: image('fetcher') } });
    const outcome = await tryAll();
    say('check alone', outcome);
    // Another port than 443 is refused as a URL, all else as a target, in the same words.
    expect(outcome).toEqual({ arrived: NOWHERE, statuses: [403], picture: 200 });
  });
});

/** Every block as wide as its family: the exceptions gone, and of IPv6 all that is no unicast of the internet added. */
function opened(egress: unknown): unknown {
  return JSON.parse(JSON.stringify(egress), (key, value: unknown) => {
    if (key !== 'ipBlock') return value;
    return { cidr: (value as { readonly cidr: string }).cidr.includes(':') ? '::/0' : '0.0.0.0/0' };
  }) as unknown;
}

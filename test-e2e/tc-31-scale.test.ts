// Gateways come and go under load, and the whole release goes at the end. Installed and removed by Helm 3, all other cases
// by Helm 4: both must work on a cluster.

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Client, clientPod } from './lib/client-pod.ts';
import { type Manifest, podsOf, scale } from './lib/cluster.ts';
import { until } from './lib/deadline.ts';
import { everythingClusterWide, everythingIn } from './lib/discovery.ts';
import { describeWithInternet } from './lib/internet.ts';
import { startMisskey } from './lib/misskey/misskey.ts';
import { deployment, waitReady } from './lib/ready.ts';
import { type Sekisho, dropNamespaces, installSekisho, merged, removeNamespace } from './lib/sekisho.ts';
import { CLIENT_CPU, TRAFFIC_VALUES, type Expected, expectLossesAreSeen, freshPicture, learnExpected, say, startTraffic } from './lib/traffic.ts';

const NAMESPACE = 'e2e-scale';
const OUTSIDE = 'e2e-scale-outside';
const SCALE_MS_MAX = 120_000;
const UNINSTALL_MS_MAX = 120_000;
/** What every namespace has, and the authority of the tests. */
const NOT_OURS = new Set(['ConfigMap kube-root-ca.crt', 'ServiceAccount default', 'ConfigMap origin-ca']);
let client: Client;
let sekisho: Sekisho;
let expected: Expected;

const nameOf = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.name}`;
const inNamespace = async (): Promise<readonly string[]> => (await everythingIn(NAMESPACE)).map(nameOf).filter((name) => !NOT_OURS.has(name)).toSorted();
const clusterWide = async (): Promise<readonly string[]> => {
  const isOurs = ({ metadata }: Manifest): boolean =>
    (metadata['labels'] as Record<string, string> | undefined)?.['app.kubernetes.io/instance'] === sekisho.release || metadata.name.includes(sekisho.fullname);
  return (await everythingClusterWide()).filter(isOurs).map(nameOf);
};

async function scaleGateway(replicas: number): Promise<void> {
  const reference = deployment(NAMESPACE, `${sekisho.fullname}-gateway`);
  await scale(reference, replicas);
  await waitReady(reference, SCALE_MS_MAX);
  // The pods that leave still have answers to give.
  const labels = `app.kubernetes.io/instance=${sekisho.release},app.kubernetes.io/component=gateway`;
  await until(async () => (await podsOf(NAMESPACE, labels)).length === replicas, { what: `${replicas} gateways`, timeoutMs: SCALE_MS_MAX });
}

describeWithInternet('a release', () => {
  beforeAll(async () => {
    await Promise.all([removeNamespace(NAMESPACE), removeNamespace(OUTSIDE)]);
    const [misskey, pod] = await Promise.all([startMisskey({}, OUTSIDE), clientPod({ namespace: OUTSIDE, cpu: CLIENT_CPU })]);
    client = pod;
    sekisho = await installSekisho({ release: 'scale', namespace: NAMESPACE, misskey, version: 'helm3', values: merged(TRAFFIC_VALUES, { gateway: { replicas: 1 } }) });
    expected = await learnExpected(client, sekisho);
  }, 240_000);
  afterAll(async () => {
    await dropNamespaces(NAMESPACE, OUTSIDE);
  });

  it('loses no request while its gateways become three and one again', async () => {
    await expectLossesAreSeen(client, expected);
    const traffic = startTraffic(client, expected);
    try {
      await until(() => freshPicture(client, expected), { what: 'a picture before the change', timeoutMs: 30_000 });
      await scaleGateway(3);
      await scaleGateway(1);
    } finally {
      const result = await traffic.stop();
      say(`scale 1, 3, 1: ${result.summary}`);
      for (const failure of result.failures) say(`  ${JSON.stringify(failure)}`);
      expect(result).toMatchObject({ failed: 0, failures: [] });
    }
  }, 300_000);

  it('leaves nothing behind but the Secrets that are kept on purpose', async () => {
    const before = await inNamespace();
    // The control: the same look finds what is there now.
    for (const name of ['Deployment', 'Service', 'ServiceAccount', 'ConfigMap', 'NetworkPolicy', 'Pod', 'ReplicaSet', 'EndpointSlice', 'PodDisruptionBudget']) {
      expect(before.filter((found) => found.startsWith(`${name} ${sekisho.fullname}`))).not.toEqual([]);
    }
    await sekisho.uninstall();
    const kept = ['keys', 'redis-state', 'redis-work'].map((role) => `Secret ${sekisho.fullname}-${role}`);
    let left: readonly string[] = before;
    await until(async () => {
      left = await inNamespace();
      return left.length <= kept.length;
    }, { what: 'the end of all objects', timeoutMs: UNINSTALL_MS_MAX, everyMs: 1_000 }).catch(() => undefined);
    expect(left).toEqual(kept);
    expect(await clusterWide()).toEqual([]);
    say(`uninstall: ${before.length} objects, left ${left.join(', ')}`);
  }, 200_000);
});

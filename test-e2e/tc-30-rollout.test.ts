// helm upgrade and helm rollback while people use it, by Helm 4; what Helm 3 does on a cluster is in tc-31. The log level
// is in the environment of all three services: each of their pods is replaced. Redis stays: the evaluation instances lose
// what they hold when they are replaced, so for them tc-40 is the case.

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Client, clientPod } from './lib/client-pod.ts';
import { podsOf } from './lib/cluster.ts';
import { until } from './lib/deadline.ts';
import { describeWithInternet } from './lib/internet.ts';
import { type Misskey, startMisskey } from './lib/misskey/misskey.ts';
import { type Component, type Sekisho, dropNamespaces, installSekisho, removeNamespace } from './lib/sekisho.ts';
import { CLIENT_CPU, TRAFFIC_VALUES, type Expected, type TrafficResult, expectLossesAreSeen, freshPicture, learnExpected, say, startTraffic } from './lib/traffic.ts';

const NAMESPACE = 'e2e-rollout';
const OUTSIDE = 'e2e-rollout-outside';
const SERVICES = ['gateway', 'fetcher', 'image-worker'] as const satisfies readonly Component[];
/** New pods ready, old ones gone. */
const ROLLOUT_MS_MAX = 120_000;
let client: Client;
let misskey: Misskey;
let expected: Expected;

const uidsOf = async (sekisho: Sekisho): Promise<ReadonlySet<string>> =>
  new Set((await Promise.all(SERVICES.map((service) => sekisho.pods(service)))).flat().map(({ uid }) => uid));

/** Every pod of the services is another one than before, and none is on its way out. */
async function waitReplaced(sekisho: Sekisho, before: ReadonlySet<string>): Promise<void> {
  await until(async () => {
    const labels = `app.kubernetes.io/instance=${sekisho.release},app.kubernetes.io/component in (${SERVICES.join(',')})`;
    const pods = await podsOf(sekisho.namespace, labels);
    return pods.length === 2 * SERVICES.length && pods.every(({ uid, isReady, isEnding }) => isReady && !isEnding && !before.has(uid));
  }, { what: 'new pods only', timeoutMs: ROLLOUT_MS_MAX });
  await sekisho.waitReady();
}

async function underTraffic(what: string, change: () => Promise<void>): Promise<TrafficResult> {
  const traffic = startTraffic(client, expected);
  let result: TrafficResult | undefined;
  const beganMs = performance.now();
  try {
    await until(() => freshPicture(client, expected), { what: 'a picture before the change', timeoutMs: 30_000 });
    await change();
  } finally {
    result = await traffic.stop();
    say(`${what}: ${((performance.now() - beganMs) / 1_000).toFixed(0)} s, ${result.summary}`);
    for (const failure of result.failures) say(`  ${JSON.stringify(failure)}`);
  }
  return result;
}

describeWithInternet('a rollout under load', () => {
  beforeAll(async () => {
    await Promise.all([NAMESPACE, OUTSIDE].map(removeNamespace));
    [misskey, client] = await Promise.all([startMisskey({}, OUTSIDE), clientPod({ namespace: OUTSIDE, cpu: CLIENT_CPU })]);
  }, 120_000);
  afterAll(async () => {
    await dropNamespaces(NAMESPACE, OUTSIDE);
  });

  it('loses no request', async () => {
    const sekisho = await installSekisho({ release: 'rollout', namespace: NAMESPACE, misskey, values: TRAFFIC_VALUES });
    expected = await learnExpected(client, sekisho);
    await expectLossesAreSeen(client, expected);
    const before = await uidsOf(sekisho);
    const upgrade = await underTraffic('upgrade', async () => {
      await sekisho.upgrade({ logLevel: 'debug' });
      await waitReplaced(sekisho, before);
    });
    expect(upgrade).toMatchObject({ failed: 0, failures: [] });

    const upgraded = await uidsOf(sekisho);
    const rollback = await underTraffic('rollback', async () => {
      await sekisho.helm(['rollback', sekisho.release]);
      await waitReplaced(sekisho, upgraded);
    });
    expect(rollback).toMatchObject({ failed: 0, failures: [] });
  }, 400_000);
});

// kill -9 of every component under load. Requests may fail; none may hang, no answer may be false, and everything must be
// well again without a hand.

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Client, clientPod } from './lib/client-pod.ts';
import type { Pod } from './lib/cluster.ts';
import { until } from './lib/deadline.ts';
import { describeWithInternet } from './lib/internet.ts';
import { killMain } from './lib/kill.ts';
import { startMisskey } from './lib/misskey/misskey.ts';
import { type Component, type Sekisho, dropNamespaces, installSekisho, removeNamespace } from './lib/sekisho.ts';
import { CLIENT_CPU, TRAFFIC_VALUES, type Expected, type Traffic, countOf, expectLossesAreSeen, freshPicture, learnExpected, say, startTraffic } from './lib/traffic.ts';

const NAMESPACE = 'e2e-kill';
const OUTSIDE = 'e2e-kill-outside';
const READY_MS_MAX = 60_000;
/** Connections come back within a second of Redis, a paused pool within two. */
const PICTURE_MS_MAX = 30_000;
let client: Client;
let sekisho: Sekisho;
let expected: Expected;

const seconds = (ms: number): string => (ms / 1_000).toFixed(1);

/** Kills every replica at once: worse than one after the other, because nobody is there to take over. */
async function killAll(component: Component): Promise<void> {
  const before = await sekisho.pods(component);
  expect(before.length).toBeGreaterThan(0);
  const restartsOf = new Map<string, number>();
  for (const pod of before) if (await killMain(pod)) restartsOf.set(pod.uid, pod.restarts);
  await until(async () => {
    const pods = await sekisho.pods(component);
    const isNew = ({ uid, restarts }: Pod): boolean => restarts > (restartsOf.get(uid) ?? -1) && (restartsOf.has(uid) || before.every((old) => old.uid !== uid));
    return pods.length === before.length && pods.every((pod) => isNew(pod) && pod.isReady);
  }, { what: `${component} started anew`, timeoutMs: READY_MS_MAX, everyMs: 500 });
  await sekisho.waitReady(READY_MS_MAX);
}

describeWithInternet('kill -9 under load', () => {
  beforeAll(async () => {
    await Promise.all([removeNamespace(NAMESPACE), removeNamespace(OUTSIDE)]);
    const [misskey, pod] = await Promise.all([startMisskey({}, OUTSIDE), clientPod({ namespace: OUTSIDE, cpu: CLIENT_CPU })]);
    client = pod;
    sekisho = await installSekisho({ release: 'kill', namespace: NAMESPACE, misskey, values: TRAFFIC_VALUES });
    expected = await learnExpected(client, sekisho);
    await expectLossesAreSeen(client, expected);
  }, 240_000);
  afterAll(async () => {
    await dropNamespaces(NAMESPACE, OUTSIDE);
  });

  it.each<Component>(['gateway', 'fetcher', 'image-worker', 'redis-state', 'redis-work'])('%s', async (component) => {
    const traffic: Traffic = startTraffic(client, expected);
    let readyMs = 0;
    let pictureMs = 0;
    try {
      await until(() => freshPicture(client, expected), { what: 'a picture before', timeoutMs: 30_000 });
      const beganMs = performance.now();
      await killAll(component);
      readyMs = performance.now() - beganMs;
      await until(() => freshPicture(client, expected), { what: 'a picture after', timeoutMs: PICTURE_MS_MAX });
      pictureMs = performance.now() - beganMs;
    } finally {
      const result = await traffic.stop();
      say(`kill -9 of ${component}: ready after ${seconds(readyMs)} s, a new picture after ${seconds(pictureMs)} s, ${result.summary}`);
      expect([countOf(result, 'timeout'), countOf(result, 'reused:timeout'), countOf(result, 'false')]).toEqual([0, 0, 0]);
      expect(countOf(result, '200')).toBeGreaterThan(0);
    }
    // What was lost was lost at the time of the kill: afterwards all is as before.
    const after = startTraffic(client, expected);
    await until(() => freshPicture(client, expected), { what: 'a picture in peace', timeoutMs: 30_000 });
    expect(await after.stop()).toMatchObject({ failed: 0, failures: [] });
  }, 200_000);
});

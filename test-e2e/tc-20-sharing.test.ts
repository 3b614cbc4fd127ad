// Two gateways, one house: budgets, flights and cached pictures are those of both.

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { PICTURES } from '@sekisho/testkit';
import { type Client, clientPod } from './lib/client-pod.ts';
import { type Pod, inUrl } from './lib/cluster.ts';
import { until } from './lib/deadline.ts';
import type { Answer, Crowd } from './lib/in-pod/crowd.ts';
import { describeWithInternet, publish } from './lib/internet.ts';
import { startMisskey } from './lib/misskey/misskey.ts';
import { type Sekisho, dropNamespaces, installSekisho, removeNamespace } from './lib/sekisho.ts';
import { learnExpected, say } from './lib/traffic.ts';

const NAMESPACE = 'e2e-sharing';
const OUTSIDE = 'e2e-sharing-outside';
/** A client has 60,000 ms of cost, and a picture holds 250 from its arrival until it is there. */
const HELD_AT_ONCE = 240;
/** In another /24 than the first: what is refused is the client, not its network. */
const [GREEDY, OTHER] = ['198.18.7.7', '198.18.9.9'] as const;
let client: Client;
let sekisho: Sekisho;
let pictureSha256: string;
let gateways: readonly [Pod, Pod];

/** The same URL, but at the address of one pod. */
const at = (pod: Pod, url: string): string => {
  const there = new URL(url);
  there.host = `${inUrl(pod.ip)}:8080`;
  return there.href;
};
const as = (address: string): Readonly<Record<string, string>> => ({ 'x-forwarded-for': address });
const from = (address: string, url: string): Crowd['asks'][number] => ({ url, headers: as(address) });
const ask = async (pod: Pod, url: string, address: string): Promise<Answer> => {
  const [answer] = await client.crowd({ asks: [from(address, at(pod, url))], timeoutMs: 25_000 });
  if (answer === undefined) throw new Error('no answer');
  return answer;
};
const counted = (answers: readonly Answer[]): Readonly<Record<string, number>> =>
  answers.reduce<Record<string, number>>((sum, { code }) => ({ ...sum, [code]: (sum[code] ?? 0) + 1 }), {});

describeWithInternet('two gateways', () => {
  beforeAll(async () => {
    await Promise.all([removeNamespace(NAMESPACE), removeNamespace(OUTSIDE)]);
    const [misskey, pod] = await Promise.all([startMisskey({}, OUTSIDE), clientPod({ namespace: OUTSIDE })]);
    client = pod;
    sekisho = await installSekisho({ release: 'sharing', namespace: NAMESPACE, misskey });
    ({ pictureSha256 } = await learnExpected(client, sekisho));
    const [one, two, ...more] = await sekisho.pods('gateway');
    if (one === undefined || two === undefined || more.length > 0) throw new Error('two gateways were expected');
    gateways = [one, two];
  }, 240_000);
  afterAll(async () => {
    await dropNamespaces(NAMESPACE, OUTSIDE);
  });

  it('fetches a picture once that a hundred ask for at the same moment, fifty at each', async () => {
    const picture = PICTURES['png-emoji'];
    // Late enough for all to have arrived before the picture is there.
    const published = await publish(await picture.bytes(), { type: picture.type, delayMs: 3_000 });
    const url = sekisho.media(published.url, 'emoji=1');
    const asks = Array.from({ length: 100 }, (_, index) => from(`198.18.1.${index + 1}`, at(gateways[index % 2 === 0 ? 0 : 1], url)));
    const answers = await client.crowd({ asks, timeoutMs: 25_000 });
    expect(counted(answers)).toEqual({ 200: 100 });
    expect(new Set(answers.map(({ sha256 }) => sha256))).toEqual(new Set([pictureSha256]));
    expect(new Set(answers.map(({ headers }) => headers['content-type']))).toEqual(new Set(['image/webp']));
    const verdicts = answers.map(({ headers }) => headers['sekisho-cache']);
    expect([verdicts.filter((verdict) => verdict === 'miss').length, verdicts.filter((verdict) => verdict === 'shared').length]).toEqual([1, 99]);
    expect(await published.hits()).toBe(1);
    say(`100 equal misses over two gateways: ${await published.hits()} GET, slowest answer ${(Math.max(...answers.map(({ ms }) => ms)) / 1_000).toFixed(1)} s`);
    for (const gateway of gateways) {
      const again = await ask(gateway, url, OTHER);
      expect([again.code, again.headers['sekisho-cache'], again.sha256]).toEqual(['200', 'hit', pictureSha256]);
    }
    // The control: the origin does count, for each other picture is one more.
    expect([(await ask(gateways[0], sekisho.media(`${published.url}?other`, 'emoji=1'), OTHER)).code, await published.hits()]).toEqual(['200', 2]);
  });

  it('refuses at one what a client has spent at the other, and nobody else', async () => {
    const [first, second] = gateways;
    const picture = PICTURES['png-emoji'];
    // A host of its own, and less late than a fetch may be: a host that fails is left alone for a while.
    const slow = await publish(await picture.bytes(), { type: picture.type, delayMs: 4_000 }, 'slow.origin.example');
    const quick = await publish(await picture.bytes(), { type: picture.type });
    let asked = 0;
    const fresh = (): string => sekisho.media(`${quick.url}?${(asked += 1)}`, 'emoji=1');
    expect((await ask(second, fresh(), GREEDY)).code).toBe('200');

    const asks = Array.from({ length: HELD_AT_ONCE + 60 }, (_, index) => from(GREEDY, at(first, sekisho.media(`${slow.url}?${index}`, 'emoji=1'))));
    const holding = client.crowd({ asks, timeoutMs: 30_000, leaveMs: 15_000 });
    try {
      // The greedy one and another, side by side; four pictures of the greedy one end every four seconds and make room.
      const both = await until(async () => {
        const meanwhile = [...Array.from({ length: 6 }, () => from(GREEDY, at(second, fresh()))), from(OTHER, at(second, fresh()))];
        const answers = await client.crowd({ asks: meanwhile, timeoutMs: 10_000 });
        return answers.some(({ code }) => code === '429') && answers;
      }, { what: 'a refusal at the second gateway', timeoutMs: 14_000, everyMs: 50 });
      const refused = both.find(({ code }) => code === '429');
      expect([refused?.headers['sekisho-code'], Number(refused?.headers['retry-after']) > 0]).toEqual(['RATE_LIMITED', true]);
      expect([both.at(-1)?.code, both.at(-1)?.sha256]).toEqual(['200', pictureSha256]);
    } finally {
      const held = counted(await holding);
      say(`one client at one gateway: ${JSON.stringify(held)}`);
    }
    // Who leaves gets back what nobody has used.
    await until(async () => (await ask(second, fresh(), GREEDY)).code === '200', { what: 'the refund', timeoutMs: 10_000 });
  });
});

// kill -9 of each part under load: nothing hangs, nothing false is served, and what was killed comes back without a
// restart of the others.

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { encodePng, filterBombSvg, makePicture, makeStream, paint, startMisskeyStub } from '@sekisho/testkit';
import { type Answer, ask } from './client.ts';
import { expectMediaAnswer, expectPicture, expectRefusal, see } from './contract.ts';
import { type Fixture, START_MS, eventually, startFixture } from './fixture.ts';
import { cpuTicks, descendantsOf, isAlive } from './processes.ts';

jest.setTimeout(120_000);
/** Fetch, line and decode at their limits, one after the other, and air. */
const DEADLINE_MS = 45_000;
const IN_FLIGHT = 24;
const RECOVERY_MS = 20_000;

let stack: Fixture;
/** A second stack, whose first gateway dies at the start with charges held: see the last test. */
let orphaned: Fixture;
let known: string;
let clip: string;
let counter = 0;

beforeAll(async () => {
  [stack, orphaned] = await Promise.all([startFixture(), startFixture({ gateways: 2 })]);
  known = await stack.publishPicture('png-emoji');
  clip = stack.publish(makeStream('video/webm', 100_000), { etag: '"v1"', ranges: true });
  await expectPicture(await stack.media(known, 'emoji'));
  await holdAndDie();
}, START_MS);
afterAll(async () => {
  await stack?.stop();
  await orphaned?.stop();
});

/** A picture nobody has asked for yet. */
function fresh(): string {
  counter += 1;
  return stack.publish(encodePng(paint(100 + (counter % 50), 90, 4, counter)), { delayMs: 20 * (counter % 10) });
}

const kill = (pid: number | undefined): void => void process.kill(pid ?? 0, 'SIGKILL');

/** Every answer came in time and tells the truth: a picture that decodes, or a refusal. */
async function expectTruth(answers: readonly (Answer | undefined)[]): Promise<readonly number[]> {
  for (const answer of answers) {
    if (answer === undefined) throw new Error('no answer at all');
    expect(answer.ms).toBeLessThan(DEADLINE_MS);
    expectMediaAnswer(answer);
    if (answer.status === 200) {
      expect(answer.complete).toBe(true);
      expect((await see(answer.body)).type).toBe('image/webp');
    } else expect([422, 429, 502, 503, 504]).toContain(answer.status);
  }
  return answers.map((answer) => answer?.status ?? 0);
}

/** Load, a blow in the middle of it, and what became of the load. */
async function under(blow: () => void | Promise<void>): Promise<readonly number[]> {
  // A gateway that lost sight of Redis may have missed a purge, and forgets what it kept.
  await expectPicture(await stack.media(known, 'emoji'));
  const load = Array.from({ length: IN_FLIGHT }, async (_, at) => await stack.media(fresh(), 'avatar', { client: `198.51.100.${at}` }).catch(() => undefined));
  await delay(250);
  await blow();
  return await expectTruth(await Promise.all(load));
}

const pidsOf = (): readonly (number | undefined)[] => [stack.stack.children.gateways[0]?.pid, stack.stack.children.fetcher.pid, stack.stack.children.worker.pid];

async function expectUnaffected(): Promise<void> {
  const hit = await stack.media(known, 'emoji');
  expect({ status: hit.status, cache: hit.headers['sekisho-cache'] }).toEqual({ status: 200, cache: 'hit' });
  expect((await stack.get('/')).status).toBe(200);
  expect((await ask(`http://127.0.0.1:${stack.stack.ports.gatewayOps[0]}/readyz`)).status).toBe(200);
}

const recovers = async (): Promise<boolean> => await eventually(async () => (await stack.media(fresh(), 'emoji', { client: '203.0.113.77' })).status === 200, RECOVERY_MS);

describe('Redis', () => {
  it('away: hits, streams and pages go on, transforms get 503; back: all goes on, nobody was restarted', async () => {
    const before = pidsOf();
    const statuses = await under(() => kill(stack.stack.redis?.child.pid));
    expect(statuses.some((status) => status !== 200)).toBe(true);
    await expectUnaffected();
    const stream = await stack.media(clip, '', { headers: { range: 'bytes=100-199' } });
    expect({ status: stream.status, bytes: stream.body.length }).toEqual({ status: 206, bytes: 100 });
    expect((await stack.media(known, '')).status).toBe(200);
    for (let turn = 0; turn < 3; turn += 1) {
      const answer = await stack.media(fresh(), 'emoji');
      expectRefusal(answer, 503, 'OVERLOADED');
      expect(answer.ms).toBeLessThan(10_000);
    }
    const body = JSON.parse((await ask(`http://127.0.0.1:${stack.stack.ports.gatewayOps[0]}/readyz`)).body.toString()) as unknown;
    expect(JSON.stringify(body)).toMatch(/redis/);
    expect(await stack.metric('gateway', 'sekisho_dependency_up', { dependency: 'state_redis' })).toBe(0);
    await stack.stack.redis?.restart();
    expect(await recovers()).toBe(true);
    expect(await stack.metric('gateway', 'sekisho_dependency_up', { dependency: 'state_redis' })).toBe(1);
    expect(pidsOf()).toEqual(before);
    expect(before.every((pid) => isAlive(pid ?? 0))).toBe(true);
  });
});

describe('the image-worker', () => {
  it('killed: no hang, no false success; started again: the next picture is served', async () => {
    const statuses = await under(async () => {
      kill(stack.stack.children.worker.pid);
      await expectUnaffected();
    });
    expect(statuses).toContain(503);
    expect((await stack.media(clip)).status).toBe(200);
    await stack.stack.restart('worker');
    expect(await recovers()).toBe(true);
  });

  it('leaves no decoder behind when it is killed', async () => {
    const { pid } = stack.stack.children.worker;
    await stack.media(fresh(), 'emoji');
    const children = descendantsOf(pid ?? 0);
    expect(children.length).toBeGreaterThan(0);
    kill(pid);
    expect(await eventually(() => children.every((child) => !isAlive(child)), 5_000)).toBe(true);
    await stack.stack.restart('worker');
    expect(await recovers()).toBe(true);
  });
});

/** A start costs 9, and a loaded decoder without a picture uses none. */
const AT_WORK_TICKS = 20;

describe('a decoder', () => {
  it.each(['SIGSEGV', 'SIGKILL', 'SIGSTOP'] as const)('that meets %s costs its picture, not the service', async (signal) => {
    const worker = stack.stack.children.worker.pid ?? 0;
    const before = new Map(descendantsOf(worker).map((pid) => [pid, cpuTicks(pid)]));
    const bomb = stack.media(stack.publish(Buffer.from(filterBombSvg(900 + counter++))), 'avatar', { client: '198.51.100.200' });
    // The one at work; a stopped process that waits for work could only come from outside.
    const busy = (): number | undefined => descendantsOf(worker).find((pid) => cpuTicks(pid) - (before.get(pid) ?? 0) > AT_WORK_TICKS);
    expect(await eventually(() => busy() !== undefined, 15_000)).toBe(true);
    const pid = busy();
    if (pid !== undefined) process.kill(pid, signal);
    const answer = await bomb;
    expect([422, 503]).toContain(answer.status);
    expectMediaAnswer(answer);
    expect(answer.ms).toBeLessThan(20_000);
    await expectPicture(await stack.media(fresh(), 'emoji', { client: '203.0.113.78' }));
    expect(isAlive(worker)).toBe(true);
  });
});

describe('the fetcher', () => {
  it('killed: no hang, no false success; started again: the next picture is served', async () => {
    const reading = stack.media(stack.origin.url('/drip?head=50000&ms=100', 'cut.origin.example')).catch(() => undefined);
    await delay(300);
    await under(() => kill(stack.stack.children.fetcher.pid));
    const cut = await reading;
    expect(cut?.status === 200 && cut.complete).toBe(false);
    await expectUnaffected();
    expectRefusal(await stack.media(fresh(), 'emoji'), 503, 'OVERLOADED');
    await stack.stack.restart('fetcher');
    expect(await recovers()).toBe(true);
  });
});

describe('Misskey', () => {
  it('away: its routes get 503 with Retry-After, media go on; back: pages again', async () => {
    const { port, publicUrl } = stack.misskey;
    await stack.misskey.close();
    const page = await stack.get('/notes/1');
    expect({ status: page.status, retry: Number(page.headers['retry-after']) > 0 }).toEqual({ status: 503, retry: true });
    await expectPicture(await stack.media(known, 'emoji'));
    await expectPicture(await stack.media(fresh(), 'emoji'));
    expectRefusal(await stack.media(`${publicUrl}/files/x.png`, 'avatar'), 503, 'OVERLOADED');
    const again = await startMisskeyStub({ port, publicUrl });
    try {
      expect(await eventually(async () => (await stack.get('/notes/1')).status === 200)).toBe(true);
    } finally {
      await again.close();
    }
  });
});

const HOLDER = '198.51.100.99';
/** An abandoned charge is held for two lives of 60 s at most; then it drains. */
const HELD_MS = 130_000;

/** Fills a client's bucket through one gateway and kills that gateway. */
async function holdAndDie(): Promise<void> {
  for (let at = 0; at < 250; at += 1) {
    orphaned.media(orphaned.origin.url(`/hang?${at}`, `o${at}.origin.example`), 'emoji', { client: HOLDER }).catch(() => undefined);
  }
  expect(await eventually(() => orphaned.origin.hits('/hang') >= 200, 15_000)).toBe(true);
  kill(orphaned.stack.children.gateways[0]?.pid);
}

describe('a gateway', () => {
  it('killed with charges held: they decay, and the other gateway serves the client again', async () => {
    orphaned.origin.serve('/after.png', { bytes: await makePicture('png-emoji') });
    const url = orphaned.origin.url('/after.png');
    expect((await orphaned.media(url, 'emoji', { gateway: 1, client: '203.0.113.99' })).status).toBe(200);
    expect(await eventually(async () => (await orphaned.media(orphaned.origin.url(`/after.png?${performance.now()}`), 'emoji', { gateway: 1, client: HOLDER })).status === 200, HELD_MS)).toBe(true);
  }, HELD_MS + 20_000);
});

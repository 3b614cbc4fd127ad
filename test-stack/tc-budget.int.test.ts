// What one client may cost: a page of 200 emoji passes at once, forty bombs do not, and nobody else pays for them.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { encodePng, filterBombSvg, paint } from '@sekisho/testkit';
import { expectMediaAnswer, expectPicture, expectRefusal } from './contract.ts';
import { type Fixture, START_MS, eventually, startFixture } from './fixture.ts';

jest.setTimeout(120_000);
const HOSTS = 10;
let stack: Fixture;
beforeAll(async () => {
  stack = await startFixture();
}, START_MS);
afterAll(async () => await stack?.stop());

/** Publishes variants of bytes, over several hosts as on a real page. */
function publish(name: string, count: number, bytes: (at: number) => Buffer): readonly string[] {
  return Array.from({ length: count }, (_, at) => {
    const path = `/${name}/${at}`;
    stack.origin.serve(path, { bytes: bytes(at) });
    return stack.origin.url(path, `${name}${at % HOSTS}.origin.example`);
  });
}

const cost = async (name: 'charged' | 'refunded'): Promise<number> => await stack.metric('gateway', `sekisho_gateway_cost_${name}_ms_total`, { area: 'media' });

describe('a page of 200 different emoji from one client', () => {
  it('is served whole', async () => {
    const client = '198.51.100.7';
    const urls = publish('page', 200, (at) => encodePng(paint(48 + (at % 20), 48, 4, at)));
    const answers = await Promise.all(urls.map(async (url) => await stack.media(url, 'emoji', { client })));
    const refused = answers.filter(({ status }) => status !== 200).map(({ status, headers }) => `${status} ${String(headers['sekisho-code'])}`);
    expect(refused).toEqual([]);
    for (const answer of answers.slice(0, 20)) await expectPicture(answer);
    // And again, from the cache, with the reload of an impatient reader.
    const again = await Promise.all([...urls, ...urls].map(async (url) => await stack.media(url, 'emoji', { client })));
    expect(new Set(again.map(({ status, headers }) => `${status} ${String(headers['sekisho-cache'])}`))).toEqual(new Set(['200 hit']));
  });

  it('has most of its charge given back', async () => {
    const [charged, refunded] = [await cost('charged'), await cost('refunded')];
    expect(charged).toBeGreaterThanOrEqual(200 * 250);
    expect(refunded).toBeGreaterThan(charged * 0.3);
    expect(refunded).toBeLessThan(charged);
  });
});

describe('forty bombs from one client', () => {
  it('are mostly refused, while another client\'s hits, streams and pages go on', async () => {
    const [known = ''] = publish('known', 1, () => encodePng(paint(64, 64, 4)));
    await expectPicture(await stack.media(known, 'emoji', { client: '203.0.113.8' }));
    const urls = publish('bomb', 40, (at) => Buffer.from(filterBombSvg(1_000 + at)));
    const load = { running: true };
    const bombs = Promise.all(urls.map(async (url) => await stack.media(url, 'avatar', { client: '198.51.100.8' }))).finally(() => {
      load.running = false;
    });
    let turns = 0;
    while (load.running && turns < 200) {
      const hit = await stack.media(known, 'emoji', { client: '203.0.113.8' });
      expect(hit.headers['sekisho-cache']).toBe('hit');
      expect((await stack.media(known, '', { client: '203.0.113.8' })).status).toBe(200);
      expect((await stack.get('/', { client: '203.0.113.8' })).status).toBe(200);
      turns += 1;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const answers = await bombs;
    answers.forEach(expectMediaAnswer);
    const refused = answers.filter(({ status }) => status === 429 || status === 503);
    expect(refused.length).toBeGreaterThan(20);
    expect(answers.every(({ status }) => [200, 422, 429, 503].includes(status))).toBe(true);
    expect(turns).toBeGreaterThan(3);
  });

  it('leave a stack that serves everybody\'s next picture', async () => {
    const [url = ''] = publish('after', 1, () => encodePng(paint(70, 64, 4)));
    await expectPicture(await stack.media(url, 'emoji', { client: '203.0.113.9' }));
  });
});

describe('a spent budget', () => {
  it('answers 429 with Retry-After, to one client alone', async () => {
    const client = '198.51.101.9';
    // 250 ms of CPU are held for each picture that waits for its first byte: 240 of them are the whole bucket.
    const leaving = new AbortController();
    const held = Array.from({ length: 245 }, async (_, at) => await stack.media(stack.origin.url(`/hang?${at}`, `held${at}.origin.example`), 'emoji', { client, signal: leaving.signal }).catch(() => undefined));
    expect(await eventually(() => stack.origin.hits('/hang') >= 200)).toBe(true);
    const [url = '', other = ''] = publish('cheap', 2, (at) => encodePng(paint(40 + at, 40, 4)));
    const answer = await stack.media(url, 'emoji', { client });
    expectRefusal(answer, 429, 'RATE_LIMITED');
    const fallback = await stack.media(url, 'emoji&fallback', { client });
    expect({ status: fallback.status, control: fallback.headers['cache-control'], code: fallback.headers['sekisho-code'] }).toEqual({ status: 200, control: 'no-store', code: 'RATE_LIMITED' });
    await expectPicture(await stack.media(other, 'emoji', { client: '203.0.113.10' }));
    leaving.abort();
    await Promise.all(held);
    // What was held for work that never ran comes back.
    expect(await eventually(async () => (await stack.media(url, 'emoji', { client })).status === 200, 10_000)).toBe(true);
  });
});

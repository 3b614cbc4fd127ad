// Every picture of the corpus through the whole fetcher: what must come out is stored, what must not never is an error of ours.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CODES } from '@sekisho/contracts';
import { readImageCases, startRedis, type TestRedis } from '@sekisho/testkit';
import { type Rig, startRig } from './testing/rig.ts';

const cases = readImageCases();
const TIME_MS = 60_000;
let redis: TestRedis;
let rig: Rig;

beforeAll(async () => {
  redis = await startRedis();
  rig = await startRig({ redisUrl: redis.url, limits: { totalMs: 10_000 }, config: { workBytesMax: 512 * 1024 * 1024 } });
});
afterAll(async () => {
  await rig.stop();
  await redis.stop();
});

// Without the corpus beside the repository there is nothing to run; an emptied corpus throws.
(cases.length > 0 ? describe : describe.skip)('the picture corpus', () => {
  it('is stored where a picture must come out, and else ends with a public code', async () => {
    const wrong: string[] = [];
    const admin = redis.client();
    for (const [at, row] of cases.entries()) {
      rig.origin.serve(`/${at}`, { bytes: row.read(), type: row.contentType ?? 'image/png' });
      const sum = await rig.sum(rig.origin.url(`/${at}`, `i${at}.origin.example`), { want: 'store' });
      const code = sum.split(' ')[1] as keyof typeof CODES;
      const isClean = sum.startsWith('stored ') || (sum.startsWith('deny ') && CODES[code].status < 500);
      if (row.expected === 'ok' ? !sum.startsWith('stored ') : !isClean) wrong.push(`${row.file} (${row.expected}, ${row.reason}): ${sum}`);
      await admin.flushall();
    }
    expect(cases.length).toBeGreaterThan(100);
    expect(wrong).toEqual([]);
    expect(await rig.origin.idle(2_000)).toBe(true);
    expect(rig.app.running).toBe(0);
  }, TIME_MS);
});

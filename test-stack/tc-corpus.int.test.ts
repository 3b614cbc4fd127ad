// The shared corpus of pictures, whole: every case ends as its manifest says, in time, and the next request is served.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Canary, type ImageCase, corpusFolder, hrefSvg, makePicture, readImageCases, startCanary } from '@sekisho/testkit';
import { isAlive } from './processes.ts';
import { expectMediaAnswer, expectPicture } from './contract.ts';
import { type Fixture, START_MS, startFixture } from './fixture.ts';

jest.setTimeout(60_000);
/** Wall time of one request on a loaded machine: fetch, wait and decode at their limits. */
const WALL_MS = 30_000;
const CPU_SLACK_S = 1;
const AT_ONCE = 2;
const MODES = ['emoji', 'preview', ''] as const;

/** What the generator's files name as targets or files that nobody may touch. */
const SECRET_MARKS = [/root:x:0:0/, /127\.0\.0\.1\s+localhost/];

const folder = corpusFolder();
const cases = readImageCases(folder);
const each = folder === undefined ? describe.skip : describe;

each('the corpus of pictures (beside the repository; skipped without it)', () => {
  let stack: Fixture;
  let canary: Canary;
  let cpuSum = async (): Promise<number> => 0;
  beforeAll(async () => {
    stack = await startFixture();
    canary = await startCanary();
    cpuSum = async () => await stack.metric('worker', 'sekisho_image_worker_decode_cpu_seconds_sum');
  }, START_MS);
  afterAll(async () => {
    await stack?.stop();
    await canary?.stop();
  });

  it('holds cases of every verdict', () => {
    expect(cases.length).toBeGreaterThan(100);
    expect(new Set(cases.map(({ expected }) => expected))).toEqual(new Set(['ok', 'reject', 'any']));
  });

  it.each(MODES)('ends as the manifest says: mode %p', async (mode) => {
    const failures: string[] = [];
    const queue = [...cases.entries()];
    const lane = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const problem = await problemOf(stack, next[1], mode, next[0]);
        if (problem !== undefined) failures.push(`${next[1].file}: ${problem}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    expect(failures).toEqual([]);
    // The stack is whole, and serves the next request.
    const { gateways, fetcher, worker } = stack.stack.children;
    expect([...gateways, fetcher, worker].every(({ pid }) => isAlive(pid ?? 0))).toBe(true);
    await expectPicture(await stack.media(stack.publish(await makePicture('png-emoji')), 'emoji'));
  }, 240_000);

  it('follows no reference out of a picture: no connection, no file', async () => {
    const hosts = ['svg-xxe', 'svg-href-http', 'svg-href-file'];
    const found = cases.filter(({ name }) => hosts.includes(name));
    expect(found.length).toBe(hosts.length);
    for (const picture of found) {
      // The same attack aimed at a listener that counts, and at a file whose content would show.
      const aimed = picture.read().toString().replaceAll(/http:\/\/[^"'<>\s)]+/g, (url) => (url.includes('w3.org') ? url : `http://127.0.0.1:${canary.port}/x.png`));
      for (const bytes of [picture.read(), Buffer.from(aimed)]) {
        const answer = await stack.media(stack.publish(bytes, { type: 'image/svg+xml' }));
        expectMediaAnswer(answer);
        expect(answer.body.toString('latin1')).not.toContain('root:');
      }
    }
    expect(canary.connections).toBe(0);
    const direct = hrefSvg(`http://127.0.0.1:${canary.port}/x.png`);
    expectMediaAnswer(await stack.media(stack.publish(Buffer.from(direct), { type: 'image/svg+xml' }), 'emoji'));
    expect(canary.connections).toBe(0);
    await fetch(`http://127.0.0.1:${canary.port}/`).catch(() => undefined);
    expect(canary.connections).toBe(1); // the control: it counts
  });

  it('costs each hostile picture no more CPU than its manifest allows', async () => {
    const dear = cases.filter(({ expected, maxSeconds }) => expected !== 'ok' && maxSeconds !== undefined);
    expect(dear.length).toBeGreaterThan(10);
    const over: string[] = [];
    for (const [at, picture] of dear.entries()) {
      const before = await cpuSum();
      await stack.media(stack.publish(Buffer.concat([picture.read()]), { type: picture.contentType ?? '' }), 'avatar', { client: `198.51.102.${at}` });
      const used = (await cpuSum()) - before;
      if (used > (picture.maxSeconds ?? 0) + CPU_SLACK_S) over.push(`${picture.file}: ${used} s of ${picture.maxSeconds}`);
    }
    expect(over).toEqual([]);
  }, 240_000);
});

async function problemOf(stack: Fixture, picture: ImageCase, mode: string, at: number): Promise<string | undefined> {
  const type = picture.contentType;
  const path = `/c/${mode}/${at}`;
  stack.origin.serve(path, { bytes: picture.read(), ...(type === undefined ? {} : { type }) });
  // A client and a host per case: budgets and pauses are not what is tested here.
  const answer = await stack.media(stack.origin.url(path, `c${at}.origin.example`), mode, { client: `198.51.${mode.length}.${at % 250}`, timeoutMs: WALL_MS });
  try {
    expectMediaAnswer(answer);
    if (SECRET_MARKS.some((mark) => mark.test(answer.body.toString('latin1')))) return 'a local file shows up';
    if (answer.status >= 500) return `status ${answer.status} ${String(answer.headers['sekisho-code'])}`;
    if (!answer.complete) return 'broke off';
    // Passed as they are, broken pictures may pass: only what leaves a decoder must be sound.
    if (mode === '') return answer.status !== 200 && picture.expected === 'ok' ? `status ${answer.status}` : undefined;
    if (answer.status !== 200) return picture.expected === 'ok' ? `status ${answer.status} ${String(answer.headers['sekisho-code'])}` : undefined;
    if (picture.expected === 'reject') return 'answered with a picture';
    return await wrongPicture(answer, picture, mode);
  } catch (error) {
    return error instanceof Error ? error.message.split('\n').slice(0, 6).join(' ') : String(error);
  }
}

async function wrongPicture(answer: Parameters<typeof expectPicture>[0], picture: ImageCase, mode: string): Promise<string | undefined> {
  const passed = answer.headers['content-type'] !== 'image/webp';
  // Small animations pass as they came: nothing here can decode those.
  if (passed) return ['image/apng', 'image/avif'].includes(String(answer.headers['content-type'])) && answer.body.equals(picture.read()) ? undefined : `type ${answer.headers['content-type']}`;
  const seen = await expectPicture(answer);
  const { width, height, frames, loop } = picture;
  if (picture.expected !== 'ok' || width === undefined || height === undefined) return undefined;
  const factor = Math.min(1, mode === 'emoji' ? 128 / height : Math.min(200 / width, 200 / height));
  const vector = picture.contentType === 'image/svg+xml' || picture.file.endsWith('.svg');
  const wide = Math.abs(seen.width - Math.max(1, width * factor)) > 1.5 || Math.abs(seen.height - Math.max(1, height * factor)) > 1.5;
  if (wide && !vector) return `${seen.width}x${seen.height} instead of ${width}x${height} made smaller`;
  if (mode === 'emoji' && frames !== undefined && frames > 1 && frames <= 300 && seen.frames < 2 && answer.headers['sekisho-note'] === undefined && /gif|webp/.test(picture.contentType ?? picture.file)) return `${seen.frames} of ${frames} frames`;
  if (mode === 'emoji' && loop !== undefined && seen.frames > 1 && seen.loop !== playsOf(picture, loop)) return `plays ${seen.loop} times, loop was ${loop}`;
  return undefined;
}

/** GIF counts repetitions, WebP plays; 0 is endless in both. */
const playsOf = (picture: ImageCase, loop: number): number => (loop > 0 && picture.file.endsWith('.gif') ? loop + 1 : loop);

// What users do all the time, for cases that change the cluster under them: cached and uncached pictures and pages, over
// connections that are new each time and over such that are kept, every answer compared with the expected bytes.

import { createHash } from 'node:crypto';
import { expect } from '@jest/globals';
import { readMediaHeader } from '@sekisho/media-header';
import { PICTURES, encodeGif } from '@sekisho/testkit';
import type { Client } from './client-pod.ts';
import { until } from './deadline.ts';
import type { Reply } from './in-pod/ask.ts';
import type { Failure, Load, LoadResult } from './in-pod/load.ts';
import { publish } from './internet.ts';
import type { Sekisho, Values } from './sekisho.ts';

/** A case that forgets to stop its traffic must end all the same. */
const TRAFFIC_MS_MAX = 240_000;
/** Behind the gateway's own: a fetch, the line, a job whose worker is gone (25 s), and some air. */
const REQUEST_MS_MAX = 30_000;
const CLIENTS = 40;
const PICTURE = PICTURES['png-emoji'];
const SIDE = 128; // emoji mode
/** Takes a worker 0.15 s of CPU, on a node that is rolled out a second: there is often work to be interrupted. */
const ANIMATION = { width: SIDE, height: SIDE, frames: 30, loop: 0 };

/** The client's share of the node: what it waits for itself looks like a slow answer. */
export const CLIENT_CPU = '200m';
/** A busy node shares its cores by requests; as in the chart's defaults the gateway has the most and pictures wait. */
export const TRAFFIC_VALUES: Values = {
  gateway: { resources: { requests: { cpu: '200m' } } },
  fetcher: { resources: { requests: { cpu: '80m' } } },
  imageWorker: { resources: { requests: { cpu: '100m' } } },
  redis: { evaluation: { resources: { requests: { cpu: '50m' } } } },
};

export interface Expected {
  /** URLs of the picture in the cache. */
  readonly hits: readonly string[];
  /** `{n}` stands for what makes it a new picture. */
  readonly miss: string;
  readonly animation: string;
  readonly page: string;
  readonly pictureSha256: string;
  readonly animationSha256: string;
  readonly pageSha256: string;
}

export interface TrafficResult {
  readonly requests: number;
  readonly failed: number;
  /** By stream. */
  readonly results: Readonly<Record<string, LoadResult>>;
  readonly failures: readonly Failure[];
  /** In one line. */
  readonly summary: string;
}

export interface Traffic {
  stop(): Promise<TrafficResult>;
}

async function answered(client: Client, url: string): Promise<Reply> {
  const reply = await client.ask(url);
  if (reply.status !== 200) throw new Error(`${url}: ${JSON.stringify(reply)}`);
  return reply;
}

/** Asks for each thing while all is well, and looks at the pictures themselves. */
export async function learnExpected(client: Client, sekisho: Sekisho): Promise<Expected> {
  const [picture, animation] = await Promise.all([
    publish(await PICTURE.bytes(), { type: PICTURE.type }),
    publish(await encodeGif(ANIMATION), { type: 'image/gif' }),
  ]);
  const at = (url: string, query: string): string => sekisho.media(`${url}?${query}`, 'emoji=1');
  const hits = [at(picture.url, 'a'), at(picture.url, 'b')] as const;
  const page = `${sekisho.url}/`;
  // kube-proxy writes at most once in a second, and an unknown name is remembered for 5 s.
  await until(async () => (await client.ask(page, { timeoutMs: 3_000 })).status === 200, { what: 'the first page', timeoutMs: 30_000 });
  const [first, second, moving, html] = [await answered(client, hits[0]), await answered(client, hits[1]), await answered(client, at(animation.url, 'a')), await answered(client, page)];
  const headerOf = ({ body }: Reply): unknown => readMediaHeader(Buffer.from(body, 'base64'));
  expect(headerOf(first)).toMatchObject({ kind: 'picture', type: 'image/webp', width: SIDE, height: SIDE });
  expect(headerOf(moving)).toMatchObject({ kind: 'picture', type: 'image/webp', width: SIDE, height: SIDE });
  // The same source gives the same bytes, whichever worker made them: what every comparison stands on.
  expect(second.sha256).toBe(first.sha256);
  const numbered = (url: string): string => at(url, 'n={n}').replace(encodeURIComponent('{n}'), '{n}');
  return {
    hits, miss: numbered(picture.url), animation: numbered(animation.url), page,
    pictureSha256: first.sha256, animationSha256: moving.sha256, pageSha256: html.sha256,
  };
}

/** A new URL of the picture, through fetcher and worker; true when exactly the expected bytes come. */
export async function freshPicture(client: Client, { miss, pictureSha256 }: Expected, timeoutMs = REQUEST_MS_MAX): Promise<boolean> {
  const reply = await client.ask(miss.replace('{n}', createHash('sha256').update(String(performance.now())).digest('hex')), { timeoutMs });
  return reply.status === 200 && reply.headers['sekisho-cache'] === 'miss' && reply.sha256 === pictureSha256;
}

/** About 20 requests/s: two cores have to do the rest, too. */
export function startTraffic(client: Client, expected: Expected): Traffic {
  const { hits, miss, animation, page, pictureSha256, animationSha256, pageSha256 } = expected;
  const common = { durationMs: TRAFFIC_MS_MAX, timeoutMs: REQUEST_MS_MAX, clients: CLIENTS };
  const streams: readonly (readonly [string, Load])[] = [
    ['hits', { ...common, urls: hits, rps: 6, sha256: pictureSha256 }],
    ['hits kept alive', { ...common, urls: hits, rps: 6, keepAlive: true, sha256: pictureSha256 }],
    ['misses', { ...common, urls: [miss], rps: 2, keepAlive: true, sha256: pictureSha256 }],
    ['animations', { ...common, urls: [animation], rps: 0.5, sha256: animationSha256 }],
    ['pages', { ...common, urls: [page], rps: 3, sha256: pageSha256 }],
    ['pages kept alive', { ...common, urls: [page], rps: 3, keepAlive: true, sha256: pageSha256 }],
  ];
  const running = client.startLoads(streams.map(([, load]) => load));
  return {
    stop: async () => {
      const results = await running.stop();
      return summaryOf(Object.fromEntries(results.map((result, index) => [streams[index]?.[0] ?? '', result])));
    },
  };
}

function summaryOf(results: Readonly<Record<string, LoadResult>>): TrafficResult {
  const all = Object.entries(results);
  const failed = all.reduce((sum, [, result]) => sum + result.failed, 0);
  const requests = all.reduce((sum, [, result]) => sum + result.ok, failed);
  const each = all.map(([name, { ok, failed: bad, codes, maxMs }]) => `${name} ${ok + bad}${bad === 0 ? '' : ` (${JSON.stringify(codes)})`} longest ${(maxMs / 1_000).toFixed(1)} s`);
  return { requests, failed, results, failures: all.flatMap(([, { failures }]) => failures), summary: `${requests} requests, ${failed} failed: ${each.join('; ')}` };
}

/** How often a status or an error came, over all streams. */
export const countOf = ({ results }: TrafficResult, code: string): number =>
  Object.values(results).reduce((sum, { codes }) => sum + (codes[code] ?? 0), 0);

export const say = (what: string): void => void process.stderr.write(`${what}\n`);

/** The control of every count of failures: the generator calls a status, other bytes and a closed port failures. */
export async function expectLossesAreSeen(client: Client, { hits, page }: Expected): Promise<void> {
  const missing = new URL('/media/x.webp?emoji=1', page);
  missing.searchParams.set('url', 'https://a.origin.example/status/404');
  const wrong = await client.load([missing.href, ...hits], { rps: 20, durationMs: 600, sha256: '0'.repeat(64), timeoutMs: 5_000 });
  expect(wrong).toMatchObject({ ok: 0, failed: 12, codes: { 404: 4, false: 8 } });
  const closed = await client.load('http://127.0.0.1:1/', { rps: 20, durationMs: 500, keepAlive: true });
  expect(closed).toMatchObject({ ok: 0, failed: 10, codes: { ECONNREFUSED: 10 } });
}

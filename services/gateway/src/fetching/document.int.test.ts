import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { encodeOutcome, type FetchOutcome, type FetchRequest } from '@sekisho/contracts';
import { createFetchClient } from './client.ts';
import { createFetchDocument, type FetchDocument } from './document.ts';

const URL_A = 'https://a.origin.example/users/a';
const BODY = '{"id":1}';
const found = (over: object = {}): FetchOutcome => ({ kind: 'document', status: 200, type: 'application/activity+json', bytes: BODY.length, finalUrl: URL_A, ...over });
const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Setup {
  readonly fetchDocument: FetchDocument;
  readonly asked: FetchRequest[];
}

/** A fetcher that says and sends what the test wants. */
async function setup(answer: (response: ServerResponse) => void, runningMax?: number): Promise<Setup> {
  const asked: FetchRequest[] = [];
  const server = createServer((incoming, response) => {
    text(incoming).then((body) => {
      asked.push(JSON.parse(body) as FetchRequest);
      answer(response);
    }, () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const client = createFetchClient({ url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`, token: 't' });
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  }, () => client.close());
  return { asked, fetchDocument: createFetchDocument(client, runningMax) };
}

const say = (outcome: FetchOutcome, body = BODY) => (response: ServerResponse): void => void response.setHeader('sekisho-outcome', encodeOutcome(outcome)).end(body);

describe('createFetchDocument()', () => {
  it('asks for the URL in its one spelling, within the limits of the kind, and gives the bytes', async () => {
    const { fetchDocument, asked } = await setup(say(found()));
    const signed = { date: 'd', signature: 's' };
    expect(await fetchDocument('https://A.origin.example:443/users/a#main-key', { accept: 'activity', bytesMax: 1e9, deadlineMs: 1e9, signed }))
      .toEqual({ kind: 'document', status: 200, type: 'application/activity+json', body: Buffer.from(BODY), finalUrl: URL_A });
    expect(asked).toEqual([expect.objectContaining({ v: 1, url: URL_A, want: 'document', accept: 'activity', signed, limits: { bytesMax: 262_144, deadlineMs: 8_000 } })]);
  });

  it('gives a refusal as a value, with the status', async () => {
    const { fetchDocument } = await setup(say({ kind: 'fault', code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: 410 }, ''));
    expect(await fetchDocument(URL_A, { accept: 'activity' })).toEqual({ kind: 'refused', code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: 410 });
  });

  it.each<[string, string, (response: ServerResponse) => void]>([
    ['another URL', 'SEKISHO_CONTRACT_INVALID', say(found({ finalUrl: 'https://v.origin.example/users/a' }))],
    ['another type', 'SEKISHO_CONTRACT_INVALID', say(found({ type: 'text/csv' }))],
    ['a stream', 'SEKISHO_CONTRACT_INVALID', say({ kind: 'stream', status: 200, type: 'video/mp4', finalOrigin: 'https://a.origin.example' })],
    ['more bytes than it says', 'SEKISHO_UPSTREAM_TOO_LARGE', say(found({ bytes: BODY.length - 1 }))],
    ['fewer bytes than it says', 'SEKISHO_UPSTREAM_FAULT', say(found({ bytes: BODY.length + 1 }))],
    ['nothing', 'SEKISHO_DEADLINE', () => undefined],
    ['half of it', 'SEKISHO_DEADLINE', (response) => void response.setHeader('sekisho-outcome', encodeOutcome(found())).write('{')],
    ['a hang-up', 'SEKISHO_FETCHER_AWAY', (response) => response.destroy()],
    ['a hang-up inside', 'SEKISHO_FETCHER_AWAY', (response) => {
      response.setHeader('sekisho-outcome', encodeOutcome(found())).write('{');
      setTimeout(() => response.destroy(), 20);
    }],
  ])('takes no lie: %s is %s', async (_name, code, answer) => {
    const { fetchDocument } = await setup(answer);
    expect(await fetchDocument(URL_A, { accept: 'activity', deadlineMs: 200 })).toEqual({ kind: 'refused', code });
  });

  it.each(['http://a.origin.example/', 'https://u:p@a.origin.example/', 'https://a.origin.example./', 'nonsense', `https://a.origin.example/${'a'.repeat(2_048)}`, 'https://a.origin.example/?\\'])(
    'asks nobody about %s', async (url) => {
      const { fetchDocument, asked } = await setup(say(found()));
      expect(await fetchDocument(url, { accept: 'activity' })).toEqual({ kind: 'refused', code: 'SEKISHO_TARGET_URL' });
      expect(asked).toHaveLength(0);
    },
  );

  it('runs so many at once, and gives every place back', async () => {
    const { fetchDocument } = await setup(() => undefined, 2);
    const ask = async (): Promise<unknown> => await fetchDocument(URL_A, { accept: 'activity', deadlineMs: 50 });
    for (let round = 0; round < 2; round += 1) {
      expect(await Promise.all([ask(), ask(), ask()])).toEqual(['SEKISHO_DEADLINE', 'SEKISHO_DEADLINE', 'SEKISHO_LIMIT_FETCHES'].map((code) => ({ kind: 'refused', code })));
    }
  });
});

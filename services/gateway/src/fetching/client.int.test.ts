import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { type Server, createServer as createTcpServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type FetchOutcome, type FetchRequest, encodeOutcome } from '@sekisho/contracts';
import { type FetchClient, createFetchClient } from './client.ts';

const SOURCE = 'AAAAAAAAAAAAAAAAAAAAAA';
const never = new AbortController().signal;
const request: FetchRequest = {
  v: 1,
  requestId: 'request-1',
  url: 'https://a.origin.example/a.png',
  want: 'auto',
  sourceId: SOURCE,
  loop: { via: [], cdnLoop: [] },
  limits: { bytesMax: 1_000, deadlineMs: 1_000 },
};
const stored: FetchOutcome = {
  kind: 'stored', sourceId: SOURCE, bytes: 10, type: 'image/png', width: 1, height: 1, framesAtLeast: 1,
  finalOrigin: 'https://a.origin.example',
};
const stream = (over: object = {}): FetchOutcome => ({
  kind: 'stream', status: 200, type: 'video/mp4', finalOrigin: 'https://a.origin.example', ...over,
});

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

type Answer = (response: ServerResponse, incoming: IncomingMessage, body: string) => void;

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function fetcher(answer: Answer, options: { connectionsMax?: number; bodyIdleMs?: number } = {}): Promise<FetchClient> {
  const server = createServer((incoming, response) => {
    text(incoming).then((body) => answer(response, incoming, body), () => undefined);
  });
  const port = await listen(server);
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return client(port, options);
}

function client(port: number, options: object = {}): FetchClient {
  const made = createFetchClient({ url: `http://127.0.0.1:${port}`, token: 'token-token', ...options });
  closers.push(() => made.close());
  return made;
}

const withOutcome = (outcome: FetchOutcome | string, body = '') => (response: ServerResponse): void => {
  response.setHeader('sekisho-outcome', typeof outcome === 'string' ? outcome : encodeOutcome(outcome)).end(body);
};

describe('createFetchClient()', () => {
  it('sends token, exact host and the request, and takes what is stored', async () => {
    const seen: unknown[] = [];
    const made = await fetcher((response, incoming, body) => {
      seen.push(incoming.headers.authorization, incoming.headers.host, incoming.headers.origin, incoming.url, JSON.parse(body));
      withOutcome(stored)(response);
    });
    expect(await made.fetch(request, { signal: never, deadlineMs: 5_000 })).toEqual({ outcome: stored, body: undefined });
    expect(seen).toEqual(['Bearer token-token', expect.stringMatching(/^127\.0\.0\.1:\d+$/), undefined, '/v1/fetch', request]);
    expect(made.running).toBe(0);
  });

  it('passes a stream on, and a refusal as a value', async () => {
    const made = await fetcher((response, _incoming, body) => {
      if (body.includes('refuse')) withOutcome({ kind: 'deny', code: 'SEKISHO_TARGET_ADDRESS' })(response);
      else withOutcome(stream({ length: 5 }), 'hello')(response);
    });
    const { outcome, body } = await made.fetch(request, { signal: never, deadlineMs: 5_000 });
    expect(outcome).toEqual(stream({ length: 5 }));
    expect(made.running).toBe(1);
    expect(await text(body!)).toBe('hello');
    const refused = await made.fetch({ ...request, url: 'https://refuse.origin.example/' }, { signal: never, deadlineMs: 5_000 });
    expect(refused.outcome).toEqual({ kind: 'deny', code: 'SEKISHO_TARGET_ADDRESS' });
    expect(made.running).toBe(0);
  });

  const json = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  it.each<[string, string, Answer]>([
    ['no header', 'SEKISHO_CONTRACT_INVALID', (response) => response.end()],
    ['no base64url', 'SEKISHO_CONTRACT_INVALID', withOutcome('a+b/c=')],
    ['no JSON', 'SEKISHO_CONTRACT_INVALID', withOutcome(Buffer.from('{"kind"').toString('base64url'))],
    ['an unknown kind', 'SEKISHO_CONTRACT_INVALID', withOutcome(json({ kind: 'other' }))],
    ['another version', 'SEKISHO_CONTRACT_INVALID', withOutcome(json({ ...stored, v: 2 }))],
    ['an unknown code', 'SEKISHO_CONTRACT_INVALID', withOutcome(json({ kind: 'deny', code: 'SEKISHO_NOPE' }))],
    ['a header of 5 KiB', 'SEKISHO_CONTRACT_INVALID', withOutcome('A'.repeat(5_000))],
    ['headers of 12 KiB', 'SEKISHO_FETCHER_AWAY', withOutcome('A'.repeat(12_000))],
    ['another source', 'SEKISHO_CONTRACT_INVALID', withOutcome({ ...stored, sourceId: 'BAAAAAAAAAAAAAAAAAAAAA' })],
    ['status 403', 'SEKISHO_FETCHER_AWAY', (response) => response.writeHead(403).end('no')],
    ['a hang-up', 'SEKISHO_FETCHER_AWAY', (response) => response.destroy()],
    ['silence', 'SEKISHO_DEADLINE', () => undefined],
  ])('%s is %s', async (_name, code, answer) => {
    const made = await fetcher(answer);
    await expect(made.fetch(request, { signal: never, deadlineMs: 400 })).rejects.toMatchObject({ code });
    expect(made.running).toBe(0);
  });

  it('tells that nobody listens', async () => {
    const server = createTcpServer();
    const port = await listen(server);
    server.close();
    await once(server, 'close');
    await expect(client(port).fetch(request, { signal: never, deadlineMs: 5_000 })).rejects.toMatchObject({ code: 'SEKISHO_FETCHER_AWAY' });
  });

  it('ends at its deadline where the server accepts and never reads', async () => {
    const server = createTcpServer((socket) => closers.push(() => void socket.destroy()));
    const port = await listen(server);
    closers.push(() => void server.close());
    await expect(client(port).fetch(request, { signal: never, deadlineMs: 200 })).rejects.toMatchObject({ code: 'SEKISHO_DEADLINE' });
  });

  it('aborts while waiting, and the fetcher sees the connection close', async () => {
    const gone = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const made = await fetcher((response) => {
      response.once('close', () => gone.resolve());
      asked.resolve();
    });
    const abort = new AbortController();
    const answer = made.fetch(request, { signal: abort.signal, deadlineMs: 10_000 });
    answer.catch(() => undefined);
    await asked.promise;
    abort.abort();
    await expect(answer).rejects.toMatchObject({ code: 'SEKISHO_ABORTED' });
    await gone.promise;
    await expect(made.fetch(request, { signal: abort.signal, deadlineMs: 10_000 })).rejects.toMatchObject({ code: 'SEKISHO_ABORTED' });
  });

  it.each(['abort', 'destroy'])('ends a running stream by %s, and the fetcher sees it', async (how) => {
    const gone = Promise.withResolvers<void>();
    const made = await fetcher((response) => {
      response.once('close', () => gone.resolve());
      response.setHeader('sekisho-outcome', encodeOutcome(stream())).write('abc');
    });
    const abort = new AbortController();
    const { body } = await made.fetch(request, { signal: abort.signal, deadlineMs: 10_000 });
    body!.on('error', () => undefined);
    const closed = once(body!.resume(), 'close').catch(() => undefined);
    if (how === 'abort') abort.abort();
    else body!.destroy();
    await closed;
    await gone.promise;
    expect(made.running).toBe(0);
  });

  it.each<[string, FetchOutcome, (response: ServerResponse) => void]>([
    ['shorter than said', stream({ length: 5 }), (response) => response.end('abc')],
    ['longer than said', stream({ length: 2 }), (response) => response.end('abc')],
    ['longer than the limit', stream(), (response) => response.end('a'.repeat(1_001))],
    ['cut off', stream(), (response) => response.write('abc', () => response.destroy())],
    ['silent', stream(), (response) => response.write('abc')],
  ])('a body that is %s ends in an error', async (_name, outcome, answer) => {
    const made = await fetcher(
      (response) => answer(response.setHeader('sekisho-outcome', encodeOutcome(outcome))),
      { bodyIdleMs: 300 },
    );
    const { body } = await made.fetch(request, { signal: never, deadlineMs: 5_000 });
    await expect(text(body!)).rejects.toThrow();
    expect(made.running).toBe(0);
  });

  it('survives a body that breaks before anybody reads it', async () => {
    const made = await fetcher((response) => {
      response.setHeader('sekisho-outcome', encodeOutcome(stream())).write('abc', () => response.destroy());
    });
    const { body } = await made.fetch(request, { signal: never, deadlineMs: 5_000 });
    if (!body!.destroyed) await new Promise((resolve) => void body!.once('close', resolve));
    expect([body!.errored === null, made.running]).toEqual([false, 0]);
  });

  it('refuses more requests than it has connections', async () => {
    const made = await fetcher(() => undefined, { connectionsMax: 1 });
    const abort = new AbortController();
    const first = made.fetch(request, { signal: abort.signal, deadlineMs: 10_000 });
    await expect(made.fetch(request, { signal: never, deadlineMs: 10_000 })).rejects.toMatchObject({ code: 'SEKISHO_LIMIT_FETCHES' });
    abort.abort();
    await expect(first).rejects.toMatchObject({ code: 'SEKISHO_ABORTED' });
  });
});

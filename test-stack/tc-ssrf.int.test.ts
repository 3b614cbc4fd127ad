// No TCP connection to any address that is not public, through the whole stack: counted at listening sockets. One canary
// listens on a port that passes the URL rules (another address on it is allowed), so that the address rules stand alone.

import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Canary, corpusFolder, makePicture, readSsrfCases, startCanary, startOrigin, type TestOrigin } from '@sekisho/testkit';
import type { Answer } from './client.ts';
import { expectPicture, expectRefusal } from './contract.ts';
import { type Fixture, START_MS, startFixture } from './fixture.ts';

jest.setTimeout(60_000);
const FLOOR_MS = 250;
const AT_ONCE = 16;

const cases = readSsrfCases().filter(({ kind }) => kind === 'url');
const blocked = cases.filter(({ expected }) => expected === 'blocked');
const withCorpus = corpusFolder() === undefined ? describe.skip : describe;

let stack: Fixture;
/** On every address of this machine, at one port; an origin of the same port listens nowhere. */
let canary: Canary;
/** Ports 80 and 443 where this user may listen on them. */
let webCanaries: readonly Canary[];
let second: TestOrigin;

const listen = async (port: number): Promise<Canary | undefined> => await startCanary({ host: '0.0.0.0', port }).catch(() => undefined);
const connections = (): number => [canary, ...webCanaries].reduce((sum, each) => sum + each.connections, 0);

beforeAll(async () => {
  canary = await startCanary({ host: '0.0.0.0' });
  webCanaries = (await Promise.all([80, 443].map(listen))).filter((each) => each !== undefined);
  second = await startOrigin({ host: '127.0.0.8' });
  const named = blocked.flatMap(({ input, needsDns }) => {
    const host = needsDns ? URL.parse(input)?.hostname : undefined;
    return host === undefined ? [] : [[host, { a: ['127.0.0.77'] }] as const];
  });
  stack = await startFixture({
    allowTargets: [`127.0.0.9:${canary.port}`, second.address],
    zone: {
      ...Object.fromEntries(named),
      'good.origin.example': { a: ['127.0.0.9'] },
      'private.origin.example': { a: ['127.0.0.77'] },
      'ten.origin.example': { a: ['10.0.0.1'] },
      'meta.origin.example': { a: ['169.254.169.254'] },
      'mapped.origin.example': { aaaa: ['::ffff:127.0.0.9'] },
      'six.origin.example': { aaaa: ['::1'] },
      'mixed.origin.example': { a: ['127.0.0.9', '127.0.0.77'] },
      'mixed6.origin.example': { a: ['127.0.0.9'], aaaa: ['::1'] },
      'cname.origin.example': { cname: 'private.origin.example' },
      'zero.origin.example': { a: ['0.0.0.0'] },
      'rebind.origin.example': { alternate: [{ a: ['127.0.0.8'] }, { a: ['127.0.0.77'] }] },
      'many.origin.example': { a: Array.from({ length: 40 }, (_, n) => `127.0.2.${n}`) },
      'nodata.origin.example': {},
      'silent.origin.example': { silent: true },
    },
  });
}, START_MS);
afterAll(async () => {
  await stack?.stop();
  for (const each of [canary, ...(webCanaries ?? [])]) await each?.stop();
  await second?.stop();
});

const clientOf = (at: number): string => `203.0.${at % 250}.9`;

async function askAll(urls: readonly string[]): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (let at = 0; at < urls.length; at += AT_ONCE) {
    const part = urls.slice(at, at + AT_ONCE);
    answers.push(...(await Promise.all(part.map(async (url, n) => await stack.media(url.toWellFormed(), (at + n) % 2 === 0 ? 'emoji' : '', { client: clientOf(at + n) })))));
  }
  return answers;
}

const describeAnswer = ({ status, headers, body, ms }: Answer, url: string) => ({ url, status, code: headers['sekisho-code'], body: body.toString(), late: ms >= FLOOR_MS - 5 });

withCorpus('the corpus of targets (beside the repository; skipped without it)', () => {
  it('holds cases', () => {
    expect(blocked.length).toBeGreaterThan(250);
  });

  it('opens no connection for any blocked URL, and answers all of them alike', async () => {
    const before = connections();
    const answers = await askAll(blocked.map(({ input }) => input));
    const odd = answers.flatMap((answer, at) => {
      const seen = describeAnswer(answer, blocked[at]?.input ?? '');
      const forbidden = seen.status === 403 && seen.code === 'FORBIDDEN_TARGET' && seen.late;
      const invalid = seen.status === 400 && seen.code === 'BAD_REQUEST';
      return forbidden || invalid ? [] : [seen];
    });
    expect(odd).toEqual([]);
    expect(connections()).toBe(before);
    expect(new Set(answers.filter(({ status }) => status === 403).map(({ body }) => body.toString())).size).toBe(1);
  }, 120_000);

  it('opens none either when the port would be let through', async () => {
    const before = canary.connections;
    const urls = blocked.flatMap(({ input }) => {
      const url = URL.parse(input);
      if (url === null || !/^https?:$/.test(url.protocol)) return [];
      url.port = String(canary.port);
      return [url.href];
    });
    expect(urls.length).toBeGreaterThan(200);
    const answers = await askAll(urls);
    expect(answers.flatMap((answer, at) => (answer.status === 403 || answer.status === 400 ? [] : [describeAnswer(answer, urls[at] ?? '')]))).toEqual([]);
    expect(canary.connections).toBe(before);
  }, 120_000);
});

describe('the positive control', () => {
  it('reaches the very same listener by the allowed address', async () => {
    const before = canary.connections;
    await stack.media(`http://good.origin.example:${canary.port}/x.png`, 'emoji');
    await stack.media(`http://127.0.0.9:${canary.port}/y.png`, 'emoji');
    expect(canary.connections).toBe(before + 2);
  });
});

describe('an answer with one clean family', () => {
  it('is dialled at that family alone', async () => {
    const six = await startCanary({ host: '::1', port: canary.port }).catch(() => undefined);
    await stack.media(`http://mixed6.origin.example:${canary.port}/x.png`, 'emoji');
    expect(six?.connections ?? 0).toBe(0);
    await six?.stop();
  });
});

describe('a private address', () => {
  const hosts = ['private', 'ten', 'meta', 'mapped', 'six', 'mixed', 'cname', 'zero', 'many', 'nodata', 'absent'].map((name) => (name === 'absent' ? 'absent.invalid' : `${name}.origin.example`));
  const literals = ['127.0.0.1', '127.1', '0x7f.1', '2130706433', '0177.0.0.1', '0.0.0.0', '127.0.0.77', '[::1]', '[::]', '[::ffff:127.0.0.9]', '[::127.0.0.9]', 'localhost'];

  it.each([...hosts, ...literals])('%s: nothing is opened, first or after a redirect', async (host) => {
    const before = canary.connections;
    const direct = await stack.media(`http://${host}:${canary.port}/x.png`, 'emoji', { client: '203.0.113.1' });
    const to = encodeURIComponent(`http://${host}:${canary.port}/x.png`);
    const redirected = await stack.media(stack.origin.url(`/redirect?to=${to}`, 'r.origin.example'), 'emoji', { client: '203.0.113.2' });
    const later = await stack.media(stack.origin.url(`/redirect?n=3&to=${to}`, 'r.origin.example'), '', { client: '203.0.113.2' });
    for (const answer of [direct, redirected, later]) {
      expectRefusal(answer, 403, 'FORBIDDEN_TARGET');
      expect(answer.ms).toBeGreaterThanOrEqual(FLOOR_MS - 5);
    }
    expect(canary.connections).toBe(before);
  });

  it('looks the same whether its port is open, closed or silent, and whether the name exists', async () => {
    const closed = createServer().listen(0, '127.0.0.77');
    await new Promise((resolve) => closed.once('listening', resolve));
    const address = closed.address();
    const port = address === null || typeof address === 'string' ? 0 : address.port;
    await new Promise((resolve) => closed.close(resolve));
    const answers = await Promise.all([
      `http://127.0.0.77:${canary.port}/`, `http://127.0.0.77:${port}/`, 'http://127.0.0.77/', 'https://10.255.255.1/', 'https://absent.invalid/', 'https://nodata.origin.example/', 'https://private.origin.example/',
    ].map(async (url) => await stack.media(url, 'emoji', { client: '203.0.113.3' })));
    const shape = (answer: Answer): unknown => ({
      status: answer.status, body: answer.body.toString('hex'),
      headers: Object.entries(answer.headers).filter(([name]) => name !== 'x-request-id' && name !== 'date'),
    });
    for (const answer of answers) {
      expect(shape(answer)).toEqual(shape(answers[0] ?? answer));
      expect(answer.ms).toBeGreaterThanOrEqual(FLOOR_MS - 5);
    }
  });

  it('is refused again from the cache of refusals, as late as the first time', async () => {
    const url = 'https://192.168.7.7/again.png';
    for (let turn = 0; turn < 2; turn += 1) {
      const answer = await stack.media(url, 'emoji');
      expectRefusal(answer, 403, 'FORBIDDEN_TARGET');
      expect(answer.ms).toBeGreaterThanOrEqual(FLOOR_MS - 5);
    }
  });
});

describe('a name that changes its mind', () => {
  it('is never dialled at its private answer', async () => {
    second.serve('/r.png', { bytes: await makePicture('png-emoji') });
    const before = canary.connections;
    const statuses: number[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      const answer = await stack.media(`http://rebind.origin.example:${second.port}/r.png?turn=${turn}`, 'emoji');
      statuses.push(answer.status);
      if (answer.status === 200) await expectPicture(answer);
    }
    expect(statuses).toEqual([200, 403, 200, 403]);
    expect(canary.connections).toBe(before);
  });
});

describe('a resolver that does not answer', () => {
  it('ends in 504, not in a hang', async () => {
    const answer = await stack.media('https://silent.origin.example/x.png', 'emoji');
    expectRefusal(answer, 504, 'TIMEOUT');
    expect(answer.ms).toBeLessThan(15_000);
  });
});

describe('redirects', () => {
  it.each(['file:///etc/passwd', 'ftp://a.origin.example/x', 'data:image/png;base64,AAAA', 'javascript:alert(1)', 'http://unix:/var/run/docker.sock:/x', 'gopher://127.0.0.1:6379/_FLUSHALL'])('to %s are refused', async (to) => {
    const before = connections();
    const answer = await stack.media(stack.origin.url(`/redirect?to=${encodeURIComponent(to)}`, 's.origin.example'), 'emoji');
    expect([403, 502]).toContain(answer.status);
    expect(connections()).toBe(before);
  });

  it('end after three hops', async () => {
    stack.origin.serve('/end.png', { bytes: await makePicture('png-emoji') });
    await expectPicture(await stack.media(stack.origin.url('/redirect?n=3&to=%2Fend.png', 't.origin.example'), 'emoji'));
    expectRefusal(await stack.media(stack.origin.url('/redirect?n=4&to=%2Fend.png', 't.origin.example'), 'emoji'), 502, 'UPSTREAM_FAULT');
  });

  it('never go from https to http', async () => {
    stack.origin.serve('/plain.png', { bytes: await makePicture('png-emoji') });
    const hits = stack.origin.hits('/plain.png');
    expectRefusal(await stack.media(stack.tls.url(`/redirect?to=${encodeURIComponent(stack.origin.url('/plain.png'))}`), 'emoji'), 403, 'FORBIDDEN_TARGET');
    expect(stack.origin.hits('/plain.png')).toBe(hits);
  });
});

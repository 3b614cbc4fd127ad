// Who gets a place while others hold all of them with bodies that do not come.

import { type Socket, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { INBOX_LIMITS } from '@sekisho/contracts';
import { type WireAnswer, sendExact } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { createIdentify } from '../client/identity.ts';
import { type FakeInbox, startFakeInbox } from '../testing/inbox-fakes.ts';

const ATTACKERS = 8;
const PER_ATTACKER = INBOX_LIMITS.readingMax / ATTACKERS;
/** Each in a network of its own. */
const attackers = Array.from({ length: ATTACKERS }, (_, at) => `198.18.${at}.7`);
const BYSTANDER = '203.0.113.9';
/** A body that is waited for to its end takes 15 s. */
const PROMPT_MS = 5_000;

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(limits: NonNullable<Parameters<typeof startFakeInbox>[1]>['limits'] = {}): Promise<FakeInbox> {
  const inbox = await startFakeInbox('enforce', { limits, identify: createIdentify({ trustedProxies: ['127.0.0.0/8'] }) });
  closers.push(async () => await inbox.close());
  return inbox;
}

const headOf = (client: string, bytes = 5): string => `POST /inbox HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${client}\r\nContent-Length: ${bytes}\r\n\r\n`;

interface Slow {
  readonly socket: Socket;
  readonly seen: () => string;
}

function openSlow({ port }: FakeInbox, client: string, bytes = `${headOf(client)}{`): Slow {
  let seen = '';
  const socket = connect(port, '127.0.0.1').on('error', () => undefined).on('data', (chunk: Buffer) => (seen += chunk.toString('latin1')));
  socket.write(bytes);
  closers.push(() => void socket.destroy());
  return { socket, seen: () => seen };
}

const opened = ({ calls }: FakeInbox): number => calls.filter((call) => call === 'hold').length;

/** All places, held by eight addresses. */
async function besiege(inbox: FakeInbox): Promise<readonly Slow[]> {
  const slow = attackers.flatMap((client) => Array.from({ length: PER_ATTACKER }, () => openSlow(inbox, client)));
  await until(() => opened(inbox) >= INBOX_LIMITS.readingMax);
  return slow;
}

async function post({ port }: FakeInbox, client = BYSTANDER): Promise<WireAnswer & { readonly tookMs: number }> {
  const beganMs = performance.now();
  const body = Buffer.from('{"type":"Follow"}');
  const answer = await sendExact({ method: 'POST', target: '/inbox', headers: [['Host', 'a'], ['Content-Length', String(body.length)]], body }, { port, first: [['X-Forwarded-For', client]] });
  return { ...answer, tookMs: performance.now() - beganMs };
}

describe('slow bodies in all places', () => {
  it('stop nobody whose body comes with its head, and pay for the place that they lose', async () => {
    const inbox = await start();
    const slow = await besiege(inbox);
    const answer = await post(inbox);
    expect(answer.status).toBe(202);
    expect(answer.tookMs).toBeLessThan(PROMPT_MS);
    await until(() => slow.some(({ seen }) => seen() !== ''));
    const [displaced, ...others] = slow.filter(({ seen }) => seen() !== '');
    expect(others).toEqual([]);
    expect(displaced?.seen()).toMatch(/^HTTP\/1\.1 503 [^]*Retry-After: 5\r\n[^]*Connection: close/);
    expect(inbox.ends.map(({ end }) => end.code)).toEqual(['SEKISHO_INBOX_DISPLACED', undefined]);
    // Its whole price.
    expect(inbox.settled[0]).toBe(6);
  }, 20_000);

  it('would stop everybody if they kept their places', async () => {
    const inbox = await start({ displaces: false });
    await besiege(inbox);
    expect(await post(inbox)).toMatchObject({ status: 503, headers: { 'sekisho-code': 'OVERLOADED', 'retry-after': '5' } });
    expect(inbox.ends.map(({ end }) => end.code)).toEqual(['SEKISHO_INBOX_BUSY']);
  }, 20_000);

  it('push out each other, not a sender on a bad line, however often they come again', async () => {
    const inbox = await start();
    const [letters, statuses]: [string, number[]] = ['abcde', []];
    const line = openSlow(inbox, '203.0.113.77', headOf('203.0.113.77', letters.length));
    await until(() => opened(inbox) === 1);
    await besiege(inbox);
    for (const letter of letters) {
      for (let round = 0; round < 10; round++) {
        for (const client of attackers) openSlow(inbox, client);
        statuses.push((await post(inbox)).status);
        await delay(100);
      }
      line.socket.write(letter);
    }
    await until(() => line.seen() !== '');
    expect(line.seen()).toMatch(/^HTTP\/1\.1 202 /);
    expect(statuses).toEqual(Array.from({ length: 50 }, () => 202));
    expect(inbox.ends.filter(({ end }) => end.code === 'SEKISHO_INBOX_DISPLACED').length).toBeGreaterThan(100);
  }, 60_000);

  it('from as many networks as there are places still give way to a whole one', async () => {
    const inbox = await start({ readingMax: ATTACKERS });
    for (const client of attackers) openSlow(inbox, client);
    await until(() => opened(inbox) === ATTACKERS);
    for (let round = 0; round < ATTACKERS; round++) expect((await post(inbox)).status).toBe(202);
  });

  it('of one client stay its own limit', async () => {
    const inbox = await start();
    const client = attackers[0] ?? '';
    for (let at = 0; at < PER_ATTACKER; at++) openSlow(inbox, client);
    await until(() => opened(inbox) === PER_ATTACKER);
    expect((await post(inbox, client)).status).toBe(429);
    expect((await post(inbox)).status).toBe(202);
  });
});

describe('a body that comes with its head', () => {
  it.each([[1, 1], [65_536, 1], [65_536, 4], [40_000, 40_000]])('arrives whole: %i bytes in pieces of %i', async (bytes, pieces) => {
    const bodies: number[] = [];
    const inbox = await startFakeInbox('enforce', { forward: { deliver: async ({ body }) => {
      bodies.push(body.length);
      return { kind: 'answer', status: 202, headers: ['content-length', '0'], body: Buffer.alloc(0) };
    } } });
    closers.push(async () => await inbox.close());
    const socket = connect(inbox.port, '127.0.0.1').on('error', () => undefined);
    closers.push(() => void socket.destroy());
    let seen = '';
    socket.on('data', (chunk: Buffer) => (seen += chunk.toString('latin1')));
    const piece = Math.ceil(bytes / pieces);
    const body = Array.from({ length: pieces }, () => `${piece.toString(16)}\r\n${'x'.repeat(piece)}\r\n`).join('');
    // The second request on the same connection says that nothing of the first one was left behind.
    for (let round = 1; round <= 2; round++) {
      socket.write(`POST /inbox HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}0\r\n\r\n`);
      await until(() => seen.split('HTTP/1.1 202').length === round + 1);
    }
    expect(bodies).toEqual([piece * pieces, piece * pieces]);
  });
});

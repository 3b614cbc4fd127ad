import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { CODES, type Code } from '@sekisho/contracts';
import { type ExactRequest, sendExact } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { type FakeInbox, STEPS, type Step, startFakeInbox } from '../testing/inbox-fakes.ts';

const open: FakeInbox[] = [];
afterEach(async () => {
  for (const inbox of open.splice(0)) await inbox.close();
});
async function start(...args: Parameters<typeof startFakeInbox>): Promise<FakeInbox> {
  const inbox = await startFakeInbox(...args);
  open.push(inbox);
  return inbox;
}

const request = (over: Partial<ExactRequest> = {}): ExactRequest => {
  const body = over.body ?? Buffer.from('{"type":"Follow"}');
  return { method: 'POST', target: '/inbox', headers: [['Host', 'self.example'], ['Content-Length', String(body.length)]], body, ...over };
};
const post = async (inbox: FakeInbox, over: Partial<ExactRequest> = {}) => await sendExact(request(over), { port: inbox.port });

/** Code with which each step refuses in these tests. */
const CODE: Readonly<Record<Step, Code>> = {
  tick: 'SEKISHO_LIMIT_CLIENT', readHead: 'SEKISHO_INBOX_UNSIGNED', hold: 'SEKISHO_LIMIT_NET', checkDigest: 'SEKISHO_INBOX_DIGEST', parseStrictJson: 'SEKISHO_INBOX_JSON',
  claim: 'SEKISHO_INBOX_PENDING', checkHosts: 'SEKISHO_INBOX_HOST_BLOCKED', readActivity: 'SEKISHO_INBOX_ACTIVITY_TYPE', verify: 'SEKISHO_INBOX_VERIFY',
  holdNamed: 'SEKISHO_INBOX_LIMIT_DOMAIN', audience: 'SEKISHO_INBOX_AUDIENCE', judge: 'SEKISHO_INBOX_RULE', deliver: 'SEKISHO_MISSKEY_AWAY',
};
const before = (step: Step): readonly Step[] => STEPS.slice(0, STEPS.indexOf(step) + 1);
const isClaimed = (step: Step): boolean => STEPS.indexOf(step) > STEPS.indexOf('claim');

describe('the order of the checks', () => {
  it('is that of the check table, and the mark is done before the sender hears of it', async () => {
    const inbox = await start('enforce');
    expect((await post(inbox)).status).toBe(202);
    expect(inbox.calls).toEqual([...STEPS, 'done']);
    expect(inbox.ends).toMatchObject([{ end: { decision: 'allow', status: 202, code: undefined } }]);
  });

  it.each(STEPS)('ends at %s when it says no, though all later ones would too', async (step) => {
    const inbox = await start('enforce');
    inbox.refuses = Object.fromEntries(STEPS.slice(STEPS.indexOf(step)).map((name) => [name, CODE[name]]));
    const { status, publicCode } = CODES[CODE[step]];
    const answer = await post(inbox);
    expect(answer.status).toBe(status);
    expect(answer.headers['sekisho-code']).toBe(status === 202 ? undefined : publicCode);
    expect(inbox.calls).toEqual([...before(step), ...(isClaimed(step) ? ['release'] : [])]);
    expect(inbox.ends.map(({ end }) => end.code)).toEqual([CODE[step]]);
    // Nothing is charged before the head has passed.
    expect(inbox.settled).toHaveLength(STEPS.indexOf(step) > STEPS.indexOf('hold') ? 1 : 0);
    expect(inbox.senderSettled).toHaveLength(STEPS.indexOf(step) > STEPS.indexOf('holdNamed') ? 1 : 0);
  });

  it.each(STEPS.filter((step) => step !== 'tick'))('fails closed when %s breaks', async (step) => {
    const inbox = await start('enforce');
    inbox.throws = { [step]: true };
    const answer = await post(inbox);
    expect(answer).toMatchObject({ status: 503, headers: { 'sekisho-code': 'OVERLOADED', 'retry-after': '5' } });
    expect(inbox.calls).toEqual([...before(step), ...(isClaimed(step) ? ['release'] : [])]);
    expect(inbox.ends).toMatchObject([{ end: { decision: 'deny', code: 'SEKISHO_INBOX_FAULT' } }]);
  });
});

describe('observe', () => {
  const OBSERVED = STEPS.filter((step) => !['tick', 'hold', 'deliver'].includes(step));

  it.each(OBSERVED)('notes that %s would refuse, and passes on', async (step) => {
    const inbox = await start('observe');
    inbox.refuses = { [step]: CODE[step] };
    expect((await post(inbox)).status).toBe(202);
    expect(inbox.calls.at(isClaimed(step) ? -2 : -1)).toBe('deliver');
    expect(inbox.ends).toMatchObject([{ end: { decision: 'allow', code: CODE[step] }, visit: { observed: { code: CODE[step] } } }]);
  });

  it.each(['SEKISHO_INBOX_MEDIA_TYPE', 'SEKISHO_INBOX_CONTENT_ENCODING', 'SEKISHO_INBOX_TOO_LARGE', 'SEKISHO_INBOX_HEADERS'] as const)('refuses with %s all the same', async (code) => {
    const inbox = await start('observe');
    inbox.refuses = { readHead: code };
    expect((await post(inbox)).status).toBe(CODES[code].status);
    expect(inbox.calls).toEqual(['tick', 'readHead']);
  });

  it.each(['tick', 'hold'] as const)('keeps the limits of the client (%s)', async (step) => {
    const inbox = await start('observe');
    inbox.refuses = { [step]: CODE[step] };
    expect((await post(inbox)).status).toBe(429);
  });

  it.each(OBSERVED.filter((step) => step !== 'readHead'))('passes on what it cannot judge because %s breaks', async (step) => {
    const inbox = await start('observe');
    inbox.throws = { [step]: true };
    expect((await post(inbox)).status).toBe(202);
    expect(inbox.ends).toMatchObject([{ visit: { observed: { code: 'SEKISHO_INBOX_FAULT' } } }]);
    expect(inbox.calls).toContain('deliver');
  });

  it('passes nothing whose head it could not read', async () => {
    const inbox = await start('observe');
    inbox.throws = { readHead: true };
    expect((await post(inbox)).status).toBe(503);
    expect(inbox.calls).toEqual(['tick', 'readHead']);
  });
});

describe('the budget of a rule', () => {
  it('is answered with 429 and when to come again, and paid like other refusals', async () => {
    const rules = { checkHosts: () => undefined, judge: () => ({ action: 'limit' as const, rule: 'most', retryAfterS: 13, hits: ['most'] }), saw: () => undefined };
    const inbox = await start('enforce', { rules });
    expect(await post(inbox)).toMatchObject({ status: 429, headers: { 'retry-after': '13', 'sekisho-code': 'RATE_LIMITED' } });
    expect(inbox.calls.slice(-2)).toEqual(['audience', 'release']);
    expect(inbox.ends).toMatchObject([{ end: { decision: 'deny', code: 'SEKISHO_INBOX_RULE_LIMIT', detail: 'rule most' }, visit: { rule: 'most', hits: ['most'] } }]);
    expect(inbox.settled).toEqual([6]);
    const observing = await start('observe', { rules });
    expect((await post(observing)).status).toBe(202);
    expect(observing.ends).toMatchObject([{ visit: { observed: { code: 'SEKISHO_INBOX_RULE_LIMIT' } } }]);
  });
});

describe('what is paid', () => {
  it.each<[string, Partial<FakeInbox>, (usedMs: number) => boolean]>([
    ['an accepted activity: the CPU it took', {}, (usedMs) => usedMs < 2],
    ['a refused one: its whole price', { refuses: { readActivity: 'SEKISHO_INBOX_ID' } }, (usedMs) => usedMs === 6],
    ['a dropped one: its whole price', { refuses: { readActivity: 'SEKISHO_INBOX_ACTIVITY_TYPE' } }, (usedMs) => usedMs === 6],
    ['one that Misskey refuses: its whole price', { delivery: { kind: 'answer', status: 401, headers: [], body: Buffer.alloc(0) } }, (usedMs) => usedMs === 6],
    ['one that Misskey cannot take now: the CPU it took', { delivery: { kind: 'fault', code: 'SEKISHO_MISSKEY_AWAY' } }, (usedMs) => usedMs < 2],
    ['one that is asked to come again: the CPU it took', { refuses: { claim: 'SEKISHO_INBOX_PENDING' } }, (usedMs) => usedMs < 2],
  ])('%s', async (_name, over, isRight) => {
    const inbox = await start('enforce');
    Object.assign(inbox, over);
    await post(inbox);
    expect(inbox.settled).toHaveLength(1);
    expect(isRight(inbox.settled[0] ?? -1)).toBe(true);
    // Host and actor pay as the client does, where it came so far.
    expect(inbox.senderSettled).toHaveLength(inbox.calls.includes('holdNamed') ? 1 : 0);
    expect(inbox.senderSettled.every(isRight)).toBe(true);
  });
});

describe('answers', () => {
  const answerOf = async (delivery: FakeInbox['delivery']) => {
    const inbox = await start('enforce');
    inbox.delivery = delivery;
    return { inbox, answer: await post(inbox) };
  };

  it.each([200, 202, 204, 400, 401, 403, 404, 413, 415, 429])('passes %i of Misskey', async (status) => {
    const headers = ['X-From', 'Misskey', 'Content-Length', status === 204 ? '0' : '2'];
    const { answer, inbox } = await answerOf({ kind: 'answer', status, headers, body: Buffer.from(status === 204 ? '' : 'ok') });
    expect(answer).toMatchObject({ status, headers: { 'x-from': 'Misskey' } });
    expect(inbox.calls.at(-1)).toBe(status < 300 ? 'done' : 'release');
  });

  it('turns 410 into 404: nobody is to forget this instance', async () => {
    const { answer, inbox } = await answerOf({ kind: 'answer', status: 410, headers: ['Content-Length', '0'], body: Buffer.alloc(0) });
    expect(answer.status).toBe(404);
    expect(inbox.calls.at(-1)).toBe('release');
  });

  it.each([500, 502, 503, 504])('turns %i into 503 with Retry-After', async (status) => {
    const { answer, inbox } = await answerOf({ kind: 'answer', status, headers: ['Content-Length', '3', 'X-From', 'Misskey'], body: Buffer.from('oh!') });
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '5', 'sekisho-code': 'OVERLOADED' } });
    expect(answer.headers['x-from']).toBeUndefined();
    expect(inbox.calls.at(-1)).toBe('release');
  });

  it('makes a drop look like what Misskey says to an accepted activity', async () => {
    const inbox = await start('enforce');
    inbox.delivery = { kind: 'answer', status: 202, headers: ['vary', 'Origin', 'strict-transport-security', 'max-age=1', 'content-length', '0', 'Date', 'Wed, 25 Nov 2026 00:00:00 GMT', 'Set-Cookie', 'a=1', 'X-Request-Id', 'request-1'], body: Buffer.alloc(0) };
    const accepted = await post(inbox);
    inbox.refuses = { readActivity: 'SEKISHO_INBOX_ACTIVITY_TYPE' };
    const dropped = await post(inbox);
    const comparable = ({ headers }: typeof accepted): unknown => Object.keys(headers).filter((name) => name !== 'set-cookie');
    expect(dropped.status).toBe(202);
    expect(comparable(dropped)).toEqual(comparable(accepted));
    expect(dropped.headers).toMatchObject({ vary: 'Origin', 'strict-transport-security': 'max-age=1', 'content-length': '0' });
    expect(dropped.headers['date']).not.toBe('Wed, 25 Nov 2026 00:00:00 GMT');
    expect(dropped.headers['set-cookie']).toBeUndefined();
  });

  it.each([true, false])('acknowledges a quarantine only when it is kept (%s)', async (isKept) => {
    const inbox = await start('enforce');
    inbox.refuses = { judge: 'SEKISHO_INBOX_RULE_QUARANTINE' };
    inbox.quarantines = isKept;
    expect((await post(inbox)).status).toBe(isKept ? 202 : 503);
    expect(inbox.calls.slice(-2)).toEqual(['judge', 'release']);
    expect(inbox.ends[0]?.end.decision).toBe(isKept ? 'quarantine' : 'deny');
  });
});

describe('verification', () => {
  it.each([
    ['away', 'pass', 'Follow', 202, undefined],
    ['away', 'retry', 'Follow', 503, 'SEKISHO_INBOX_KEY_AWAY'],
    ['gone', 'pass', 'Delete', 202, 'SEKISHO_INBOX_KEY_GONE'],
    ['gone', 'pass', 'Follow', 401, 'SEKISHO_INBOX_KEY_REFUSED'],
  ] as const)('%s with %s and %s', async (outcome, whenKeyAway, type, status, code) => {
    const inbox = await start('enforce', {
      whenKeyAway, verify: { verify: async () => outcome },
      policy: {
        readHead: () => ({ ok: true, digest: Buffer.alloc(32), signedAtMs: 0, replayKey: 'r', signature: { scheme: 'cavage', keyId: 'https://a.example/k', keyHost: 'a.example', algorithm: 'hs2019', covered: [], signature: '', signingString: '' } }),
        checkDigest: () => undefined, parseStrictJson: () => ({ ok: true, value: {} }),
        readActivity: () => ({ ok: true, type, id: 'https://a.example/1', actor: 'https://a.example/u', actorHost: 'a.example', objectType: undefined, object: undefined, hosts: new Set(), forwarded: false, visibility: 'unknown', value: {} }),
      },
    });
    expect((await post(inbox)).status).toBe(status);
    expect(inbox.ends[0]?.end.code).toBe(code);
    expect(inbox.calls.includes('deliver')).toBe(code === undefined);
  });
});

describe('limits of the process', () => {
  it('refuses what would be read beyond the places, and frees them', async () => {
    const inbox = await start('enforce', { limits: { readingMax: 2, perClientMax: 2 } });
    const sockets = [1, 2].map(() => connect(inbox.port, '127.0.0.1').on('error', () => undefined));
    for (const socket of sockets) socket.write('POST /inbox HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n{');
    await until(() => inbox.calls.filter((call) => call === 'hold').length === 2);
    expect(await post(inbox)).toMatchObject({ status: 429 });
    for (const socket of sockets) socket.destroy();
    await until(() => inbox.handler.active === 0);
    expect((await post(inbox)).status).toBe(202);
    expect(inbox.ends.filter(({ end }) => end.aborted).map(({ end }) => end.code)).toEqual(['SEKISHO_ABORTED', 'SEKISHO_ABORTED']);
  });

  it('says that it is busy when others hold all places', async () => {
    let client = 0;
    const misskey = Promise.withResolvers<FakeInbox['delivery']>();
    const deliver = async (): Promise<FakeInbox['delivery']> => await misskey.promise;
    const inbox = await start('enforce', { limits: { readingMax: 1, perClientMax: 1 }, forward: { deliver }, identify: () => ({ address: `c${(client += 1)}`, key: `c${client}`, net: 'n' }) });
    const held = post(inbox);
    await until(() => inbox.calls.includes('judge'));
    expect(await post(inbox)).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
    expect(inbox.ends[0]?.end.code).toBe('SEKISHO_INBOX_BUSY');
    misskey.resolve(inbox.delivery);
    expect((await held).status).toBe(202);
  });

  it('answers 408 to a body that trickles, whatever its pace', async () => {
    const inbox = await start('enforce', { limits: { timeMs: 300 } });
    const socket = connect(inbox.port, '127.0.0.1').on('error', () => undefined);
    let seen = '';
    socket.on('data', (chunk: Buffer) => (seen += chunk.toString('latin1')));
    socket.write('POST /inbox HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n');
    const drip = setInterval(() => socket.write('x'), 20);
    await until(() => seen.includes('\r\n\r\n'));
    clearInterval(drip);
    expect(seen).toMatch(/^HTTP\/1\.1 408 [^]*Connection: close/);
    expect(inbox.calls).not.toContain('checkDigest');
    socket.destroy();
  });

  it.each([[65_536, 202], [65_537, 413]])('takes %i bytes that came in chunks: %i', async (bytes, status) => {
    const inbox = await start('enforce');
    expect((await post(inbox, { body: Buffer.alloc(bytes, 'x'), chunked: true })).status).toBe(status);
  });

  it('leaves alone what goes to no inbox, and answers 404 to hidden forms of one', async () => {
    const inbox = await start('enforce');
    expect((await post(inbox, { target: '/api/inbox' })).status).toBe(299);
    expect((await post(inbox, { method: 'GET', headers: [['Host', 'a']], body: Buffer.alloc(0) })).status).toBe(299);
    for (const target of ['/%69nbox', '/users/a/%69nbox', '/users/a%2Fb/inbox', '/inbox/', '//inbox', '/INBOX', '/%2569nbox']) {
      expect([target, (await post(inbox, { target })).status]).toEqual([target, 404]);
    }
  });
});

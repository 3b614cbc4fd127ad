// What stands around the checks in a whole gateway: the rules file while it changes, the streams that an administrator
// reads, verification without a fetcher, our own actor, and Misskey's queue.

import { generateKeyPairSync } from 'node:crypto';
import { renameSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { stateKeys } from '@sekisho/contracts';
import { parseCapture } from '@sekisho/inbox-policy/rules';
import { type Activity, signRfc9421 } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { type TestMisskey, PREFIX, QUEUE, VERSION, startTestMisskey } from '../testing/enqueue/misskey.ts';
import { type InboxRig, KEY_ID, PASSWORD, PEER, SELF, THIRD, activities, send, signed, startInboxRig } from '../testing/inbox-rig.ts';

let rig: InboxRig;
beforeAll(async () => {
  rig = await startInboxRig();
});
afterAll(async () => {
  await rig.stop();
});
beforeEach(() => {
  rig.stub.requests.length = 0;
  rig.stub.jobs.length = 0;
});
const line = (): Record<string, unknown> => rig.lines.at(-1) ?? {};
const post = async (activity: Activity): Promise<number> => (await send(rig, signed({ activity }))).status;
const fresh = (name: string): Activity => activities()[name] ?? {};

describe('the rules file', () => {
  const put = (text: string): string => {
    renameSync(rig.file('rules.new', text), rig.file('rules.yaml', text));
    return rig.file('rules.yaml', text);
  };
  const rule = (action: string, more = ''): string => `rules:\n  - { id: likes, reason: a test, action: ${action}, ${more} when: { field: type, op: eq, value: Like } }\n`;
  const reloads = async (result: string): Promise<number> =>
    Number(new RegExp(`inbox_rules_reloads_total\\{result="${result}"\\} (\\d+)`).exec(await rig.metrics())?.[1] ?? 0);
  const change = async (text: string, result: 'ok' | 'failed'): Promise<void> => {
    const before = await reloads(result);
    put(text);
    await until(async () => (await reloads(result)) > before);
  };

  it('is followed: reject, drop, dry run, quarantine, and a bad one that changes nothing', async () => {
    await rig.restart({ SEKISHO_INBOX_RULES_FILE: put('') });
    const accepted = await send(rig, signed({ activity: fresh('like') }));
    expect(accepted.status).toBe(202);
    await change(rule('reject'), 'ok');
    expect(await post(fresh('like'))).toBe(403);
    expect(line()).toMatchObject({ code: 'SEKISHO_INBOX_RULE', rule: 'likes', verdict: 'deny' });
    expect(await post(fresh('follow'))).toBe(202);

    await change('rules:\n  - { id: likes, action: nonsense }\n', 'failed');
    expect(await post(fresh('like'))).toBe(403);

    await change(rule('drop'), 'ok');
    rig.stub.requests.length = 0;
    const dropped = await send(rig, signed({ activity: fresh('like') }));
    expect([dropped.status, dropped.body, Object.keys(dropped.headers)]).toEqual([202, accepted.body, Object.keys(accepted.headers)]);
    expect(line()).toMatchObject({ code: 'SEKISHO_INBOX_RULE_DROP', verdict: 'drop' });
    expect(rig.stub.requests).toHaveLength(0);

    await change(rule('reject', 'dryRun: true,'), 'ok');
    expect(await post(fresh('like'))).toBe(202);
    expect(line()).toMatchObject({ verdict: 'allow', hits: 'likes' });
    expect(line()['rule']).toBeUndefined();
    expect(await rig.metrics()).toContain('inbox_rule_hits_total{rule="likes",dry_run="yes"} 1');
  }, 20_000);

  it('limits how often a rule may be met, and says when to come again', async () => {
    await rig.restart({ SEKISHO_INBOX_RULES_FILE: put(rule('limit', 'limit: { perMinute: 1, burst: 2, per: host },')) });
    expect([await post(fresh('like')), await post(fresh('like'))]).toEqual([202, 202]);
    const { status, headers } = await send(rig, signed({ activity: fresh('like') }));
    expect([status, headers['sekisho-code']]).toEqual([429, 'RATE_LIMITED']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(50);
    expect(line()).toMatchObject({ code: 'SEKISHO_INBOX_RULE_LIMIT', rule: 'likes', hits: 'likes', verdict: 'deny' });
    expect(await post(fresh('follow'))).toBe(202);
    expect(await rig.metrics()).toContain('inbox_rule_hits_total{rule="likes",dry_run="no"} 1');
  }, 20_000);

  it('keeps whole what it puts into quarantine, and acknowledges nothing that it cannot keep', async () => {
    await rig.restart({ SEKISHO_INBOX_RULES_FILE: put(rule('quarantine')) });
    const request = signed({ activity: fresh('like') });
    expect((await send(rig, request)).status).toBe(202);
    expect(rig.stub.requests).toHaveLength(0);
    const [[, fields] = ['', []]] = await rig.admin.xrevrange(stateKeys.inboxQuarantine, '+', '-', 'COUNT', 1);
    const parsed = parseCapture(fields[1] ?? '');
    if (!parsed.ok) throw new Error(parsed.detail);
    expect(Buffer.from(parsed.capture.body ?? '', 'base64')).toEqual(request.body);
    expect(parsed.capture.verdict).toEqual({ decision: 'quarantine', code: 'SEKISHO_INBOX_RULE_QUARANTINE', rule: 'likes' });
    await rig.admin.config('SET', 'maxmemory', '1');
    try {
      expect(await post(fresh('like'))).toBe(503);
      expect(line()).toMatchObject({ code: 'SEKISHO_REDIS_AWAY', verdict: 'deny' });
    } finally {
      await rig.admin.config('SET', 'maxmemory', '128mb');
    }
  });

  it('keeps samples in another stream than what it puts into quarantine', async () => {
    await rig.restart({ SEKISHO_INBOX_RULES_FILE: put(rule('quarantine')), SEKISHO_INBOX_CAPTURE_PERCENT: '100' });
    await rig.admin.del(stateKeys.inboxQuarantine, stateKeys.inboxCaptures);
    expect(await post(fresh('like'))).toBe(202);
    expect(await post(fresh('follow'))).toBe(202);
    await until(async () => (await rig.admin.xlen(stateKeys.inboxCaptures)) === 1);
    expect(await rig.admin.xlen(stateKeys.inboxQuarantine)).toBe(1);
  });

  it('learns whom it saw first when a rule asks, from what Misskey has taken', async () => {
    const isNew = '{ field: actor.ageSeconds, op: lte, value: 0 }';
    const text = `rules:\n  - { id: new, reason: a test, action: reject, when: { all: [{ field: type, op: eq, value: Like }, ${isNew}] } }\n`;
    await rig.restart({ SEKISHO_INBOX_RULES_FILE: put(text) });
    expect(await post(fresh('like'))).toBe(403);
    rig.stub.inboxStatus = 500;
    expect(await post(fresh('follow'))).toBe(503);
    rig.stub.inboxStatus = undefined;
    expect(await rig.admin.keys(stateKeys.inboxFirst('*'))).toEqual([]);
    expect(await post(fresh('follow'))).toBe(202);
    await until(async () => (await rig.admin.keys(stateKeys.inboxFirst('*'))).length === 2);
    expect(await post(fresh('like'))).toBe(403);
    await until(async () => (await post(fresh('like'))) === 202);
  });
});

describe('streams', () => {
  const audit = async (): Promise<Record<string, string>[]> => {
    const entries = await rig.admin.xrange(stateKeys.audit, '-', '+');
    return entries.map(([, fields]) => Object.fromEntries(fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1] ?? '']] : []))));
  };

  it('hold one event for each decision, without content', async () => {
    await rig.restart({});
    await rig.admin.del(stateKeys.audit);
    const secret = 'a private matter';
    const direct = { ...fresh('vote'), object: { ...(fresh('vote')['object'] as object), content: secret, name: 'yes' } };
    expect(await post(direct)).toBe(202);
    expect(await post({ ...fresh('like'), type: 'Dislike' })).toBe(202);
    expect((await send(rig, { ...signed(), target: '/users/a/inbox/' })).status).toBe(404);
    await until(async () => (await audit()).length === 3);
    const [first = {}, second = {}, third = {}] = await audit();
    expect(first).toMatchObject({ verdict: 'allow', type: 'Create', hosts: expect.stringContaining(PEER), status: '202', mode: 'enforce' });
    expect(Object.keys(first)).toEqual(expect.arrayContaining(['id', 'at', 'activity', 'actor', 'cpu_ms', 'read_ms', 'deliver_ms', 'duration_ms']));
    expect(second).toMatchObject({ verdict: 'drop', code: 'SEKISHO_INBOX_ACTIVITY_TYPE' });
    expect(third).toMatchObject({ verdict: 'deny', code: 'SEKISHO_INBOX_PATH' });
    expect(JSON.stringify(await audit())).not.toContain(secret);
    expect(rig.log()).not.toContain(secret);
  });

  it('hold the share of captures that was asked for: public posts whole, others without their text', async () => {
    await rig.restart({ SEKISHO_INBOX_CAPTURE_PERCENT: '100' });
    await rig.admin.del(stateKeys.inboxCaptures);
    await post(fresh('create'));
    const vote = fresh('vote');
    await post({ ...vote, object: { ...(vote['object'] as object), content: 'a private matter' } });
    await until(async () => (await rig.admin.xlen(stateKeys.inboxCaptures)) === 2);
    const [open, closed] = (await rig.admin.xrange(stateKeys.inboxCaptures, '-', '+')).map(([, fields]) => fields[1] ?? '');
    expect(open).toContain('Good morning');
    expect(closed).not.toContain('a private matter');
    expect(closed).not.toContain('yes');
    for (const text of [open, closed]) expect(parseCapture(text ?? '')).toMatchObject({ ok: true, capture: { facts: { keyHost: PEER } } });
    expect(`${open}${closed}`.toLowerCase()).not.toContain('"signature"');
  });

  it('and marks can be planted by whoever has the gateway’s rights there: the request is lost, and no other', async () => {
    await rig.restart({});
    const request = signed();
    const before = new Set(await rig.admin.keys(stateKeys.inboxSeen('*')));
    // The mark is looked for meanwhile.
    rig.stub.inboxDelayMs = 3_000;
    rig.stub.inboxStatus = 503;
    const first = send(rig, request);
    await until(() => rig.stub.requests.length === 1);
    const mark = (await rig.admin.keys(stateKeys.inboxSeen('*'))).find((key) => !before.has(key)) ?? '';
    await first;
    rig.stub.inboxDelayMs = 0;
    rig.stub.inboxStatus = undefined;
    rig.stub.requests.length = 0;
    const thief = rig.redis.client({ username: 'sekisho-gateway-state', password: PASSWORD, enableReadyCheck: false });
    await thief.set(mark, 'done');
    expect((await send(rig, request)).status).toBe(202);
    expect(rig.stub.requests).toHaveLength(0);
    expect(line()['code']).toBe('SEKISHO_INBOX_REPLAY');
    expect((await send(rig, signed())).status).toBe(202);
    expect(rig.stub.requests).toHaveLength(1);
    await thief.del(mark);
    expect((await send(rig, request)).status).toBe(202);
    expect(rig.stub.requests).toHaveLength(2);
    await expect(thief.config('GET', '*')).rejects.toThrow('NOPERM');
  });
});

describe('verification', () => {
  const pem = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

  it.each([['pass', 202, undefined], ['retry', 503, 'SEKISHO_INBOX_KEY_AWAY']] as const)('without a fetcher: %s', async (unavailable, status, code) => {
    await rig.restart({ SEKISHO_INBOX_VERIFY: 'on', SEKISHO_INBOX_VERIFY_UNAVAILABLE: unavailable, SEKISHO_INBOX_ACTOR_KEY_FILE: rig.file('actor.pem', pem) });
    expect(await post(fresh('like'))).toBe(status);
    expect(line()['code']).toBe(code);
    expect(line()['verified']).toBeUndefined();
    expect(rig.stub.jobs).toHaveLength(status === 202 ? 1 : 0);
  });

  it('serves our own actor and its webfinger; everybody else’s is Misskey’s', async () => {
    const get = async (target: string) => await send(rig, { method: 'GET', target, headers: [['Host', SELF]], body: Buffer.alloc(0) });
    const actor = await get('/.sekisho/actor');
    expect(JSON.parse(actor.body.toString())).toMatchObject({ type: 'Application', preferredUsername: 'sekisho.gateway', id: `https://${SELF}/.sekisho/actor` });
    expect((await get(`/.well-known/webfinger?resource=acct:sekisho.gateway@${SELF}`)).body.toString()).toContain('/.sekisho/actor');
    rig.stub.requests.length = 0;
    await get(`/.well-known/webfinger?resource=acct:alice@${SELF}`);
    expect(rig.stub.requests.map(({ url }) => url)).toEqual([`/.well-known/webfinger?resource=acct:alice@${SELF}`]);
  });
});

describe('enqueue', () => {
  let misskey: TestMisskey;
  beforeAll(async () => {
    misskey = await startTestMisskey();
    await rig.restart({
      SEKISHO_INBOX_MODE: 'enqueue', SEKISHO_MISSKEY_VERSION: VERSION, SEKISHO_MISSKEY_QUEUE_PREFIX: PREFIX,
      SEKISHO_MISSKEY_QUEUE_REDIS_URL_FILE: rig.file('queue-url', misskey.url),
    });
    await until(async () => (await rig.metrics()).includes('sekisho_dependency_up{dependency="misskey_queue"} 1'));
  }, 20_000);
  afterAll(async () => {
    await misskey.stop();
  });
  afterEach(() => {
    rig.stub.requests.length = 0;
  });
  const jobs = async (): Promise<number> => await misskey.admin.llen(`${QUEUE}:wait`);

  it('puts a sanitised copy into the queue and answers like Misskey', async () => {
    const answer = await send(rig, signed({ activity: { ...fresh('like'), unknown: 'x', actor: { id: `https://${PEER}/users/alice`, type: 'Person' } } }));
    expect([answer.status, answer.headers['sekisho-code']]).toEqual([202, undefined]);
    expect([await jobs(), rig.stub.requests.length]).toEqual([1, 0]);
    const [id = ''] = await misskey.admin.lrange(`${QUEUE}:wait`, 0, 0);
    const data = JSON.parse((await misskey.admin.hget(`${QUEUE}:${id}`, 'data')) ?? '') as { activity: Record<string, unknown> };
    expect(data.activity['actor']).toBe(`https://${PEER}/users/alice`);
    expect(data.activity).not.toHaveProperty('unknown');
  });

  it('takes what is signed by RFC 9421 alone', async () => {
    const before = await jobs();
    const request = signRfc9421({ body: Buffer.from(JSON.stringify(fresh('follow'))), host: SELF, keyId: KEY_ID });
    expect((await send(rig, request)).status).toBe(202);
    expect(await jobs()).toBe(before + 1);
    expect((await send(rig, request)).status).toBe(202);
    expect(await jobs()).toBe(before + 1);
  });

  it('hands on over HTTP what somebody else delivers', async () => {
    const before = await jobs();
    const forwarded = {
      ...fresh('create'),
      signature: { type: 'RsaSignature2017', creator: KEY_ID, created: new Date().toISOString(), signatureValue: Buffer.alloc(256).toString('base64') },
    };
    const body = Buffer.from(JSON.stringify(forwarded));
    const answer = await send(rig, signed({ activity: forwarded, keyId: `https://${THIRD}/actor#key` }));
    expect({ status: answer.status, code: line()['code'], detail: line()['detail'] }).toEqual({ status: 202, code: undefined, detail: undefined });
    expect(line()['forwarded']).toBe(true);
    expect([await jobs(), rig.stub.requests.length]).toEqual([before, 1]);
    const rfc = await send(rig, signRfc9421({ body, host: SELF, keyId: `https://${THIRD}/actor#key` }));
    expect([rfc.status, line()['code']]).toEqual([401, 'SEKISHO_INBOX_RFC9421']);
  });

  it('says 503 while the queue is away, and takes the same request when it is back', async () => {
    const request = signed({ activity: fresh('like') });
    await misskey.server.crash();
    expect(await send(rig, request)).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
    expect(line()).toMatchObject({ code: 'SEKISHO_INBOX_QUEUE_AWAY', verdict: 'deny' });
    expect(rig.stub.requests).toHaveLength(0);
    await misskey.server.restart();
    await until(async () => (await send(rig, request)).status === 202);
    expect(await jobs()).toBe(1);
  }, 20_000);
});

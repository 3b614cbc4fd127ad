// Nothing is lost and nothing falsely acknowledged: repeats, a Misskey that is away, clients that leave, a Redis that is
// gone, and a gateway that is killed.

import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { stateKeys } from '@sekisho/contracts';
import { bytesOf, freePort, sendExact, startProgram } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { type InboxRig, send, signed, startInboxRig } from '../testing/inbox-rig.ts';

let rig: InboxRig;
beforeAll(async () => {
  rig = await startInboxRig();
});
afterAll(async () => {
  await rig.stop();
});
beforeEach(() => {
  rig.stub.jobs.length = 0;
  rig.stub.requests.length = 0;
  rig.stub.inboxStatus = undefined;
  rig.stub.inboxDelayMs = 0;
});
const seenKeys = async (): Promise<string[]> => (await rig.admin.keys(stateKeys.inboxSeen('*'))).toSorted();
const lastCode = (): unknown => rig.lines.at(-1)?.['code'];

describe('a repeat of the same signed request', () => {
  it('is acknowledged once Misskey has it, and not passed on again', async () => {
    const request = signed();
    expect((await send(rig, request)).status).toBe(202);
    const again = await send(rig, request);
    expect(again.status).toBe(202);
    expect(again.headers['sekisho-code']).toBeUndefined();
    expect(rig.stub.jobs).toHaveLength(1);
    await until(() => lastCode() === 'SEKISHO_INBOX_REPLAY');
  });

  it('waits while the first is under work', async () => {
    rig.stub.inboxDelayMs = 3_000;
    const request = signed();
    const first = send(rig, request);
    await until(() => rig.stub.requests.length === 1);
    expect(await send(rig, request)).toMatchObject({ status: 503, headers: { 'retry-after': '5', 'sekisho-code': 'OVERLOADED' } });
    expect((await first).status).toBe(202);
    expect((await send(rig, request)).status).toBe(202);
    expect(rig.stub.jobs).toHaveLength(1);
  });

  it.each([401, 403, 429, 500, 503])('is passed on again after a %i of Misskey', async (status) => {
    const request = signed();
    rig.stub.inboxStatus = status;
    expect((await send(rig, request)).status).toBe(status >= 500 ? 503 : status);
    rig.stub.inboxStatus = undefined;
    expect((await send(rig, request)).status).toBe(202);
    expect(rig.stub.jobs).toHaveLength(1);
  });

  it('is judged again after a refusal of ours', async () => {
    const request = signed({ activity: { id: 'https://misskey.peer.example/1', type: 'Like', actor: 'https://other.origin.example/u', object: 'https://self.example/notes/1' } });
    const before = await seenKeys();
    for (const turn of [1, 2]) expect([turn, (await send(rig, request)).status]).toEqual([turn, 403]);
    expect(await seenKeys()).toEqual(before);
  });
});

describe('a client that leaves', () => {
  it('before its body is there leaves nothing behind', async () => {
    const before = await seenKeys();
    const socket = connect(rig.port, '127.0.0.1');
    socket.write(bytesOf(signed()).subarray(0, -10));
    await until(async () => (await rig.metrics()).includes('sekisho_gateway_inbox_active_requests 1'));
    socket.destroy();
    await until(() => lastCode() === 'SEKISHO_ABORTED');
    expect(rig.stub.requests).toHaveLength(0);
    expect(await seenKeys()).toEqual(before);
    expect(rig.lines.at(-1)).toMatchObject({ aborted: true, status: 0 });
  });

  it('after Misskey has begun finds it done', async () => {
    const before = rig.lines.length;
    rig.stub.inboxDelayMs = 3_000;
    const request = signed();
    const socket = connect(rig.port, '127.0.0.1');
    socket.write(bytesOf(request));
    await until(() => rig.stub.requests.length === 1);
    socket.destroy();
    await until(() => rig.stub.jobs.length === 1 && rig.lines.length > before);
    expect(rig.lines.at(-1)).toMatchObject({ verdict: 'allow', status: 0, aborted: true });
    expect((await send(rig, request)).status).toBe(202);
    expect(rig.stub.jobs).toHaveLength(1);
  });
});

describe('Misskey', () => {
  it('that is away is a 503, never a 4xx, and the same request passes when it is back', async () => {
    const request = signed();
    await rig.stub.close();
    expect(await send(rig, request)).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
    expect(lastCode()).toBe('SEKISHO_MISSKEY_AWAY');
    expect(await rig.metrics()).toContain('sekisho_dependency_up{dependency="misskey"} 0');
    await rig.returnMisskey();
    expect((await send(rig, request)).status).toBe(202);
    expect(rig.stub.jobs).toHaveLength(1);
  });
});

describe('a gateway that is killed', () => {
  it('between receipt and delivery has acknowledged nothing; the sender’s next try passes', async () => {
    const port = await freePort();
    const main = fileURLToPath(new URL('../main.ts', import.meta.url));
    const env = { ...rig.env, SEKISHO_GATEWAY_PORT: String(port), SEKISHO_OPS_PORT: '0', SEKISHO_OPS_HOST: '127.0.0.1' } as Record<string, string>;
    const gateway = startProgram(main, env);
    await until(() => gateway.text.includes('gateway started'));
    // It listens before Redis has answered it, and sets no mark until then.
    const known = (await seenKeys()).length;
    await until(async () => (await sendExact(signed(), { port })).status === 202 && (await seenKeys()).length > known);
    rig.stub.requests.length = 0;
    rig.stub.inboxDelayMs = 3_000;
    const request = signed();
    const first = sendExact(request, { port });
    await until(() => rig.stub.requests.length === 1);
    gateway.child.kill('SIGKILL');
    await gateway.ended;
    expect((await first).status).toBe(0);
    rig.stub.inboxDelayMs = 0;
    rig.stub.jobs.length = 0;
    // Another gateway, the same Redis: the mark of the dead one is in the way for at most 30 s.
    expect((await send(rig, request)).status).toBe(503);
    expect(lastCode()).toBe('SEKISHO_INBOX_PENDING');
    const marks = await rig.admin.keys(stateKeys.inboxSeen('*'));
    const lives = await Promise.all(marks.map(async (key) => [key, await rig.admin.get(key), await rig.admin.pttl(key)] as const));
    const pending = lives.filter(([, value]) => value !== 'done');
    expect(pending).toHaveLength(1);
    expect(pending[0]?.[2]).toBeLessThanOrEqual(30_000);
    await rig.admin.del(pending[0]?.[0] ?? '');
    expect((await send(rig, request)).status).toBe(202);
    expect(rig.stub.jobs).toHaveLength(1);
  }, 30_000);

  it('in an orderly way ends what it has begun', async () => {
    rig.stub.inboxDelayMs = 300;
    const request = signed();
    const answer = send(rig, request);
    await until(() => rig.stub.requests.length === 1);
    await rig.restart();
    expect((await answer).status).toBe(202);
    expect((await send(rig, request)).status).toBe(202);
    expect(rig.stub.jobs).toHaveLength(1);
  });
});

describe('the state Redis', () => {
  it('that is away stops no activity; what it would have kept is counted', async () => {
    await rig.redis.crash();
    const request = signed();
    expect((await send(rig, request)).status).toBe(202);
    expect((await send(rig, request)).status).toBe(202);
    expect(rig.stub.jobs).toHaveLength(2);
    await until(async () => /inbox_events_lost_total\{stream="audit"\} [1-9]/.test(await rig.metrics()));
    expect(await rig.metrics()).toMatch(/inbox_marks_away_total [1-9]/);
    await rig.redis.restart();
    await until(async () => {
      const fresh = signed();
      return (await send(rig, fresh)).status === 202 && (await send(rig, fresh)).status === 202 && lastCode() === 'SEKISHO_INBOX_REPLAY';
    });
  }, 20_000);
});

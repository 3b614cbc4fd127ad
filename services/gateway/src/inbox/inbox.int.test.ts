import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { withHeader } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { type InboxRig, activities, send, signed, startInboxRig } from '../testing/inbox-rig.ts';

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
  rig.stub.inboxStatus = undefined;
  rig.stub.inboxDelayMs = 0;
});

describe('the inbox', () => {
  it.each(Object.keys(activities()))('passes %s on with the bytes that were signed', async (name) => {
    const request = signed({ activity: activities()[name] ?? {}, headers: [['cOllection-Synchronization', 'collectionId="x"'], ['User-Agent', 'Peer/1.0']] });
    const answer = await send(rig, request);
    expect({ status: answer.status, code: rig.lines.at(-1)?.['code'], detail: rig.lines.at(-1)?.['detail'] }).toEqual({ status: 202, code: undefined, detail: undefined });
    expect(rig.stub.jobs).toHaveLength(1);
    const [got] = rig.stub.requests;
    expect(got?.bodyHash).toBe(createHash('sha256').update(request.body).digest('hex'));
    expect([got?.method, got?.url]).toEqual(['POST', '/inbox']);
    const names = request.headers.map(([own]) => own).filter((own) => own !== 'Content-Length' && own !== 'Host');
    const raw = got?.rawHeaders ?? [];
    expect(raw.filter((_, at) => at % 2 === 0 && names.includes(raw[at] ?? ''))).toEqual(names);
    for (const [own, value] of request.headers) expect(raw[raw.findIndex((part) => part.toLowerCase() === own.toLowerCase()) + 1]).toBe(value);
  });

  it('takes what is posted to the inbox of a user, query included', async () => {
    const answer = await send(rig, signed({ target: '/users/9abcdefghi/inbox?x=%20y' }));
    expect(answer.status).toBe(202);
    expect(rig.stub.requests[0]?.url).toBe('/users/9abcdefghi/inbox?x=%20y');
  });

  it('leaves every other method to Misskey', async () => {
    const answer = await send(rig, { method: 'GET', target: '/inbox', headers: [['Host', 'self.example']], body: Buffer.alloc(0) });
    expect(answer.status).toBe(200);
    expect(rig.stub.requests[0]?.method).toBe('GET');
  });

  it('writes one line without content', async () => {
    await send(rig, signed({ activity: activities()['create'] ?? {} }));
    await until(() => rig.lines.at(-1)?.['type'] === 'Create');
    expect(rig.lines.at(-1)).toMatchObject({ verdict: 'allow', status: 202, type: 'Create', object_type: 'Note', hosts: 'misskey.peer.example', client: '203.0.113.9', mode: 'enforce' });
    expect(rig.log()).not.toContain('Good morning');
  });

  it('closes the connection of a refusal whose body was not read', async () => {
    const answer = await send(rig, withHeader(signed(), 'Content-Type', 'application/json'));
    expect(answer).toMatchObject({ status: 415, headers: { connection: 'close', 'sekisho-code': 'UNSUPPORTED_TYPE' } });
    expect(rig.stub.requests).toHaveLength(0);
  });
});

import { describe, expect, it } from '@jest/globals';
import { sanitiseActivity } from '@sekisho/inbox-policy';
import { testKey } from '@sekisho/testkit';
import { buildJob, type InboxJob } from './job.ts';
import { parseAsMisskey, verifyAsWorker } from '../../testing/enqueue/peertube.ts';
import { activities, byCavage, byRfc9421, KEY_ID, keysIn, type Received } from '../../testing/enqueue/requests.ts';

const jobOf = ({ activity, head }: Received): InboxJob => buildJob(sanitiseActivity(activity), head);
/** What the worker gets. */
const signatureOf = (received: Received): InboxJob['data']['signature'] => (JSON.parse(JSON.stringify(jobOf(received))) as InboxJob).data.signature;

describe('buildJob()', () => {
  it('names the job as Misskey does and has its options', () => {
    const { name, opts } = jobOf(byCavage({ activity: { ...activities()['follow'], id: 'https://alice.peer.example/notes/1/activity' } }));
    expect(name).toBe('alice.peer.example/notes/1');
    expect(opts).toEqual({
      attempts: 8, backoff: { type: 'custom' }, removeOnComplete: { age: 604_800, count: 30 }, removeOnFail: { age: 604_800, count: 100 },
      jobId: expect.stringMatching(/^sekisho-[\w-]{43}$/),
    });
  });

  it.each([
    ['rsa-sha256', {}],
    ['hs2019', { algorithm: 'hs2019' }],
    ['rsa-sha512', { algorithm: 'rsa-sha512', hash: 'sha512' }],
    ['another order', { covered: ['date', 'host', 'digest', '(request-target)'] }],
    ['a user inbox', { target: '/users/9abcdefghi/inbox?x=1' }],
  ] as const)('holds what the library of Misskey parses: %s', (_, options) => {
    const received = byCavage(options);
    expect(signatureOf(received)).toEqual(parseAsMisskey(received.request));
    expect(verifyAsWorker(signatureOf(received), testKey().pem)).toBe(true);
  });

  it('has nothing beside activity and signature, and no key that Misskey does not read', () => {
    const received = byCavage({ activity: { ...activities()['create'], evil: 1, actor: { id: 'https://alice.peer.example/users/alice', evil: 2 }, proof: {} } });
    const { data } = jobOf(received);
    expect(Object.keys(data)).toEqual(['activity', 'signature']);
    expect(data.activity['actor']).toBe('https://alice.peer.example/users/alice');
    expect([...keysIn(data.activity)]).not.toEqual(expect.arrayContaining(['evil']));
    expect(keysIn(data.activity).has('proof')).toBe(false);
    expect(keysIn(data.signature)).toEqual(new Set(['scheme', 'params', 'keyId', 'algorithm', 'headers', 'signature', 'signingString']));
  });

  it('bridges RFC 9421 to a signature that Misskey verifies', () => {
    const signature = signatureOf(byRfc9421());
    expect(signature).toMatchObject({
      scheme: 'Signature', algorithm: 'HS2019', keyId: KEY_ID, params: { keyId: KEY_ID, algorithm: 'hs2019', headers: ['@method', '@target-uri', 'content-digest'] },
    });
    expect(verifyAsWorker(signature, testKey().pem)).toBe(true);
    expect(verifyAsWorker(signature, testKey('other').pem)).toBe(false);
    expect(verifyAsWorker({ ...signature, signingString: `${signature.signingString} ` }, testKey().pem)).toBe(false);
    const named = signatureOf(byRfc9421({ algorithm: 'rsa-v1_5-sha256' }));
    expect(named).toMatchObject({ algorithm: 'RSA-SHA256', params: { algorithm: 'rsa-sha256' } });
    expect(verifyAsWorker(named, testKey().pem)).toBe(true);
  });

  it.each([
    ['cavage, ed25519', byCavage, 'ed25519'],
    ['cavage, hs2019', byCavage, 'hs2019'],
    ['RFC 9421, ed25519', byRfc9421, 'ed25519'],
    ['RFC 9421, none', byRfc9421, null],
  ] as const)('brings Ed25519 as hs2019: %s', (_, make, algorithm) => {
    const { privateKey, pem } = testKey('ed25519');
    const signature = signatureOf(make({ key: privateKey, algorithm }));
    expect(signature.algorithm).toBe('HS2019');
    expect(verifyAsWorker(signature, pem)).toBe(true);
  });

  it('gives the same signed bytes the same id, and what is signed anew another', () => {
    const activity = activities()['create'] ?? {};
    const nowMs = Date.now();
    const first = jobOf(byCavage({ activity, nowMs })).opts.jobId;
    expect(jobOf(byCavage({ activity, nowMs })).opts.jobId).toBe(first);
    expect(jobOf(byCavage({ activity, nowMs: nowMs - 1_000 })).opts.jobId).not.toBe(first);
    expect(jobOf(byCavage({ activity: { ...activity, published: new Date().toISOString() }, nowMs })).opts.jobId).not.toBe(first);
  });
});

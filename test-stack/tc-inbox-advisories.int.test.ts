// Published advisories about federated servers, row by row: an input that did the harm there is refused here, beside a neighbour
// that is accepted. Rows about fetching (content types, redirects, loops of keys) are in tc-keys, about the forwarded address of
// a client in tc-access, about the addresses of a fetch in tc-ssrf; the one about a widened audience needs verification: tc-inbox-verify.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Activity, type CavageOptions, type ExactRequest, type WireAnswer, legitimateActivities, signCavage } from '@sekisho/testkit';
import { type Fixture, START_MS, startFixture } from './fixture.ts';
import { post } from './inbox/post.ts';

const SELF = 'm.peer.example';
const PEER = 'r.peer.example';
const VICTIM = 'v.peer.example';
const BLOCKED = 'blocked.peer.example';
const ACTOR = `https://${PEER}/users/alice`;
const VIC = `https://${VICTIM}/users/vic`;
const PUBLIC = 'https://www.w3.org/ns/activitystreams#Public';
/** Classic bait for engines that try again and again. */
const RULES = `rules:
  - id: bait
    action: reject
    when: { field: content, op: regex, value: '^(a+)+$' }
lists:
  - { id: blocked, hosts: [${BLOCKED}] }
block: [blocked]
`;

let stack: Fixture;
let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-advisories-'));
  writeFileSync(join(folder, 'rules.yaml'), RULES);
  stack = await startFixture({ publicUrl: `https://${SELF}`, env: { SEKISHO_INBOX_RULES_FILE: join(folder, 'rules.yaml') } });
}, START_MS);
beforeEach(() => void (stack.misskey.requests.length = 0));
afterAll(async () => {
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

type Name = 'create' | 'updatePerson' | 'updateQuestion' | 'question' | 'announce' | 'accept' | 'undoAnnounce' | 'like';
const make = (name: Name): Record<string, unknown> => structuredClone(legitimateActivities({ self: SELF, peer: PEER, third: VICTIM })[name]) as Record<string, unknown>;
const sign = (activity: unknown, options: Partial<CavageOptions> = {}): ExactRequest =>
  signCavage({ body: Buffer.from(JSON.stringify(activity ?? {})), host: SELF, keyId: `${ACTOR}#main-key`, ...options });
/** A change of the activity. */
const changed = (name: Name, change: (activity: Record<string, unknown>) => void): ExactRequest => {
  const activity = make(name);
  change(activity);
  return sign(activity);
};
/** A change of its object. */
const object = (name: Name, values: Activity): ExactRequest => changed(name, (activity) => void Object.assign(activity['object'] as object, values));
const posts = async (request: ExactRequest): Promise<WireAnswer> => await post(stack, request);
const arrived = (): number => stack.misskey.requests.filter(({ method }) => method === 'POST').length;

/** Undo{Announce} with a signature of its own, as a reply forwarded by its relay or host would have. */
const signedDocument = (rest: Activity = {}, context: readonly unknown[] = []): Activity => {
  const activity = make('undoAnnounce');
  const contexts = [...activity['@context'] as unknown[], ...context];
  const signature = { type: 'RsaSignature2017', creator: `${ACTOR}#main-key`, created: new Date().toISOString(), signatureValue: Buffer.alloc(256, 1).toString('base64') };
  return { ...activity, '@context': contexts, signature, ...rest };
};
const forwarded = (activity: Activity): ExactRequest => sign(activity, { keyId: `https://relay.peer.example/actor#main-key` });

const ROWS: readonly (readonly [advisory: string, what: string, statuses: readonly number[], request: () => ExactRequest])[] = [
  ['Misskey #2546', 'the key of an unrelated host', [401, 403], () => changed('create', (activity) => void Object.assign(activity, { id: `https://${VICTIM}/1`, actor: VIC }))],
  ['GHSA-3f39-6537-3cgc', 'a body changed by one byte', [401], () => {
    const request = sign(make('create'));
    return { ...request, body: Buffer.from(request.body.toString().replace('Good', 'good')) };
  }],
  ['GHSA-3f39-6537-3cgc', 'another Host', [401], () => sign(make('create'), { host: VICTIM })],
  ['CVE-2026-28432', 'a digest that is not signed', [401], () => sign(make('create'), { covered: ['(request-target)', 'host', 'date'] })],
  ['GHSA-2vxv-pv3m-3wvj', 'a context that renames `to`', [400], () => forwarded(signedDocument({}, [{ to: 'as:bcc' }]))],
  ['GHSA-2vxv-pv3m-3wvj', 'a second name for `to`', [400], () => forwarded(signedDocument({}, [{ audienceOf: 'as:to' }]))],
  ...([
    ['@graph around it', () => ({ '@context': signedDocument()['@context'], '@graph': [signedDocument()] })],
    ['@graph beside it', () => signedDocument({ '@graph': [{ id: `https://${PEER}/1`, type: 'Note' }] })],
    ['@included', () => signedDocument({ '@included': [{ id: `https://${PEER}/activities/a`, type: 'Announce' }] })],
    ['@reverse', () => signedDocument({ object: { id: `https://${PEER}/a`, '@reverse': { object: { id: `https://${PEER}/u`, type: 'Undo' } } } })],
    ['an alias of @graph', () => signedDocument({ g: [] }, [{ g: '@graph' }])],
    ['an alias of @included', () => signedDocument({ i: [] }, [{ i: '@included' }])],
    ['a term by @reverse', () => signedDocument({ undoneBy: { id: `https://${PEER}/u` } }, [{ undoneBy: { '@reverse': 'as:object' } }])],
    ['@nest', () => signedDocument({ n: { object: `https://${PEER}/a` } }, [{ n: '@nest' }])],
  ] as const).map(([what, activity]): (typeof ROWS)[number] => ['CVE-2026-42462, CVE-2026-46349, CVE-2026-48028', what, [400], () => forwarded(activity())]),
  ['CVE-2026-50128', 'a term without a definition in a signed Update', [400, 401, 403], () => forwarded({
    ...make('updatePerson'), object: { ...make('updatePerson')['object'] as object, attributionDomains: [VICTIM] },
    signature: signedDocument()['signature'], '@context': [...make('updatePerson')['@context'] as unknown[], { attributionDomains: { '@reverse': 'as:attributedTo' } }],
  })],
  ...([
    ['a collection of what others did', { type: 'Collection', items: [{ id: `https://${VICTIM}/a`, type: 'Delete', actor: VIC, object: VIC }] }],
    ['an id in an array', { id: [`https://${VICTIM}/1`] }],
    ['an id of null', { id: null }],
    ['an id of our own', { id: `https://${SELF}/1` }],
  ] as const).map(([what, values]): (typeof ROWS)[number] => ['GHSA-m2gq-69fp-6hv4', what, [400, 403], () => changed('create', (activity) => void Object.assign(activity, values))]),
  ...([
    ['an object id of our own', { id: `https://${SELF}/notes/1` }],
    ['an object id in an array', { id: [`https://${PEER}/1`] }],
    ['somebody else as author', { attributedTo: VIC }],
  ] as const).map(([what, values]): (typeof ROWS)[number] => ['GHSA-m2gq-69fp-6hv4', what, [400, 403], () => object('create', values)]),
  ...['inbox', 'outbox', 'followers', 'following', 'sharedInbox', 'featured'].map((key): (typeof ROWS)[number] =>
    ['GHSA-m2gq-69fp-6hv4', `${key} on another host`, [403], () => object('updatePerson', { [key]: `https://${VICTIM}/${key}` })]),
  ['no downgrade', 'inbox by http', [400, 403], () => object('updatePerson', { inbox: `http://${PEER}/inbox` })],
  ['GHSA-5h8r-gq97-xv69', 'fewer than no votes', [400], () => object('updateQuestion', { oneOf: [{ type: 'Note', name: 'x', replies: { type: 'Collection', totalItems: -1 } }] })],
  ['GHSA-5h8r-gq97-xv69', 'the poll of somebody else', [403], () => object('updateQuestion', { attributedTo: `https://${PEER}/users/other` })],
  ...['https://0.0.0.0/x', 'https://[::ffff:127.0.0.1]/', 'https://2130706433/', 'https://a.example:6379/', 'https://127.1/x', 'https://0x7f000001/', 'https://u@a.example/'].map((url): (typeof ROWS)[number] =>
    ['CVE-2025-25194, CVE-2026-33693, CVE-2024-39687', url, [400], () => object('create', { inReplyTo: url })]),
  ['CVE-2025-54888', 'key of A, actor B', [401, 403], () => sign(make('create'), { keyId: `${VIC}#main-key` })],
  ['CVE-2026-23962', '500 choices', [400], () => object('question', { oneOf: Array.from({ length: 500 }, (_, at) => ({ type: 'Note', name: String(at) })) })],
  ['CVE-2026-23961', 'an embedded object of a blocked host', [403], () => changed('announce', (activity) => void (activity['object'] = { id: `https://${BLOCKED}/1`, type: 'Note', attributedTo: `https://${BLOCKED}/u`, content: 'x' }))],
  ['CVE-2024-23832', 'the profile of another host', [403], () => object('updatePerson', { id: VIC })],
  ['CVE-2023-42451', 'a host with an ideographic full stop', [400, 403], () => changed('create', (activity) => void (activity['id'] = `https://${VICTIM.replace('.', '。')}/1`))],
  ['CVE-2025-30741', 'an Accept by somebody who was not followed', [403], () => object('accept', { object: VIC })],
  ['5.1', 'an old Date behind X-Date', [400, 401], () => sign(make('create'), { dateOffsetS: -3_600, headers: [['X-Date', new Date().toUTCString()]] })],
  ['5.1', 'a Date that is none', [401], () => sign(make('create'), { date: 'now' })],
  ['5.1', 'Authorization for Signature', [400, 401], () => {
    const request = sign(make('create'));
    return { ...request, headers: request.headers.map(([name, value]) => (name === 'Signature' ? ['Authorization', `Signature ${value}`] as const : [name, value] as const)) };
  }],
  ['5.1', 'keyId twice', [401], () => sign(make('create'), { template: `keyId="${VIC}",keyId="${ACTOR}#main-key",algorithm="rsa-sha256",headers="(request-target) host date digest content-type",signature="{signature}"` })],
  ['5.1', '/%69nbox', [404], () => sign(make('create'), { target: '/%69nbox' })],
  ['5.1', 'a byte order mark', [400], () => sign(undefined, { body: Buffer.from(`\uFEFF${JSON.stringify(make('create'))}`) })],
  ['5.1', 'application/json', [415], () => sign(make('create'), { contentType: 'application/json' })],
  ['5.1', 'nested 5,000 deep', [400], () => sign(undefined, { body: Buffer.from(`{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`) })],
];

describe('advisories', () => {
  it.each(ROWS)('%s: %s', async (_advisory, _what, statuses, request) => {
    const { status } = await posts(request());
    expect(statuses).toContain(status);
    expect(arrived()).toBe(0);
  });

  it.each(['create', 'updatePerson', 'updateQuestion', 'question', 'announce', 'accept', 'undoAnnounce', 'like'] as const)('the neighbour of these is taken: %s', async (name) => {
    expect((await posts(sign(make(name)))).status).toBe(202);
    expect(arrived()).toBe(1);
  });

  it('a signed document that somebody else delivers is taken, also with terms of its own', async () => {
    expect((await posts(forwarded(signedDocument()))).status).toBe(202);
    expect((await posts(forwarded(signedDocument({}, [{ own: 'https://r.peer.example/ns#own' }])))).status).toBe(202);
    expect(arrived()).toBe(2);
  });

  it('CVE-2023-42451: a host in capitals is the same host', async () => {
    const activity = make('like');
    expect((await posts(sign({ ...activity, id: String(activity['id']).replace(PEER, 'R.Peer.Example') }))).status).toBe(202);
  });

  it('CVE-2025-68475: bait for slow expressions takes no time', async () => {
    // Expressions see 8,192 characters of a text.
    const bait = object('create', { content: `${'a'.repeat(8_000)}!` });
    const began = performance.now();
    expect((await posts(bait)).status).toBe(202);
    expect(performance.now() - began).toBeLessThan(5_000);
    // The rule does look at it.
    expect((await posts(object('create', { content: 'aaaa' }))).status).toBe(403);
  });

  it('an announcement of what a host that is not blocked wrote is taken', async () => {
    const request = changed('announce', (activity) => void (activity['object'] = { id: `https://${VICTIM}/1`, type: 'Note', attributedTo: VIC, content: 'x', to: [PUBLIC] }));
    expect((await posts(request)).status).toBe(202);
  });
});

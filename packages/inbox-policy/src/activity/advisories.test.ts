// What others were hit by, one input each: our host m.example, peer r.example, victim v.example. Those that a head, a body, a key
// or an earlier request decides stand with what decides them.

import { describe, expect, it } from '@jest/globals';
import { cpuMsOf } from '@sekisho/testkit/cpu-time';
import { checkActivityHosts } from '../rules/lists/check.ts';
import { createHostLists } from '../rules/lists/host-lists.ts';
import { activity, ALICE, create, type Json, many, note, OWN_HOST, PEER, person, PUBLIC, read, type ReadOptions, refusal, update, VICTIM, verdict } from '../testing/activity.ts';
import type { JsonObject } from '../types.ts';

const CONTEXT = 'https://www.w3.org/ns/activitystreams';
const VIC = `https://${VICTIM}/u`;
const signed = { signature: { type: 'RsaSignature2017', creator: `${ALICE}#main-key`, created: '2026-11-25T12:00:00Z', signatureValue: 'AAAA' } };
const undo = activity('Undo', { object: { id: `https://${PEER}/a/2`, type: 'Announce', actor: ALICE, object: `https://${VICTIM}/n` } });
const question = (rest: Json): Json => update(note({ type: 'Question', ...rest }));
const follow = { id: `https://${OWN_HOST}/follows/1`, type: 'Follow', actor: `https://${OWN_HOST}/users/1`, object: VIC };

describe('advisories', () => {
  it.each<readonly [string, Json, string, ReadOptions?]>([
    ['Misskey #2546: the key of one signs for another', activity('Like', { id: `https://${VICTIM}/a`, actor: VIC, object: `https://${OWN_HOST}/n` }), 'SIGNER', { keyHost: PEER }],
    ['Fedify CVE-2025-54888: the key of A, the actor B', create(), 'SIGNER', { keyHost: 'a.example' }],
    ['GHSA-2vxv-pv3m-3wvj: a context that renames to', create(note(), { ...signed, '@context': [CONTEXT, { to: 'as:cc' }] }), 'LD'],
    ['31e283e484: @graph', { ...undo, ...signed, '@graph': [] }, 'LD'],
    ['31e283e484: @included', { ...undo, ...signed, '@included': [{ id: VIC, type: 'Person' }] }, 'LD'],
    ['31e283e484: @reverse', { ...undo, ...signed, object: { ...(undo['object'] as Json), '@reverse': { object: { id: VIC } } } }, 'LD'],
    ['31e283e484: an alias of one', { ...undo, ...signed, '@context': [CONTEXT, { x: '@included' }], x: [] }, 'LD'],
    ['Mastodon CVE-2026-50128: a term outside of the signature', { ...update(person({ attributionDomains: [VICTIM] })), ...signed }, 'LD', { keyHost: 'forwarder.example' }],
    ['GHSA-m2gq-69fp-6hv4: a list of what others did', activity('Collection', { items: [{ id: `https://${VICTIM}/a`, type: 'Delete', actor: ALICE, object: VIC }] }), 'ID_HOST'],
    ['GHSA-m2gq-69fp-6hv4: a list of anybody', { type: 'Collection', items: [{ id: `https://${VICTIM}/a`, type: 'Delete' }] }, 'ID'],
    ['GHSA-m2gq-69fp-6hv4: the id in an array', create(note(), { id: [`https://${VICTIM}/1`] }), 'ID'],
    ['GHSA-m2gq-69fp-6hv4: the id null', create(note(), { id: null }), 'ID'],
    ['GHSA-m2gq-69fp-6hv4: an object of nobody', create(note({ id: undefined })), 'SHAPE'],
    ['GHSA-m2gq-69fp-6hv4: an object of ours', create(note({ id: `https://${OWN_HOST}/notes/1` })), 'AUTHORITY'],
    ['GHSA-m2gq-69fp-6hv4: attribution', create(note({ attributedTo: VIC })), 'AUTHORITY'],
    ...(['sharedInbox', 'outbox', 'followers', 'following', 'featured'].map((place) =>
      [`GHSA-m2gq-69fp-6hv4: ${place} elsewhere`, update(person({ [place]: `https://${VICTIM}/x` })), 'ACTOR_DOCUMENT'] as const)),
    ['no way back to http: an inbox', update(person({ inbox: 'http://r.example/inbox' })), 'REFERENCE'],
    ['no way back to http: a url', create(note({ url: 'http://r.example/1' })), 'REFERENCE'],
    ['no way back to http: an id', create(note(), { id: 'http://r.example/1' }), 'ID'],
    ['GHSA-5h8r-gq97-xv69: less than no votes', question({ oneOf: [{ name: 'a', replies: { totalItems: -1 } }] }), 'SHAPE'],
    ['GHSA-5h8r-gq97-xv69: the poll of another', question({ attributedTo: `https://${PEER}/other` }), 'AUTHORITY'],
    ...['https://0.0.0.0/x', 'https://[::ffff:127.0.0.1]/', 'https://2130706433/', 'https://a.example:6379/', 'https://u:p@a.example/', 'https://x.local/', 'https://x.onion/', 'https://redis/'].map((url) =>
      [`090e9392cd, Lemmy CVE-2025-25194, Fedify CVE-2024-39687: ${url}`, create(note({ inReplyTo: url })), 'REFERENCE'] as const),
    ['Mastodon CVE-2026-23962: 500 choices', create(note({ type: 'Question', oneOf: many(500, (at) => ({ type: 'Note', name: String(at) })) })), 'COUNT'],
    ['Mastodon CVE-2024-23832: a profile elsewhere', update(person({ id: VIC })), 'ACTOR_DOCUMENT'],
    ['Mastodon CVE-2023-42451: our host in other letters', create(note(), { id: 'https://M。Example/1' }), 'OWN_HOST'],
    ['Mastodon CVE-2023-42451: a victim in other letters', create(note({ id: 'https://v。example/n' })), 'AUTHORITY'],
    ['Pixelfed CVE-2025-30741: who was not followed accepts', activity('Accept', { object: follow }), 'AUTHORITY'],
    ['fan-out: 300 hosts', create(note(), { cc: many(300, (at) => `https://h${at}.example/u`) }), 'COUNT'],
  ])('%s', (...[, value, expected, options]) => {
    expect(verdict(value, options)).toBe(expected);
  });

  it.each<readonly [string, Json]>([
    ['the host of the peer in other letters', create(note(), { id: 'https://R.Example/1' })],
    ['the undone announcement as it was signed', { ...undo, ...signed }],
    ['an answer of who was followed', activity('Accept', { object: { ...follow, object: ALICE } })],
    ['his own poll', question({ oneOf: [{ name: 'a', replies: { totalItems: 0 } }] })],
    ['another audience for what he wrote', create(note({ to: [PUBLIC] }))],
  ])('taken: %s', (_name, value) => {
    expect(refusal(value)).toBe('ok');
  });

  it('Mastodon CVE-2026-23961: what a blocked host wrote is named by whoever announces it', () => {
    const value = activity('Announce', { object: { id: `https://${PEER}/a/9`, type: 'Create', actor: ALICE, object: { id: 'https://blocked.example/n', type: 'Note' } } });
    const lists = createHostLists({ block: ['bad'], allow: [], ownHosts: new Set([OWN_HOST]), inline: new Map([['bad', new Set(['blocked.example'])]]) });
    expect(checkActivityHosts(value as JsonObject, PEER, lists)?.code).toBe('SEKISHO_INBOX_HOST_BLOCKED');
    const result = read(value);
    expect(result.ok && result.hosts.has('blocked.example')).toBe(true);
  });

  it('Fedify CVE-2025-68475: bait for slow expressions takes no time', () => {
    const bait = `${'a'.repeat(60_000)}!`;
    expect(cpuMsOf(() => {
      expect(refusal(create(note({ content: `<${bait}`, tag: [{ type: 'Hashtag', name: bait }], summary: ':'.repeat(30_000) })))).toBe('ok');
      expect(verdict(create(note({ inReplyTo: `https://${'a.'.repeat(1_000)}` })))).toBe('REFERENCE');
      expect(verdict(update(person({ preferredUsername: `${'a-'.repeat(30_000)}!` })))).toBe('SHAPE');
    })).toBeLessThan(250);
  });
});

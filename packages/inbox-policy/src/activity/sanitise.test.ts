import { describe, expect, it } from '@jest/globals';
import { testKey } from '@sekisho/testkit';
import { accepted, activity, ALICE, create, type Json, keysWithin, note, OWN_HOST, PEER, person, PUBLIC, update, VICTIM } from '../testing/activity.ts';
import { sanitiseActivity } from './sanitise.ts';

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const copyOf = (value: Json): unknown => plain(sanitiseActivity(accepted(value)));
const LOCAL = `https://${OWN_HOST}/users/1`;
const head = (type: string): Json => ({ id: `https://${PEER}/a/1`, type, actor: ALICE });

describe('sanitiseActivity()', () => {
  it('copies a post: what Misskey reads, each property in one shape', () => {
    const value = create(note({
      '@context': { x: 'urn:x' }, type: ['Note', 'x:y'], attributedTo: [{ id: ALICE, type: 'Person' }], to: PUBLIC, cc: { id: LOCAL, name: 'x' }, inReplyTo: { id: `https://${OWN_HOST}/n`, content: 'x' },
      summary: null, url: [{ type: 'Link', href: `https://${PEER}/1` }, { href: 'magnet:x' }], quoteUrl: '', contentMap: { en: 'x' }, proof: {}, source: { content: 'x', mediaType: 'text/x.misskeymarkdown', y: 1 },
      attachment: [{ type: 'Image', mediaType: 'image/png', url: `https://${PEER}/i.png`, name: 'alt', blurhash: 'z' }, { type: 'Link', href: 'x' }],
      tag: [{ type: 'Mention', href: LOCAL, name: '@bob', x: 1 }, { type: 'Other' }, { type: 'Emoji', name: ':x:', icon: { type: 'Image', url: `https://${PEER}/x.png`, mediaType: 'x' }, _misskey_license: { freeText: 'CC0', y: 2 } }],
    }), { actor: { id: ALICE, type: 'Person', publicKey: {} }, cc: 'as:Public', signature: { type: 'RsaSignature2017', creator: `${ALICE}#k`, signatureValue: 'A' }, proof: {}, x: 1 });
    expect(copyOf(value)).toEqual({
      ...head('Create'), to: [PUBLIC], cc: ['as:Public'],
      object: {
        id: `https://${PEER}/n/1`, type: 'Note', attributedTo: ALICE, to: [PUBLIC], cc: [LOCAL], inReplyTo: `https://${OWN_HOST}/n`, content: '<p>x</p>', url: `https://${PEER}/1`,
        source: { content: 'x', mediaType: 'text/x.misskeymarkdown' }, attachment: [{ type: 'Image', url: `https://${PEER}/i.png`, name: 'alt' }],
        tag: [{ type: 'Mention', href: LOCAL, name: '@bob' }, { type: 'Emoji', name: ':x:', icon: { type: 'Image', url: `https://${PEER}/x.png` }, _misskey_license: { freeText: 'CC0' } }],
      },
    });
  });

  it('copies a poll and a vote', () => {
    const oneOf = [{ type: 'Note', name: 'a', replies: { type: 'Collection', totalItems: 3, items: [] }, _misskey_votes: 2, x: 1 }];
    expect(copyOf(create(note({ type: 'Question', oneOf, endTime: '2031-01-01T00:00:00Z', closed: true, votersCount: 3 })))).toMatchObject({
      object: { type: 'Question', oneOf: [{ type: 'Note', name: 'a', replies: { type: 'Collection', totalItems: 3 }, _misskey_votes: 2 }], endTime: '2031-01-01T00:00:00Z', closed: true },
    });
    expect(copyOf(create([note({ id: `https://${PEER}/v/1`, name: 'a' }), note({ id: `https://${PEER}/v/2`, name: 'b' })]))).toMatchObject({ object: [{ name: 'a' }, { name: 'b' }] });
  });

  it('copies a profile', () => {
    const { pem } = testKey();
    const value = update(person({
      outbox: { id: `${ALICE}/outbox`, type: 'OrderedCollection', first: {} }, endpoints: { sharedInbox: `https://${PEER}/inbox`, uploadMedia: 'x' }, devices: 'x', discoverable: 'true', isCat: true,
      publicKey: { id: `${ALICE}#k`, type: 'Key', owner: ALICE, publicKeyPem: pem }, icon: { type: 'Image', url: { href: `https://${PEER}/a.png` }, width: 1 }, alsoKnownAs: ['at://did:plc:x', `https://${VICTIM}/u`, 'acct:a@b.example'],
      attachment: [{ type: 'PropertyValue', name: 'a', value: 'b', x: 1 }, { type: 'IdentityProof' }], 'vcard:bday': '2000-01-01', 'vcard:Address': { '@type': 'vcard:Home' },
    }));
    expect(copyOf(value)).toEqual({
      ...head('Update'),
      object: {
        id: ALICE, type: 'Person', preferredUsername: 'alice', inbox: `${ALICE}/inbox`, outbox: `${ALICE}/outbox`, endpoints: { sharedInbox: `https://${PEER}/inbox` }, discoverable: true, isCat: true,
        publicKey: { id: `${ALICE}#k`, owner: ALICE, publicKeyPem: pem }, icon: [{ type: 'Image', url: `https://${PEER}/a.png` }], alsoKnownAs: [`https://${VICTIM}/u`],
        attachment: [{ type: 'PropertyValue', name: 'a', value: 'b' }], 'vcard:bday': '2000-01-01',
      },
    });
  });

  it.each<readonly [string, Json, Json]>([
    ['an Announce to the id of what it embeds', { object: { id: `https://${VICTIM}/n`, type: 'Note', content: 'x' }, published: '2026-11-25T00:00:00Z' }, { object: `https://${VICTIM}/n`, published: '2026-11-25T00:00:00Z' }],
    ['a Like', { object: { id: `https://${OWN_HOST}/n` }, content: '👍', to: [PUBLIC] }, { object: `https://${OWN_HOST}/n`, content: '👍' }],
    ['a Follow', { object: [{ id: LOCAL, type: 'Person' }] }, { object: LOCAL }],
    ['a Block', { object: LOCAL, summary: 'x' }, { object: LOCAL }],
    ['an Undo', { object: { id: `https://${PEER}/a/2`, type: 'Follow', actor: { id: ALICE }, object: { id: LOCAL }, state: 'x' } }, { object: { id: `https://${PEER}/a/2`, type: 'Follow', actor: ALICE, object: LOCAL } }],
    ['an Accept', { object: { id: `https://${OWN_HOST}/follows/1`, type: 'Follow', actor: LOCAL, object: ALICE, x: 1 } }, { object: { id: `https://${OWN_HOST}/follows/1`, type: 'Follow', actor: LOCAL, object: ALICE } }],
    ['a Delete', { object: { id: `https://${PEER}/n`, type: 'Tombstone', formerType: 'Note', deleted: 'x' } }, { object: { id: `https://${PEER}/n`, type: 'Tombstone', formerType: 'Note' } }],
    ['an Add', { object: { id: `https://${PEER}/n`, type: 'Note' }, target: `${ALICE}/featured` }, { object: `https://${PEER}/n`, target: `${ALICE}/featured` }],
    ['a Flag', { object: LOCAL, content: 'x', to: LOCAL }, { object: [LOCAL], content: 'x' }],
    ['a Move', { object: ALICE, target: { type: 'Link', href: `https://${VICTIM}/u` } }, { object: ALICE, target: `https://${VICTIM}/u` }],
    ['a Collection', { items: [{ id: `https://${PEER}/a/2`, type: 'Like', actor: ALICE, object: `https://${OWN_HOST}/n`, x: 1 }, { type: 'Teleport' }], totalItems: 2 }, { items: [{ id: `https://${PEER}/a/2`, type: 'Like', actor: ALICE, object: `https://${OWN_HOST}/n` }] }],
  ])('reduces %s', (name, rest, expected) => {
    const type = name.split(' ').find((word) => /^[A-Z]/.test(word)) ?? '';
    expect(copyOf(activity(type, rest))).toEqual({ ...head(type), ...expected });
  });

  it('has neither contexts nor signatures', () => {
    const keys = keysWithin(sanitiseActivity(accepted(create(note({ '@context': {} }), { signature: { type: 'x' } }))));
    expect(keys.filter((key) => key.startsWith('@') || key === 'signature')).toEqual([]);
  });

  it('refuses what was never read', () => {
    const never = { ...accepted(create()), value: { type: 'Create', object: 7 } };
    expect(() => sanitiseActivity(never)).toThrow('was never accepted: /object');
  });
});

import { describe, expect, it } from '@jest/globals';
import { testKey } from '@sekisho/testkit';
import { ALICE, type Json, PEER, person, refusal, update, VICTIM, verdict } from '../testing/activity.ts';

const { pem, privateKey } = testKey();
const key = (rest: Json = {}): Json => ({ publicKey: { id: `${ALICE}#main-key`, owner: ALICE, publicKeyPem: pem, ...rest } });

describe('the profile in an Update', () => {
  it.each(['inbox', 'outbox', 'followers', 'following', 'featured', 'sharedInbox'])('%s lies on the host of the actor', (place) => {
    expect(verdict(update(person({ [place]: `https://${PEER}/x` })))).toBe('ok');
    expect(refusal(update(person({ [place]: `https://${VICTIM}/x` })))).toBe(`ACTOR_DOCUMENT /object/${place}`);
    expect(refusal(update(person({ [place]: `https://sub.${PEER}/x` })))).toBe(`ACTOR_DOCUMENT /object/${place}`);
  });

  it('collections may be objects, and inboxes may not be missing', () => {
    expect(verdict(update(person({ outbox: { id: `https://${PEER}/o`, type: 'OrderedCollection' } })))).toBe('ok');
    expect(refusal(update(person({ featured: { id: `https://${VICTIM}/o` } })))).toBe('ACTOR_DOCUMENT /object/featured');
    expect(refusal(update(person({ inbox: undefined })))).toBe('ACTOR_DOCUMENT /object/inbox');
  });

  it('the shared inbox may lie nowhere else', () => {
    expect(verdict(update(person({ endpoints: { sharedInbox: `https://${PEER}/inbox` } })))).toBe('ok');
    expect(refusal(update(person({ endpoints: { sharedInbox: `https://${VICTIM}/inbox` } })))).toBe('ACTOR_DOCUMENT /object/endpoints/sharedInbox');
  });

  it.each<readonly [string, Json, string]>([
    ['his own', {}, 'ok'],
    ['Ed25519', { publicKeyPem: testKey('ed25519').pem }, 'ok'],
    ['without owner', { owner: undefined }, 'ok'],
    ['without text', { publicKeyPem: undefined }, 'ok'],
    // GNU social: the group signs with the key of the user who made it.
    ['of the one whose key it is by its id', { id: `https://${PEER}/u/bea#public-key`, owner: `https://${PEER}/u/bea` }, 'ok'],
    ['of another host', { id: `https://${VICTIM}/u#k` }, 'ACTOR_DOCUMENT /object/publicKey/id'],
    ['without id', { id: undefined }, 'ACTOR_DOCUMENT /object/publicKey/id'],
    ['of another owner', { owner: `https://${VICTIM}/u` }, 'ACTOR_DOCUMENT /object/publicKey/owner'],
    ['of a neighbour', { owner: `https://${PEER}/u/bea` }, 'ACTOR_DOCUMENT /object/publicKey/owner'],
    ['that is short', { publicKeyPem: testKey('rsa1024').pem }, 'ACTOR_KEY'],
    ['that is elliptic', { publicKeyPem: testKey('ecdsa').pem }, 'ACTOR_KEY'],
    ['that is private', { publicKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) }, 'ACTOR_KEY'],
    ['that is none', { publicKeyPem: 'foo' }, 'ACTOR_KEY'],
  ])('a key %s', (_name, rest, expected) => {
    expect(refusal(update(person(key(rest)))).startsWith(expected)).toBe(true);
  });

  it('a key is remembered as good only as it was read', () => {
    // Blanks beyond ASCII are blanks to the reader; cut to one byte they are others.
    const odd = pem.replace('MII', 'MII\u2028\u2001');
    const cut = Buffer.from(odd, 'latin1').toString('latin1');
    const outcomes = [odd, cut, pem, pem, cut].map((publicKeyPem) => refusal(update(person(key({ publicKeyPem })))));
    expect(outcomes.map((text) => text.slice(0, 9))).toEqual(['ok', 'ACTOR_KEY', 'ok', 'ok', 'ACTOR_KEY']);
  });

  it('says nothing of the key but why', () => {
    expect(refusal(update(person(key({ publicKeyPem: 'secret words' }))))).toBe('ACTOR_KEY /object/publicKey/publicKeyPem: no PEM of one public key');
  });

  it('the profile of a type that Misskey ignores is not read', () => {
    expect(verdict(update({ id: `https://${PEER}/x`, type: 'Actor', inbox: 'http://x/', ...key({ publicKeyPem: 'foo' }) }))).toBe('ok');
  });
});

// Legitimate activities, one or more of every type that Misskey handles: what a checkout without the shared corpus tests with.

import { randomUUID } from 'node:crypto';
import { testKey } from './keys.ts';

export type Activity = Readonly<Record<string, unknown>>;

export interface ActivityWorld {
  /** Our host. */
  readonly self: string;
  /** Host of the sender, https://<peer>/users/alice. */
  readonly peer: string;
  /** Any third host. */
  readonly third: string;
  readonly nowMs?: number;
  /** Makes ids differ; default random. */
  readonly uid?: string;
}

const PUBLIC = 'https://www.w3.org/ns/activitystreams#Public';
const CONTEXT = ['https://www.w3.org/ns/activitystreams', 'https://w3id.org/security/v1'];

/** By name; actor of all is https://<peer>/users/alice, key #main-key of that. */
export function legitimateActivities(world: ActivityWorld): Readonly<Record<string, Activity>> {
  const { self, peer, third, uid = randomUUID() } = world;
  const actor = `https://${peer}/users/alice`;
  const followers = `${actor}/followers`;
  const local = `https://${self}/users/9abcdefghi`;
  const localNote = `https://${self}/notes/9zzzzzzzzz`;
  const published = new Date((world.nowMs ?? Date.now()) - 60_000).toISOString();
  let count = 0;
  const make = (type: string, rest: Activity): Activity => {
    count += 1;
    return { '@context': CONTEXT, id: `https://${peer}/activities/${uid}-${count}`, type, actor, published, ...rest };
  };
  const note = (rest: Activity = {}): Activity => {
    count += 1;
    const id = `https://${peer}/notes/${uid}-${count}`;
    return { id, type: 'Note', attributedTo: actor, content: '<p>Good morning</p>', published, to: [PUBLIC], cc: [followers], url: id, tag: [], attachment: [], sensitive: false, ...rest };
  };
  const toPublic = { to: [PUBLIC], cc: [followers] };
  const toLocal = { to: [local], cc: [] };
  const follow = { id: `https://${self}/follows/9follow001`, type: 'Follow', actor: local, object: actor };
  const inner = (type: string, object: string): Activity => ({ id: `https://${peer}/activities/${uid}-${type}`, type, actor, object });
  return {
    create: make('Create', { ...toPublic, object: note() }),
    reply: make('Create', { to: [PUBLIC], cc: [local], object: note({ cc: [local], inReplyTo: localNote, tag: [{ type: 'Mention', href: local, name: `@bob@${self}` }, { type: 'Hashtag', href: `https://${peer}/tags/tea`, name: '#tea' }] }) }),
    media: make('Create', { ...toPublic, object: note({ summary: 'flowers', sensitive: true, attachment: [{ type: 'Document', mediaType: 'image/png', url: `https://${peer}/files/p.png`, name: 'a flower' }] }) }),
    quote: make('Create', { ...toPublic, object: note({ _misskey_quote: localNote, quoteUrl: localNote, source: { content: 'x', mediaType: 'text/x.misskeymarkdown' }, _misskey_content: 'x' }) }),
    article: make('Create', { ...toPublic, object: note({ type: 'Article', name: 'On tea', content: null, url: [{ type: 'Link', href: `https://${peer}/tea`, mediaType: 'text/html' }] }) }),
    question: make('Create', { ...toPublic, object: note({ type: 'Question', endTime: '2031-01-01T00:00:00Z', oneOf: ['yes', 'no'].map((name) => ({ type: 'Note', name, replies: { type: 'Collection', totalItems: 0 } })) }) }),
    vote: make('Create', { ...toLocal, object: { id: `https://${peer}/votes/${uid}`, type: 'Note', attributedTo: actor, name: 'yes', inReplyTo: localNote, to: [local] } }),
    updatePerson: make('Update', { to: [PUBLIC], object: person(peer, actor) }),
    updateQuestion: make('Update', { ...toPublic, object: note({ type: 'Question', oneOf: [{ type: 'Note', name: 'yes', replies: { type: 'Collection', totalItems: 3 }, _misskey_votes: 3 }] }) }),
    deleteNote: make('Delete', { to: [PUBLIC], object: { id: `https://${peer}/notes/old`, type: 'Tombstone' } }),
    deleteActor: make('Delete', { to: [PUBLIC], object: actor }),
    follow: make('Follow', { object: local }),
    accept: make('Accept', { object: follow }),
    reject: make('Reject', { object: follow }),
    add: make('Add', { target: `${actor}/collections/featured`, object: `https://${peer}/notes/old` }),
    remove: make('Remove', { target: `${actor}/collections/featured`, object: `https://${peer}/notes/old` }),
    announce: make('Announce', { ...toPublic, object: `https://${third}/notes/1` }),
    announceLocal: make('Announce', { ...toPublic, object: localNote }),
    like: make('Like', { object: localNote }),
    react: make('EmojiReact', { object: localNote, content: ':tea:', tag: [{ id: `https://${peer}/emoji/tea`, type: 'Emoji', name: ':tea:', updated: published, icon: { type: 'Image', mediaType: 'image/png', url: `https://${peer}/emoji/tea.png` } }] }),
    reaction: make('EmojiReaction', { object: localNote, _misskey_reaction: '🍵' }),
    undoFollow: make('Undo', { object: inner('Follow', local) }),
    undoLike: make('Undo', { object: inner('Like', localNote) }),
    undoBlock: make('Undo', { object: inner('Block', local) }),
    undoAnnounce: make('Undo', { object: inner('Announce', `https://${third}/notes/1`) }),
    undoAccept: make('Undo', { object: { ...inner('Accept', ''), object: follow } }),
    block: make('Block', { object: local }),
    flag: make('Flag', { object: [local, localNote], content: 'rude' }),
    move: make('Move', { object: actor, target: `https://${third}/users/alice` }),
    collection: make('Collection', { totalItems: 1, items: [inner('Like', localNote)] }),
    orderedCollection: make('OrderedCollection', { totalItems: 1, orderedItems: [inner('Announce', localNote)] }),
  };
}

const person = (peer: string, actor: string): Activity => ({
  id: actor, type: 'Person', preferredUsername: 'alice', name: 'Alice', summary: '<p>hello</p>',
  inbox: `${actor}/inbox`, outbox: `${actor}/outbox`, followers: `${actor}/followers`, following: `${actor}/following`,
  featured: `${actor}/collections/featured`, url: `https://${peer}/@alice`, endpoints: { sharedInbox: `https://${peer}/inbox` },
  publicKey: { id: `${actor}#main-key`, type: 'Key', owner: actor, publicKeyPem: testKey().pem },
  icon: { type: 'Image', mediaType: 'image/png', url: `https://${peer}/files/a.png` },
  attachment: [{ type: 'PropertyValue', name: 'tea', value: 'green' }], tag: [{ type: 'Hashtag', href: `https://${peer}/tags/tea`, name: '#tea' }],
  manuallyApprovesFollowers: false, discoverable: true, alsoKnownAs: [`https://${peer}/users/alice-old`],
});

import { describe, expect, it } from '@jest/globals';
import { INBOX_LIMITS } from '@sekisho/contracts';
import { accepted, activity, ALICE, create, type Json, many, note, OWN_HOST, PEER, person, PUBLIC, refusal, update, VICTIM, verdict } from '../testing/activity.ts';

const LOCAL = `https://${OWN_HOST}/users/1`;
const FOREIGN = `https://${VICTIM}/n/1`;
const mention = (at: number, host = PEER): Json => ({ type: 'Mention', href: `https://${host}/u/${at}`, name: '@u' });
const question = (rest: Json): Json => create(note({ type: 'Question', ...rest }));
const follow = { id: `https://${OWN_HOST}/follows/1`, type: 'Follow', actor: LOCAL, object: ALICE };

describe('shapes that real software sends', () => {
  it.each<readonly [string, Json]>([
    ['to as one text', create(note({ to: PUBLIC }), { to: PUBLIC, cc: ALICE })],
    ['Public in its short names', create(note({ to: 'as:Public', cc: ['Public'] }))],
    ['a recipient as object', create(note({ cc: [{ id: LOCAL, type: 'Person' }] }))],
    ['one tag, one attachment', create(note({ tag: mention(1), attachment: { type: 'Image', url: `https://${PEER}/i.png` } }))],
    ['url as list of links', create(note({ url: [{ type: 'Link', href: `https://${PEER}/v`, mediaType: 'text/html' }, { type: 'Link', href: 'magnet:?xt=urn:x' }] }))],
    ['url as link', create(note({ url: { type: 'Link', href: `https://${PEER}/v` } }))],
    ['url null and empty', create(note({ url: null, inReplyTo: '' }))],
    ['no url at all', create(note({ url: [] }))],
    ['actor as object', create(note(), { actor: { id: ALICE, type: 'Person', endpoints: 'https://x.example/#e' } })],
    ['type as list', create(note({ type: ['Note', 'x:y'] }))],
    ['attributedTo as list, as object, as both', create(note({ attributedTo: [{ id: ALICE, type: 'Person' }, { id: `https://${PEER}/c`, type: 'Group' }] }))],
    ['attributedTo as object', create(note({ attributedTo: { id: ALICE, type: 'Person' } }))],
    ['no attributedTo', create(note({ attributedTo: undefined }))],
    ['the channel before the account', create(note({ type: 'Video', attributedTo: [{ id: `https://${PEER}/c`, type: 'Group' }, { id: ALICE, type: 'Person' }] }))],
    ['ids with fragments', create(note({ id: `https://${PEER}/n#1` }), { id: `https://${PEER}/n#create` })],
    ['contentMap without content', create(note({ content: undefined, contentMap: { en: 'x' } }))],
    ['content null, and in a list', create(note({ content: ['x'], summary: null, name: null }))],
    ['properties that nobody knows', create(note({ quoteAuthorization: 7, interactionPolicy: { a: [{}] }, 'x:y': null }), { x: [[[]]], proof: { type: 'DataIntegrityProof', proofValue: 'z' } })],
    ['a source as text', create(note({ source: 'x' }))],
    ['a reply to an object', create(note({ inReplyTo: { id: FOREIGN, type: 'Note' } }))],
    ['a quote', create(note({ _misskey_quote: FOREIGN, quoteUrl: FOREIGN, _misskey_content: 'x' }))],
    ['a post by its id alone', create(`https://${PEER}/n/1`)],
    ['several votes in one', create([note({ id: `https://${PEER}/v/1`, name: 'a' }), note({ id: `https://${PEER}/v/2`, name: 'b' })])],
    ['a list of one post', create([note()])],
    ['attachments of Pleroma', create(note({ attachment: [{ type: 'Document', url: [{ type: 'Link', href: `https://${PEER}/i.png`, mediaType: 'image/png' }], name: null }] }))],
    ['attachments of other types', create(note({ attachment: [{ type: 'Link', href: 'magnet:x' }, { type: 'PropertyValue', name: 1 }, `https://${PEER}/i.png`] }))],
    ['tags of other types', create(note({ tag: [{ type: 'Link', href: 'x' }, { type: 'Mention' }, 'x', null, {}] }))],
    ['an emoji without id', create(note({ tag: [{ id: null, type: 'Emoji', name: ':x:', icon: { type: 'Image', url: `https://${PEER}/x.png` } }] }))],
    ['a post of a type that Misskey does not know', create({ id: `https://${PEER}/n`, type: 'Album', name: 7 })],
    ['an embedded post of another host in an Announce', activity('Announce', { object: { id: FOREIGN, type: 'Note', attributedTo: 'x', content: 7 } })],
    ['an embedded activity of another host in an Announce', activity('Announce', { object: { id: FOREIGN, type: 'Create', actor: `https://${VICTIM}/u`, object: note() } })],
    ['Undo of what lies elsewhere', activity('Undo', { object: { id: FOREIGN, type: 'Like', actor: ALICE, object: FOREIGN } })],
    ['Undo by id alone', activity('Undo', { object: `https://${PEER}/a/9` })],
    ['Undo without inner actor', activity('Undo', { object: { type: 'Follow', object: LOCAL } })],
    ['Accept of a Follow of ours, and by id', activity('Accept', { object: follow })],
    ['Accept by id', activity('Accept', { object: follow.id })],
    ['Accept of a relay, which is followed by following Public', activity('Accept', { object: { ...follow, object: PUBLIC } })],
    ['Accept of something else', activity('Accept', { object: { id: FOREIGN, type: 'ReplyRequest', actor: FOREIGN, object: FOREIGN } })],
    ['Reject of a Follow', activity('Reject', { object: follow })],
    ['Follow of one of us', activity('Follow', { object: { id: LOCAL, type: 'Person' } })],
    ['Block', activity('Block', { object: LOCAL })],
    ['a report with its posts', activity('Flag', { object: [LOCAL, `https://${OWN_HOST}/notes/1`], content: '' })],
    ['a report about others too', activity('Flag', { object: [FOREIGN, LOCAL] })],
    ['Move to a link', activity('Move', { object: ALICE, target: { type: 'Link', href: `https://${VICTIM}/u` } })],
    ['Move', activity('Move', { object: ALICE, target: `https://${VICTIM}/u` })],
    ['a Like with an emoji of its own', activity('Like', { object: FOREIGN, content: ':x:', _misskey_reaction: ':x:', tag: [{ type: 'Emoji', name: ':x:', icon: { url: `https://${PEER}/x.png` } }] })],
    ['a Like with words', activity('Like', { object: FOREIGN, content: 'nice' })],
    ['Remove', activity('Remove', { object: FOREIGN, target: { id: `${ALICE}/featured`, type: 'Collection' } })],
    ['Update of a post, which Misskey ignores', update(note())],
    ['Update of something else', update({ id: `https://${PEER}/x`, type: 'Actor', publicKey: [] })],
    ['Delete of a Tombstone', activity('Delete', { object: { id: `https://${PEER}/n/1`, type: 'Tombstone', formerType: 'Note' } })],
    ['a Collection of activities', activity('OrderedCollection', { orderedItems: [{ ...activity('Like'), object: FOREIGN }, `https://${PEER}/a/3`, { type: 'Teleport', id: 7 }] })],
  ])('%s', (_name, value) => {
    expect(refusal(value)).toBe('ok');
  });

  it.each(['👍', '❤️', '👨‍👩‍👧‍👦', '🇯🇵', '1️⃣', '⭐', '👋🏽', ':blob:', ':blob@x.example:', '', null])('an EmojiReact of %j', (content) => {
    expect(refusal(activity('EmojiReact', { object: FOREIGN, content }))).toBe('ok');
    expect(refusal(activity('EmojiReaction', { object: FOREIGN, content }))).toBe('ok');
  });
});

describe('shapes that are refused', () => {
  it.each<readonly [Json, string]>([
    [create(note({ id: undefined })), 'SHAPE /object/id'],
    [create(note({ id: [`https://${PEER}/n`] })), 'SHAPE /object/id'],
    [create(note({ id: '' })), 'SHAPE /object/id'],
    [create(note({ type: undefined })), 'SHAPE /object/type'],
    [create(note({ type: 7 })), 'SHAPE /object/type'],
    [create({ '@id': `https://${PEER}/n`, '@type': 'Note' }), 'ACTIVITY_TYPE /object/type'],
    [activity('Create'), 'SHAPE /object'],
    [create(7), 'SHAPE /object'],
    [create([]), 'SHAPE /object'],
    [create('a'), 'REFERENCE /object'],
    [create('bear:?u=https://r.example/n&t=x'), 'REFERENCE /object'],
    [create(note({ content: 42 })), 'SHAPE /object/content'],
    [create(note({ content: { en: 'x' } })), 'SHAPE /object/content'],
    [create(note({ content: ['a', 'b'] })), 'SHAPE /object/content'],
    [create(note({ name: 1 })), 'SHAPE /object/name'],
    [create(note({ sensitive: 'true' })), 'SHAPE /object/sensitive'],
    [create(note({ to: 5 })), 'SHAPE /object/to/0'],
    [create(note({ to: [{ type: 'Person' }] })), 'SHAPE /object/to/0'],
    [create(note(), { cc: ['acct:a@b.example'] }), 'REFERENCE /cc/0'],
    [create(note({ inReplyTo: 7 })), 'SHAPE /object/inReplyTo'],
    [create(note({ inReplyTo: 'https://0.0.0.0/x' })), 'REFERENCE /object/inReplyTo'],
    [create(note({ url: 'javascript:alert(1)' })), 'REFERENCE /object/url'],
    [create(note({ url: [{ href: 'http://a.example/' }] })), 'REFERENCE /object/url'],
    [create(note({ attachment: [7] })), 'SHAPE /object/attachment/0'],
    [create(note({ attachment: [{ type: 'Image', url: 'data:text/html,x' }] })), 'REFERENCE /object/attachment/0/url'],
    [create(note({ attachment: [{ type: 'Image', url: ['http://a.example/'] }] })), 'REFERENCE /object/attachment/0/url'],
    [create(note({ attachment: ['https://192.168.0.1/a'] })), 'REFERENCE /object/attachment/0'],
    [create(note({ tag: [{ type: 'Mention', href: 7 }] })), 'SHAPE /object/tag/0/href'],
    [create(note({ tag: [7] })), 'SHAPE /object/tag/0'],
    [create(note({ tag: [{ type: 'Emoji', icon: { url: 'file:///etc/passwd' } }] })), 'REFERENCE /object/tag/0/icon/url'],
    [create(note({ tag: [{ type: 'Emoji', icon: 'x' }] })), 'SHAPE /object/tag/0/icon'],
    [create(note({ _misskey_quote: 'http://a.example/' })), 'REFERENCE /object/_misskey_quote'],
    [question({ oneOf: [{ type: 'Note', name: 'a', replies: { totalItems: -1 } }] }), 'SHAPE /object/oneOf/0/replies/totalItems'],
    [question({ oneOf: [{ type: 'Note', name: 'a', replies: { totalItems: 0.5 } }] }), 'SHAPE /object/oneOf/0/replies/totalItems'],
    [question({ oneOf: [{ type: 'Note', name: 'a', replies: { totalItems: '1' } }] }), 'SHAPE /object/oneOf/0/replies/totalItems'],
    [question({ anyOf: [{ name: 'a', _misskey_votes: -1 }] }), 'SHAPE /object/anyOf/0/_misskey_votes'],
    [question({ anyOf: ['a'] }), 'SHAPE /object/anyOf/0'],
    [question({ endTime: 7 }), 'SHAPE /object/endTime'],
    [activity('Announce'), 'SHAPE /object'],
    [activity('Announce', { object: { type: 'Note' } }), 'SHAPE /object'],
    [activity('Announce', { object: 'http://v.example/n' }), 'REFERENCE /object'],
    [activity('Announce', { object: [FOREIGN, FOREIGN] }), 'SHAPE /object'],
    [activity('Like', { object: 7 }), 'SHAPE /object'],
    [activity('Like', { object: FOREIGN, tag: [mention(1, '10.0.0.1')] }), 'REFERENCE /tag/0/href'],
    [activity('EmojiReact', { object: FOREIGN, content: '~' }), 'SHAPE /content'],
    [activity('EmojiReact', { object: FOREIGN, content: '👌👌' }), 'SHAPE /content'],
    [activity('EmojiReact', { object: FOREIGN, content: `:${'x'.repeat(129)}:` }), 'SHAPE /content'],
    [activity('Follow', { object: { type: 'Person' } }), 'SHAPE /object'],
    [activity('Undo', { object: { type: 'Follow', actor: 7 } }), 'SHAPE /object/actor'],
    [activity('Undo', { object: { type: 'Follow', object: 'http://a.example/' } }), 'REFERENCE /object/object'],
    [activity('Accept', { object: { type: 'Follow', object: 'https://10.0.0.1/' } }), 'REFERENCE /object/object'],
    [activity('Add', { object: FOREIGN }), 'SHAPE /target'],
    [activity('Add', { object: FOREIGN, target: { type: 'Collection' } }), 'SHAPE /target'],
    [activity('Move', { object: ALICE }), 'SHAPE /target'],
    [activity('Move', { object: ALICE, target: 'http://a.example/' }), 'REFERENCE /target'],
    [activity('Flag', { object: [LOCAL, 7] }), 'SHAPE /object/1'],
    [activity('Delete', { object: { type: 'Tombstone' } }), 'SHAPE /object/id'],
    [update(person({ preferredUsername: '../admin' })), 'SHAPE /object/preferredUsername'],
    [update(person({ preferredUsername: 'ecila\u202enimda' })), 'SHAPE /object/preferredUsername'],
    [update(person({ name: {} })), 'SHAPE /object/name'],
    [update(person({ publicKey: [{ id: ALICE }] })), 'SHAPE /object/publicKey'],
    [update(person({ discoverable: 'maybe' })), 'SHAPE /object/discoverable'],
    [update(person({ icon: { type: 'Image', url: 'javascript:alert(1)' } })), 'REFERENCE /object/icon/0/url'],
    [update(person({ movedTo: 'http://a.example/' })), 'REFERENCE /object/movedTo'],
    [update(person({ alsoKnownAs: ['http://a.example/'] })), 'REFERENCE /object/alsoKnownAs/0'],
    [update(person({ inbox: 'http://r.example/inbox' })), 'REFERENCE /object/inbox'],
    [update(person({ makeNotesHiddenBefore: 'x' })), 'SHAPE /object/makeNotesHiddenBefore'],
  ])('%#', (value, expected) => {
    expect(refusal(value)).toBe(expected);
  });
});

describe('counts', () => {
  const { recipientsMax, mentionsMax, tagsMax, attachmentsMax, pollOptionsMax, hostsMax, collectionItemsMax } = INBOX_LIMITS;
  const choice = (at: number): Json => ({ type: 'Note', name: String(at) });
  it.each<readonly [string, number, (count: number) => Json]>([
    ['recipients of an activity', recipientsMax, (count) => create(note(), { to: many(count, (at) => `https://${PEER}/${at}`) })],
    ['recipients of a post', recipientsMax, (count) => create(note({ to: [], cc: many(count, (at) => `https://${PEER}/${at}`) }))],
    ['recipients in to and cc together', recipientsMax, (count) => create(note(), { to: many(256, () => PUBLIC), cc: many(count - 256, (at) => `https://${PEER}/${at}`) })],
    ['mentions', mentionsMax, (count) => create(note({ tag: many(count, (at) => mention(at)) }))],
    ['tags', tagsMax, (count) => create(note({ tag: many(count, (at) => ({ type: 'Hashtag', name: `#${at}` })) }))],
    ['tags of a reaction', tagsMax, (count) => activity('Like', { object: FOREIGN, tag: many(count, () => ({ type: 'Emoji', name: ':x:' })) })],
    ['attachments', attachmentsMax, (count) => create(note({ attachment: many(count, (at) => ({ type: 'Image', url: `https://${PEER}/${at}` })) }))],
    ['choices', pollOptionsMax, (count) => question({ oneOf: many(count, choice) })],
    ['choices of both kinds', pollOptionsMax, (count) => question({ oneOf: many(32, choice), anyOf: many(count - 32, choice) })],
    ['aliases', 256, (count) => update(person({ alsoKnownAs: many(count, (at) => `https://${PEER}/${at}`) }))],
    ['reported', recipientsMax, (count) => activity('Flag', { object: many(count, () => LOCAL) })],
    ['items', collectionItemsMax, (count) => activity('Collection', { items: many(count, (at) => `https://${PEER}/a/${at}`) })],
    // Beside the actor's own.
    ['hosts among recipients', hostsMax - 1, (count) => create(note(), { cc: many(count, (at) => `https://h${at}.example/u`) })],
    ['hosts in all kinds of places', hostsMax - 1, (count) => create(note({
      inReplyTo: 'https://reply.example/', quoteUrl: 'https://quote.example/', url: 'https://url.example/', attachment: [{ type: 'Image', url: 'https://image.example/' }],
      tag: [mention(1, 'mention.example'), { type: 'Emoji', id: 'https://emoji.example/', name: ':x:', icon: { url: 'https://icon.example/' } }],
    }), { cc: many(count - 7, (at) => `https://h${at}.example/u`) })],
  ])('%s: %i and no more', (_name, max, make) => {
    expect(refusal(make(max))).toBe('ok');
    expect(verdict(make(max + 1))).toBe('COUNT');
  });

  it('hosts are those of others, in what Misskey reads', () => {
    const { hosts } = accepted(create(note({ inReplyTo: `https://${OWN_HOST}/n`, tag: [mention(1, VICTIM)], replies: 'https://unread.example/', url: 'https://URL.example/' })));
    expect([...hosts].sort()).toEqual([PEER, 'url.example', VICTIM]);
  });

  it('hosts within what is announced are named, and never refused', () => {
    const object = { id: FOREIGN, actor: 'https://x.example/u', object: { id: 'https://y.example/n', attributedTo: ['https://z.example/u'], actor: 'http://127.0.0.1/' } };
    expect([...accepted(activity('Announce', { object })).hosts].sort()).toEqual([PEER, VICTIM, 'x.example', 'y.example', 'z.example']);
  });
});

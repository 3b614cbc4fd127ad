// Mutations of what an activity acts on: authority, references, shapes, counts.

import { testKey } from '../activitypub/index.ts';
import { type Mutation, isMap, isPost, isProfile, ofType, onActivity, onObject, typeOf } from './mutation.ts';

const AUTHORITY = ['SEKISHO_INBOX_AUTHORITY'] as const;
const REFERENCE = ['SEKISHO_INBOX_REFERENCE'] as const;
const PROFILE = ['SEKISHO_INBOX_ACTOR_DOCUMENT'] as const;
/** Whose profile it is, is looked at first. */
const OTHER_PROFILE = [...PROFILE, ...AUTHORITY] as const;
const SHAPE = ['SEKISHO_INBOX_SHAPE'] as const;
const COUNT = ['SEKISHO_INBOX_COUNT'] as const;
const many = (count: number, item: (at: number) => unknown): readonly unknown[] => Array.from({ length: count }, (_, at) => item(at));
const isQuestion: Mutation['applies'] = (delivery) => isPost(delivery) && typeOf(delivery.activity['object']) === 'Question';
const actsOn = (key: string, ...types: readonly string[]): Mutation['applies'] => ({ activity }) => types.includes(typeOf(activity)) && typeof activity[key] === 'string';
const hasInner = (key: string, ...types: readonly string[]): Mutation['applies'] => ({ activity }) =>
  types.includes(typeOf(activity)) && isMap(activity['object']) && activity['object'][key] !== undefined;

/** Where Misskey would go by itself. */
const INSIDE = [
  'https://127.0.0.1/x', 'https://0.0.0.0/x', 'https://[::ffff:127.0.0.1]/', 'https://2130706433/', 'https://10.0.0.1/x', 'https://localhost/x', 'https://redis/x', 'https://redis.misskey.svc.cluster.local/x',
  'https://a.example:6379/', 'https://u:p@a.example/', 'http://a.example/', 'http://169.254.169.254/latest/meta-data/', 'file:///etc/passwd', 'https://x.onion/',
] as const;

const posts: readonly Mutation[] = [
  onObject('object of another host', AUTHORITY, (object, { victim }) => void (object['id'] = `https://${victim}/notes/1`), isPost),
  onObject('object of our host', [...AUTHORITY, 'SEKISHO_INBOX_OWN_HOST'], (object, { self }) => void (object['id'] = `https://${self}/notes/1`), isPost),
  onObject('no object id', [...SHAPE, ...AUTHORITY], (object) => void delete object['id'], isPost),
  onObject('object id in an array', SHAPE, (object) => void (object['id'] = [object['id']]), isPost),
  onObject('attributed to another host', AUTHORITY, (object, { victim }) => void (object['attributedTo'] = `https://${victim}/users/vic`), isPost),
  onObject('attributed to a neighbour', AUTHORITY, (object, { delivery }) => void Object.assign(object, { attributedTo: `https://${delivery.actorHost}/users/somebody-else`, actor: undefined }), isPost),
  ...INSIDE.map((url) => onObject(`inReplyTo ${url}`, REFERENCE, (object) => void (object['inReplyTo'] = url), isPost)),
  onObject('quote inside', REFERENCE, (object) => void (object['_misskey_quote'] = 'https://10.0.0.1/x'), isPost),
  onObject('url javascript:', REFERENCE, (object) => void (object['url'] = 'javascript:alert(1)'), isPost),
  onObject('attachment inside', REFERENCE, (object) => void (object['attachment'] = [{ type: 'Image', url: 'https://192.168.0.1/a.png' }]), isPost),
  onObject('attachment data:', REFERENCE, (object) => void (object['attachment'] = { type: 'Document', url: 'data:text/html,x' }), isPost),
  onObject('mention inside', REFERENCE, (object) => void (object['tag'] = { type: 'Mention', href: 'https://[::1]/u', name: '@x' }), isPost),
  onObject('emoji inside', REFERENCE, (object) => void (object['tag'] = [{ type: 'Emoji', name: ':x:', icon: { type: 'Image', url: 'file:///etc/passwd' } }]), isPost),
  onObject('300 mentions', COUNT, (object) => void (object['tag'] = many(300, (at) => ({ type: 'Mention', href: `https://h${at}.peer.example/u`, name: '@u' }))), isPost),
  onObject('65 mentions on one host', COUNT, (object, { delivery }) => void (object['tag'] = many(65, (at) => ({ type: 'Mention', href: `https://${delivery.actorHost}/${at}`, name: '@u' }))), isPost),
  onObject('300 tags', COUNT, (object) => void (object['tag'] = many(300, (at) => ({ type: 'Hashtag', name: `#${at}` }))), isPost),
  onObject('40 attachments', COUNT, (object, { delivery }) => void (object['attachment'] = many(40, (at) => ({ type: 'Image', url: `https://${delivery.actorHost}/${at}.png` }))), isPost),
  onActivity('600 recipients', COUNT, (activity, { delivery }) => void (activity['to'] = many(600, (at) => `https://${delivery.actorHost}/${at}`)), isPost),
  onActivity('200 hosts', COUNT, (activity) => void (activity['cc'] = many(200, (at) => `https://h${at}.peer.example/u`)), isPost),
  onObject('100 choices', COUNT, (object) => void (object['oneOf'] = many(100, (at) => ({ type: 'Note', name: String(at) }))), isQuestion),
  onObject('less than no votes', SHAPE, (object) => void (object['oneOf'] = [{ type: 'Note', name: 'x', replies: { type: 'Collection', totalItems: -1 } }]), isQuestion),
  onObject('content as object', SHAPE, (object) => void (object['content'] = { a: 1 }), isPost),
  onObject('sensitive as text', SHAPE, (object) => void (object['sensitive'] = 'perhaps'), isPost),
  onActivity('to as number', SHAPE, (activity) => void (activity['to'] = 5), isPost),
  onObject('object published in two days', ['SEKISHO_INBOX_PUBLISHED'], (object) => void (object['published'] = new Date(Date.now() + 48 * 3_600_000).toISOString()), isPost),
];

const profiles: readonly Mutation[] = [
  onObject('profile of a neighbour', OTHER_PROFILE, (object, { delivery }) => void (object['id'] = `https://${delivery.actorHost}/users/somebody-else`), isProfile),
  onObject('profile of another host', OTHER_PROFILE, (object, { victim }) => void (object['id'] = `https://${victim}/users/vic`), isProfile),
  ...['inbox', 'outbox', 'followers', 'following', 'featured', 'sharedInbox'].map((key) =>
    onObject(`${key} on another host`, PROFILE, (object, { victim }) => void (object[key] = `https://${victim}/${key}`), isProfile)),
  onObject('endpoints on another host', PROFILE, (object, { victim }) => void (object['endpoints'] = { sharedInbox: `https://${victim}/inbox` }), isProfile),
  onObject('inbox by http', [...REFERENCE, ...PROFILE], (object, { delivery }) => void (object['inbox'] = `http://${delivery.actorHost}/inbox`), isProfile),
  onObject('key of another host', PROFILE, (object, { victim, delivery }) => void (object['publicKey'] = { id: `https://${victim}/k`, owner: delivery.actor, publicKeyPem: testKey().pem }), isProfile),
  onObject('key of another owner', PROFILE, (object, { victim, delivery }) => void (object['publicKey'] = { id: `${delivery.actor}#k`, owner: `https://${victim}/u`, publicKeyPem: testKey().pem }), isProfile),
  ...([
    ['short', () => testKey('rsa1024').pem],
    ['private', () => testKey().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['elliptic', () => testKey('ecdsa').pem],
    ['none', () => '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----'],
  ] as const).map(([name, pem]) => onObject(`a key that is ${name}`, ['SEKISHO_INBOX_ACTOR_KEY'], (object, { delivery }) =>
    void (object['publicKey'] = { id: `${delivery.actor.split('#')[0]}#main-key`, owner: delivery.actor, publicKeyPem: pem() }), isProfile)),
  onObject('a path as name', SHAPE, (object) => void (object['preferredUsername'] = '../admin'), isProfile),
  onObject('icon javascript:', REFERENCE, (object) => void (object['icon'] = { type: 'Image', url: 'javascript:alert(1)' }), isProfile),
  onObject('moved inside', REFERENCE, (object) => void (object['movedTo'] = 'https://10.0.0.1/u'), isProfile),
];

export const OBJECT_MUTATIONS: readonly Mutation[] = [
  ...posts,
  ...profiles,
  onActivity('deletes what belongs to another host', [...AUTHORITY, 'SEKISHO_INBOX_MODERATOR'], (activity, { victim }) => void (activity['object'] = `https://${victim}/notes/1`), ofType('Delete')),
  onActivity('deletes what belongs to us', [...AUTHORITY, 'SEKISHO_INBOX_OWN_HOST', 'SEKISHO_INBOX_MODERATOR'], (activity, { self }) => void (activity['object'] = `https://${self}/notes/1`), ofType('Delete')),
  onObject('undoes what another did', AUTHORITY, (object, { victim }) => void (object['actor'] = `https://${victim}/users/vic`), hasInner('actor', 'Undo')),
  onObject('answers for another', AUTHORITY, (object, { victim }) => void (object['object'] = `https://${victim}/users/vic`), ({ activity }) => ['Accept', 'Reject'].includes(typeOf(activity)) && typeOf(activity['object']) === 'Follow'),
  onActivity('pins with another', AUTHORITY, (activity, { victim }) => void (activity['target'] = `https://${victim}/featured`), ofType('Add', 'Remove')),
  onActivity('moves another', AUTHORITY, (activity, { victim }) => void (activity['object'] = `https://${victim}/users/vic`), ofType('Move')),
  ...INSIDE.map((url) => onActivity(`object ${url}`, [...REFERENCE, ...AUTHORITY], (activity) => void (activity['object'] = url), actsOn('object', 'Announce', 'Like', 'EmojiReact', 'Follow', 'Block', 'Undo', 'Delete', 'Add', 'Remove'))),
  onActivity('object as number', [...SHAPE, ...REFERENCE, ...AUTHORITY], (activity) => void (activity['object'] = 7), ofType('Create', 'Update', 'Announce', 'Like', 'EmojiReact', 'Follow', 'Block', 'Undo', 'Delete', 'Accept', 'Reject', 'Add', 'Remove', 'Flag', 'Move')),
  onActivity('a list of what another did', ['SEKISHO_INBOX_AUTHORITY', 'SEKISHO_INBOX_ID_HOST'], (activity, { victim }) => {
    activity['type'] = 'Collection';
    activity['items'] = [{ id: `https://${victim}/a`, type: 'Delete', actor: `https://${victim}/u`, object: `https://${victim}/u` }];
  }, ofType('Create', 'Like', 'Follow', 'Collection')),
];

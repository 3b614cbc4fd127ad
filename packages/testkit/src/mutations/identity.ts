// Mutations of who it is: ids, actors, keys.

import { type Mutation, isPlain, ofType, onActivity, onRequest } from './mutation.ts';

const set = (key: string, value: (hosts: { victim: string; self: string; peer: string }) => unknown, name: string, codes: Mutation['codes']): Mutation =>
  onActivity(name, codes, (activity, { victim, self, delivery }) => void (activity[key] = value({ victim, self, peer: delivery.actorHost })));

/** Whose time Misskey reads. */
const isDated = ofType('Create', 'Announce');

const badIds: readonly (readonly [string, (peer: string) => unknown])[] = [
  ['by http', (peer) => `http://${peer}/1`],
  ['in an array', (peer) => [`https://${peer}/1`]],
  ['null', () => null],
  ['a number', () => 1],
  ['an object', (peer) => ({ id: `https://${peer}/1` })],
  ['with a port', (peer) => `https://${peer}:8443/1`],
  ['with credentials', (peer) => `https://u:p@${peer}/1`],
  ['with a backslash', (peer) => `https://${peer}\\@other.example/1`],
  ['behind a blank', (peer) => ` https://${peer}/1`],
  ['with NUL', (peer) => `https://${peer}/1\u0000`],
  ['of a host with a dot at its end', (peer) => `https://${peer}./1`],
  ['on an address', () => 'https://127.0.0.1/1'],
  ['on an address as a number', () => 'https://2130706433/1'],
  ['on a name of the cluster', () => 'https://redis.misskey.svc.cluster.local/1'],
  ['too long', (peer) => `https://${peer}/${'x'.repeat(20_000)}`],
  ['with half a character', (peer) => `https://${peer}/\ud800`],
];

export const IDENTITY_MUTATIONS: readonly Mutation[] = [
  ...badIds.map(([name, value]) => set('id', ({ peer }) => value(peer), `id ${name}`, ['SEKISHO_INBOX_ID', 'SEKISHO_INBOX_ID_HOST', 'SEKISHO_INBOX_UTF8', 'SEKISHO_INBOX_JSON'])),
  set('id', ({ victim }) => `https://${victim}/1`, 'id of another host', ['SEKISHO_INBOX_ID_HOST']),
  set('id', ({ self }) => `https://${self}/1`, 'our own host as id', ['SEKISHO_INBOX_OWN_HOST']),
  onActivity('no id', ['SEKISHO_INBOX_ID'], (activity) => void delete activity['id']),
  onActivity('no actor', ['SEKISHO_INBOX_ACTOR'], (activity) => void delete activity['actor']),
  set('actor', ({ peer, victim }) => [`https://${peer}/u`, `https://${victim}/u`], 'two actors', ['SEKISHO_INBOX_ACTOR']),
  set('actor', ({ peer }) => `http://${peer}/u`, 'actor by http', ['SEKISHO_INBOX_ACTOR']),
  set('actor', ({ self }) => `https://${self}/users/1`, 'our own user as actor', ['SEKISHO_INBOX_OWN_HOST']),
  set('actor', ({ victim }) => `https://${victim}/u`, 'actor of another host', ['SEKISHO_INBOX_ID_HOST', 'SEKISHO_INBOX_SIGNER']),
  set('actor', ({ victim }) => ({ id: `https://${victim}/u`, type: 'Person' }), 'actor object of another host', ['SEKISHO_INBOX_ID_HOST', 'SEKISHO_INBOX_SIGNER']),
  set('type', () => 'Teleport', 'an unknown type', ['SEKISHO_INBOX_ACTIVITY_TYPE']),
  set('type', () => ({ Create: 1 }), 'type as object', ['SEKISHO_INBOX_ACTIVITY_TYPE', 'SEKISHO_INBOX_SHAPE']),
  onActivity('published in two days', ['SEKISHO_INBOX_PUBLISHED'], (activity) => void (activity['published'] = new Date(Date.now() + 48 * 3_600_000).toISOString()), isDated),
  onActivity('published at no time', ['SEKISHO_INBOX_PUBLISHED', 'SEKISHO_INBOX_SHAPE'], (activity) => void (activity['published'] = 'in a while'), isDated),
  {
    ...onRequest('the key of another host', ['SEKISHO_INBOX_SIGNER'], (_, { victim }) => ({ keyId: `https://${victim}/users/vic#main-key` })),
    applies: isPlain,
  },
];

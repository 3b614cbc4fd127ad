import { describe, expect, it } from '@jest/globals';
import { activity, ALICE, create, type Json, note, OWN_HOST, PEER, person, PUBLIC, refusal, update, VICTIM } from '../testing/activity.ts';

const BEA = `https://${PEER}/u/bea`;
const THEIRS = `https://${VICTIM}/n/1`;
const OURS = `https://${OWN_HOST}/notes/1`;
const LOCAL = `https://${OWN_HOST}/users/1`;
const GROUP = `https://${PEER}/c/main`;
const inner = (type: string, rest: Json): Json => ({ id: `https://${PEER}/a/2`, type, actor: ALICE, ...rest });
const followOf = (object: unknown): Json => ({ id: `https://${OWN_HOST}/follows/1`, type: 'Follow', actor: LOCAL, object });

describe('authority', () => {
  it.each<readonly [string, Json, string]>([
    ['Create of a post of another host', create(note({ id: THEIRS })), 'AUTHORITY /object/id'],
    ['Create of a post of ours', create(note({ id: OURS })), 'AUTHORITY /object/id'],
    ['Create of a post elsewhere by its id', create(THEIRS), 'AUTHORITY /object/id'],
    ['Create in the name of another host', create(note({ attributedTo: `https://${VICTIM}/u` })), 'AUTHORITY /object/attributedTo'],
    ['Create in the name of a neighbour', create(note({ attributedTo: BEA })), 'AUTHORITY /object/attributedTo'],
    ['Create in the name of a neighbour first', create(note({ attributedTo: [BEA, { id: ALICE }] })), 'ok'],
    ['Create in the name of somebody elsewhere first', create(note({ attributedTo: [`https://${VICTIM}/u`, ALICE] })), 'AUTHORITY /object/attributedTo'],
    ['Create for a group that the activity names', create(note({ attributedTo: GROUP, actor: ALICE }), { attributedTo: GROUP }), 'ok'],
    ['Create for a group that only the post names', create(note({ attributedTo: GROUP, actor: ALICE })), 'AUTHORITY /object/attributedTo'],
    ['Create for a group by nobody', create(note({ attributedTo: GROUP }), { attributedTo: GROUP }), 'AUTHORITY /object/attributedTo'],
    ['Create for a group elsewhere', create(note({ attributedTo: `https://${VICTIM}/c`, actor: ALICE }), { attributedTo: `https://${VICTIM}/c` }), 'AUTHORITY /object/attributedTo'],
    ['one foreign vote among several', create([note({ id: `https://${PEER}/v` }), note({ id: THEIRS })]), 'AUTHORITY /object/id'],
    ['Create with the actor spelled otherwise', create(note({ attributedTo: ALICE.replace(PEER, PEER.toUpperCase()) })), 'ok'],
    ['Update of a poll of another user', update(note({ type: 'Question', attributedTo: BEA })), 'AUTHORITY /object/attributedTo'],
    ['Update of a poll of another host', update(note({ type: 'Question', id: THEIRS })), 'AUTHORITY /object/id'],
    ['Update of his own poll', update(note({ type: 'Question' })), 'ok'],
    ['Delete of a post of another host', activity('Delete', { object: THEIRS }), 'AUTHORITY /object'],
    ['Delete of a post of another host, embedded', activity('Delete', { object: { id: THEIRS, type: 'Tombstone' }, to: [PUBLIC], cc: [`${ALICE}/followers`] }), 'AUTHORITY /object'],
    ['Delete of a post of ours', activity('Delete', { object: OURS }), 'AUTHORITY /object'],
    ['Delete of a neighbour', activity('Delete', { object: { id: BEA, type: 'Person' } }), 'AUTHORITY /object'],
    ['Delete of oneself', activity('Delete', { object: { id: ALICE, type: 'Person' } }), 'ok'],
    ['Delete of a post of the host', activity('Delete', { object: `https://${PEER}/n/1` }), 'ok'],
    ['Delete by a moderator: the group in cc', activity('Delete', { object: THEIRS, cc: [GROUP] }), 'MODERATOR /object'],
    ['Delete by a moderator: the group as audience', activity('Delete', { object: { id: THEIRS, type: 'Tombstone' }, audience: `https://${VICTIM}/c/x` }), 'MODERATOR /object'],
    ['Delete with everybody as audience', activity('Delete', { object: THEIRS, audience: PUBLIC }), 'AUTHORITY /object'],
    ['Delete with somebody elsewhere in cc', activity('Delete', { object: THEIRS, cc: [`https://${VICTIM}/u`] }), 'AUTHORITY /object'],
    ['Undo of what another did', activity('Undo', { object: inner('Follow', { actor: `https://${VICTIM}/u`, object: LOCAL }) }), 'AUTHORITY /object/actor'],
    ['Undo of what a neighbour did', activity('Undo', { object: inner('Like', { actor: BEA, object: OURS }) }), 'AUTHORITY /object/actor'],
    ['Undo of what he did', activity('Undo', { object: inner('Like', { actor: { id: ALICE }, object: OURS }) }), 'ok'],
    ['Accept of a follow of somebody else', activity('Accept', { object: followOf(`https://${VICTIM}/u`) }), 'AUTHORITY /object/object'],
    ['Accept of a follow of a neighbour', activity('Accept', { object: followOf(BEA) }), 'AUTHORITY /object/object'],
    ['Reject of a follow of somebody else', activity('Reject', { object: followOf({ id: `https://${VICTIM}/u` }) }), 'AUTHORITY /object/object'],
    ['Accept of a follow of himself', activity('Accept', { object: followOf({ id: ALICE, type: 'Person' }) }), 'ok'],
    ['Add to a collection of another host', activity('Add', { object: THEIRS, target: `https://${VICTIM}/featured` }), 'AUTHORITY /target'],
    ['Remove from a collection of ours', activity('Remove', { object: THEIRS, target: `https://${OWN_HOST}/featured` }), 'AUTHORITY /target'],
    ['Add to a group of the host', activity('Add', { object: THEIRS, target: `${GROUP}/moderators` }), 'ok'],
    ['Move of another', activity('Move', { object: `https://${VICTIM}/u`, target: ALICE }), 'AUTHORITY /object'],
    ['Move without object', activity('Move', { target: `https://${VICTIM}/u` }), 'ok'],
    ['a report about nobody here', activity('Flag', { object: [THEIRS] }), 'NOT_LOCAL /object'],
    ['a report about nobody', activity('Flag', { object: [] }), 'NOT_LOCAL /object'],
    ['a follow of somebody elsewhere', activity('Follow', { object: `https://${VICTIM}/u` }), 'NOT_LOCAL /object'],
    ['a follow of everybody', activity('Follow', { object: PUBLIC }), 'NOT_LOCAL /object'],
    ['a profile of another host', update(person({ id: `https://${VICTIM}/u` })), 'ACTOR_DOCUMENT /object/id'],
    ['a Create of a profile of another host', create(person({ id: `https://${VICTIM}/u` })), 'AUTHORITY /object/id'],
  ])('%s', (_name, value, expected) => {
    expect(refusal(value)).toBe(expected);
  });
});

/**
 * Who may stand in attributedTo: the rule is "the actor", and real servers write more. Where another one stands first, he lies on
 * the actor's host and the post names the actor too; Misskey compares the first with the actor itself and drops what differs.
 */
describe('authors of a post', () => {
  const ELSE = `https://${VICTIM}/u`;
  const byGroup = (object: Json, rest: Json = { attributedTo: GROUP }): Json => create(note({ attributedTo: GROUP, actor: ALICE, ...object }), rest);
  it.each<readonly [string, Json]>([
    ['nobody: Misskey takes the actor', create(note({ attributedTo: undefined }))],
    ['nobody in a list', create(note({ attributedTo: [] }))],
    ['nobody, as null', create(note({ attributedTo: null }))],
    ['the actor as an object', create(note({ attributedTo: { id: ALICE, type: 'Person' } }))],
    ['the actor first, a channel of the host second', create(note({ attributedTo: [{ id: ALICE }, { id: GROUP }] }))],
    ['the actor first, somebody elsewhere second: nobody reads him', create(note({ attributedTo: [ALICE, ELSE] }))],
    ['a channel of the host first, the actor second', create(note({ attributedTo: [{ id: GROUP }, { id: ALICE }] }))],
    ['a group of the host, by the actor', byGroup({})],
    ['the same in an Update', activity('Update', { attributedTo: GROUP, object: note({ attributedTo: GROUP, actor: ALICE }) })],
    ['the actor of what is neither post nor profile', create({ id: `https://${PEER}/x`, type: 'Task', attributedTo: ALICE })],
  ])('%s', (_name, value) => {
    expect(refusal(value)).toBe('ok');
  });

  it.each<readonly [string, Json]>([
    ['nothing but an empty text', create(note({ attributedTo: '' }))],
    ['a neighbour as an object', create(note({ attributedTo: { id: BEA } }))],
    ['two neighbours', create(note({ attributedTo: [BEA, GROUP] }))],
    ['somebody elsewhere in a list', create(note({ attributedTo: [{ id: ELSE }] }))],
    ['one of us', create(note({ attributedTo: LOCAL }))],
    ['one of us first, the actor second', create(note({ attributedTo: [LOCAL, ALICE] }))],
    ['the name of the actor on another host', create(note({ attributedTo: ALICE.replace(PEER, VICTIM) }))],
    ['the actor with something behind', create(note({ attributedTo: `${ALICE}2` }))],
    ['a group, the activity by another group', byGroup({}, { attributedTo: `https://${PEER}/c/other` })],
    ['a group, by a neighbour', byGroup({ actor: BEA })],
    ['a group elsewhere, the actor second', create(note({ attributedTo: [`https://${VICTIM}/c`, ALICE], actor: ALICE }), { attributedTo: `https://${VICTIM}/c` })],
    ['a neighbour, in an Update', update(note({ attributedTo: BEA }))],
    ['a neighbour, of the second of two posts', create([note(), note({ id: `https://${PEER}/v`, attributedTo: BEA })])],
    ['a neighbour, of what is neither post nor profile', create({ id: `https://${PEER}/x`, type: 'Task', attributedTo: BEA })],
  ])('not %s', (_name, value) => {
    expect(refusal(value)).toBe('AUTHORITY /object/attributedTo');
  });
});

describe('collections', () => {
  const like = (rest: Json = {}): Json => ({ ...activity('Like'), object: OURS, ...rest });
  const collection = (...items: readonly unknown[]): Json => activity('Collection', { items });
  it.each<readonly [string, Json, string]>([
    ['items of his own', collection(like(), like({ id: `https://${PEER}/a/2` })), 'ok'],
    ['an item of another host', collection(like(), like({ id: `https://${VICTIM}/a` })), 'ID_HOST /items/1/id'],
    ['an item by another actor', collection(like({ actor: BEA })), 'AUTHORITY /items/0/actor'],
    ['an item by an actor elsewhere', collection(like({ id: `https://${VICTIM}/a`, actor: `https://${VICTIM}/u` })), 'AUTHORITY /items/0/actor'],
    ['an item without id', collection(like({ id: undefined })), 'ID /items/0/id'],
    ['an item without actor', collection(like({ actor: undefined })), 'ACTOR /items/0/actor'],
    ['an item that may not be', collection({ ...activity('Delete'), object: THEIRS }), 'AUTHORITY /items/0/object'],
    ['an item of the wrong shape', collection(like({ object: 7 })), 'SHAPE /items/0/object'],
    ['an item elsewhere by id', collection(`https://${VICTIM}/a`), 'ID_HOST /items/0'],
    ['an item that is nothing', collection(7), 'SHAPE /items/0'],
    ['an item from tomorrow', collection({ ...activity('Announce'), object: THEIRS, published: '2026-11-27T00:00:00Z' }), 'PUBLISHED /items/0/published'],
    ['a profile of somebody else', collection({ ...activity('Update'), object: person({ id: BEA }) }), 'ACTOR_DOCUMENT /items/0/object/id'],
    ['orderedItems of an OrderedCollection', activity('OrderedCollection', { orderedItems: [like({ object: 7 })] }), 'SHAPE /orderedItems/0/object'],
    ['the items that its type does not read', activity('OrderedCollection', { items: [like({ object: 7 })] }), 'ok'],
  ])('%s', (_name, value, expected) => {
    expect(refusal(value)).toBe(expected);
  });
});

import { describe, expect, it } from '@jest/globals';
import { accepted, activity, ALICE, create, type Json, note, NOW_MS, OWN_HOST, PEER, PUBLIC, read, refusal, rulesWith, update, VICTIM } from '../testing/activity.ts';

const HOUR_MS = 3_600_000;
const at = (ms: number): string => new Date(NOW_MS + ms).toISOString();
const FOLLOWERS = `${ALICE}/followers`;
const LOCAL = `https://${OWN_HOST}/users/1`;
const addressed = (to: unknown, cc: unknown, rest: Json = {}): Json => create(note({ to: undefined, cc: undefined, ...rest }), { to, cc });

describe('readActivity()', () => {
  it('says what later checks need', () => {
    const value = create(note({ inReplyTo: `https://${VICTIM}/n` }));
    const { value: same, hosts, ...rest } = accepted(value);
    expect(rest).toEqual({
      ok: true, type: 'Create', id: `https://${PEER}/a/1`, actor: ALICE, actorHost: PEER, objectType: 'Note', object: `https://${PEER}/n/1`, forwarded: false, visibility: 'public',
    });
    expect(same).toEqual(value);
    expect([...hosts].sort()).toEqual([PEER, VICTIM]);
  });

  it('tells what was forwarded, and the actor as it was written', () => {
    const signature = { type: 'RsaSignature2017', creator: `${ALICE}#k`, signatureValue: 'A' };
    expect(accepted({ ...create(), signature }, { keyHost: 'x.example' }).forwarded).toBe(true);
    const actor = `https://${PEER.toUpperCase()}/u/alice`;
    expect(accepted(create(note({ attributedTo: actor }), { actor: { id: actor } }))).toMatchObject({ actor, actorHost: PEER, forwarded: false });
    expect(accepted(activity('Like', { object: LOCAL }))).toMatchObject({ objectType: undefined, object: LOCAL });
  });

  it('answers in the order of the checks', () => {
    const all = { type: 'Create', id: `https://${VICTIM}/1`, actor: ALICE, '@graph': [], published: 'never', object: note({ id: `https://${VICTIM}/n`, content: 7 }) };
    const without = (...steps: readonly Json[]): string => refusal(Object.assign({}, all, ...steps) as Json, { keyHost: 'x.example' }).split(' ')[0] ?? '';
    const id = { id: `https://${PEER}/1` };
    const signed = { signature: { type: 'RsaSignature2017', creator: `${ALICE}#k`, signatureValue: 'A' } };
    const object = (rest: Json): Json => ({ object: note(rest) });
    expect(without({ type: 'Teleport' })).toBe('ACTIVITY_TYPE');
    expect(without()).toBe('ID_HOST');
    expect(without(id)).toBe('SIGNER');
    expect(without(id, signed)).toBe('LD');
    expect(without(id, signed, { '@graph': undefined })).toBe('SHAPE');
    expect(without(id, signed, { '@graph': undefined }, object({ id: `https://${VICTIM}/n` }))).toBe('AUTHORITY');
    expect(without(id, signed, { '@graph': undefined }, object({}))).toBe('PUBLISHED');
    expect(without(id, signed, { '@graph': undefined, published: at(0) }, object({}))).toBe('ok');
  });

  it('names the port of an instance that has one', () => {
    const rules = rulesWith({ ownHosts: new Set(['m.example:8443']) });
    expect(refusal(activity('Like', { object: 'https://m.example:8443/notes/1' }), { rules })).toBe('ok');
    expect(refusal(activity('Like', { object: 'https://m.example:8444/notes/1' }), { rules })).toBe('REFERENCE /object');
    expect(refusal(activity('Follow', { object: 'https://m.example:8443/users/1' }), { rules })).toBe('ok');
    expect(refusal(create(note(), { id: 'https://m.example:8443/1' }), { rules })).toBe('OWN_HOST /id');
  });

  it('is not fooled by what objects inherit', () => {
    const value = { type: 'toString', id: `https://${PEER}/1`, actor: ALICE };
    expect(refusal(value)).toBe('ACTIVITY_TYPE /type');
    expect(refusal(create(note({ type: 'constructor', constructor: { prototype: {} } })))).toBe('ok');
    expect(read({}).ok).toBe(false);
  });
});

describe('published', () => {
  const IN_TIME = at(24 * HOUR_MS);
  const TOO_LATE = at(24 * HOUR_MS + 1);
  it.each<readonly [string, (published: unknown) => Json, string]>([
    ['of an activity', (published) => activity('Like', { object: LOCAL, published }), 'PUBLISHED /published'],
    ['of an Announce', (published) => activity('Announce', { object: LOCAL, published }), 'PUBLISHED /published'],
    ['of a post', (published) => create(note({ published })), 'PUBLISHED /object/published'],
    ['of a poll', (published) => update(note({ type: 'Question', published })), 'PUBLISHED /object/published'],
    ['of the second of two', (published) => create([note(), note({ published })]), 'PUBLISHED /object/published'],
  ])('%s lies a day ahead at most', (_name, make, expected) => {
    for (const good of [IN_TIME, '1970-01-01T00:00:00Z', '2022-02-23T21:54:52+00:00', '2018-02-12T14:08:20.038856Z', undefined, null, '']) expect(refusal(make(good))).toBe('ok');
    for (const bad of [TOO_LATE, '9999-12-31T00:00:00Z', 'in a while', '2026-13-01T00:00:00Z']) expect(refusal(make(bad))).toBe(expected);
  });

  it('is not asked of what is only announced', () => {
    expect(refusal(activity('Announce', { object: { id: LOCAL, published: TOO_LATE } }))).toBe('ok');
  });
});

describe('visibility', () => {
  it.each<readonly [string, Json, string]>([
    ['to everybody', addressed([PUBLIC], [FOLLOWERS]), 'public'],
    ['to everybody by a short name', addressed('as:Public', undefined), 'public'],
    ['everybody in cc', addressed([FOLLOWERS], [PUBLIC]), 'unlisted'],
    ['by what the post says alone', addressed(undefined, undefined, { to: [PUBLIC] }), 'public'],
    ['followers', addressed([FOLLOWERS], [LOCAL]), 'followers'],
    ['followers of somebody elsewhere', addressed([`https://${VICTIM}/u/followers`], [LOCAL]), 'direct'],
    ['one of us', addressed([{ id: LOCAL }], []), 'direct'],
    ['nobody', addressed(undefined, []), 'unknown'],
    ['what has no recipients', activity('Follow', { object: LOCAL }), 'unknown'],
  ])('%s', (_name, value, expected) => {
    expect(accepted(value).visibility).toBe(expected);
  });
});

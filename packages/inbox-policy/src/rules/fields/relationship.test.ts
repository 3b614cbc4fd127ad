import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../types.ts';
import { createCapture, parseCapture, replayable } from '../capture/capture.ts';
import { parseRulesFile } from '../file/parse.ts';
import { judge } from '../judge.ts';
import { NO_HOST_LISTS } from '../lists/host-lists.ts';
import { LOCAL_HOST, NOW_MS, SPAM, create, fieldsFor, mention, readAs } from '../testing/posts.ts';
import type { FieldFacts, Relationship } from './fields.ts';

const STRANGER: Relationship = { followedHere: false, followsHere: true };
const FRIEND: Relationship = { followedHere: true, followsHere: false };
const acts = (text: string, activity: JsonObject, relationship: Relationship | undefined): string =>
  judge({ rules: parseRulesFile(text).rules, lists: NO_HOST_LISTS }, fieldsFor(activity, { relationship }), NOW_MS).action;

describe('the fields of a relationship', () => {
  it.each<[Partial<FieldFacts>, unknown, unknown]>([
    [{ relationship: STRANGER }, false, true], [{ relationship: FRIEND }, true, false], [{}, undefined, undefined], [{ relationship: undefined }, undefined, undefined],
  ])('of %j', (facts, followedHere, followsHere) => {
    const fields = fieldsFor(create(), facts);
    expect([fields.get('actor.followedHere'), fields.get('actor.followsHere')]).toEqual([followedHere, followsHere]);
  });

  it('make no rule act while they are unknown, also below not', () => {
    const rule = (when: string): string => `rules:\n  - { id: x, action: drop, when: ${when} }\n`;
    const [plain, negated] = [rule('{ field: actor.followedHere, op: eq, value: false }'), rule('{ not: { field: actor.followedHere, op: eq, value: true } }')];
    for (const text of [plain, negated]) expect([STRANGER, FRIEND, undefined].map((relationship) => acts(text, create(), relationship))).toEqual(['drop', 'allow', 'allow']);
  });

  it('stay in a capture as they were', () => {
    const capture = (late: object) => createCapture({
      arrivedMs: NOW_MS, target: '/inbox', rawHeaders: [], keyHost: 'social.peer.example', late, activity: readAs(SPAM['link']!), verdict: { decision: 'allow' },
    });
    const parsed = parseCapture(JSON.stringify(capture({ relationship: STRANGER })));
    if (!parsed.ok) throw new Error(parsed.detail);
    expect(replayable(parsed.capture)?.facts.relationship).toEqual(STRANGER);
    expect(replayable(capture({}))?.facts.relationship).toBeUndefined();
  });
});

describe('the set stranger-mentions', () => {
  const SET = 'builtin: [stranger-mentions]';

  it.each<[string, Relationship | undefined, string]>([['a stranger', STRANGER, 'quarantine'], ['somebody who is followed here', FRIEND, 'allow'], ['nobody knows whom', undefined, 'allow']])('keeps a lure by %s: %p', (_name, relationship, action) => {
    for (const name of ['link', 'picture']) expect(acts(SET, SPAM[name]!, relationship)).toBe(action);
  });

  it.each<[string, JsonObject]>([
    ['without link and picture', { content: 'hello @ann', tag: [mention(LOCAL_HOST, 'ann')] }],
    ['without a mention of anybody here', { content: '<a href="https://x.example/">x</a>', tag: [mention('one.peer.example', 'ann')] }],
    ['in answer to another', { content: '<a href="https://x.example/">x</a>', tag: [mention(LOCAL_HOST, 'ann')], inReplyTo: `https://${LOCAL_HOST}/notes/1` }],
  ])('lets pass what a stranger writes %s', (_name, note) => {
    expect(acts(SET, create({ note }), STRANGER)).toBe('allow');
    // With what is missing it is caught.
    expect(acts(SET, create({ note: { content: '<a href="https://x.example/">x</a>', tag: [mention(LOCAL_HOST, 'ann')] } }), STRANGER)).toBe('quarantine');
  });
});

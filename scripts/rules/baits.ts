// Posts of the largest size there can be, made to be slow: what expressions with counted repetitions, searches for texts
// and the reading of HTML find worst.

import type { JsonValue, ReadActivity } from '@sekisho/inbox-policy';
import type { fieldsOf } from '@sekisho/inbox-policy/rules';

export interface Bait {
  readonly name: string;
  readonly activity: ReadActivity;
  readonly facts: Parameters<typeof fieldsOf>[1];
}

const HALF = 30 * 1024;
const ACTOR = 'https://bait.peer.example/users/bait';

export function baits(nowMs: number): readonly Bait[] {
  const bits = randomOf('ab');
  return [
    ['one letter', 'a'.repeat(HALF)],
    ['two letters at random', bits],
    ['letters at random', randomOf('abcdefghijklmnopqrstuvwxyz')],
    ['letters, digits and blanks at random', randomOf('abcdefghijklmnopqrstuvwxyz0123456789     ')],
    ['compatibility letters', '\uFDFA'.repeat(HALF / 3)],
    ['open tags', '<a href="'.repeat(HALF / 9)],
    ['links', '<a href="https://a.peer.example/">a</a>'.repeat(HALF / 39)],
    ['addresses', 'https://a.peer.example/ '.repeat(HALF / 24)],
    ['entities', '&#x61;'.repeat(HALF / 6)],
    ['mentions', '@a@b.example '.repeat(HALF / 13)],
  ].map(([name = '', text = '']) => ({
    name, activity: postOf(text),
    facts: { requestHeaders: [], keyHost: 'bait.peer.example', localHosts: new Set(['misskey.origin.example']), nowMs },
  }));
}

/** The same text in both forms that are read. */
function postOf(text: string): ReadActivity {
  const note: Record<string, JsonValue> = {
    id: `${ACTOR}/notes/1`, type: 'Note', attributedTo: ACTOR, content: text, _misskey_content: text, to: ['https://www.w3.org/ns/activitystreams#Public'],
  };
  return {
    ok: true, type: 'Create', id: `${ACTOR}/notes/1/activity`, actor: ACTOR, actorHost: 'bait.peer.example', objectType: 'Note', object: `${ACTOR}/notes/1`,
    hosts: new Set(['bait.peer.example']), forwarded: false, visibility: 'public', value: { type: 'Create', actor: ACTOR, object: note },
  };
}

/** The same in each run. */
function randomOf(letters: string): string {
  let state = 7;
  return Array.from({ length: HALF }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7f_ff_ff_ff;
    return letters[(state >> 16) % letters.length];
  }).join('');
}

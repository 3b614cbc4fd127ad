// A reaction is one emoji or the name of one: that is all its type says, and what other servers refuse it for otherwise.

import type { JsonObject } from '../types.ts';

const NAMED = /^:[^:\s]{1,128}:$/u;
const PICTURE = /[\p{Extended_Pictographic}\p{Regional_Indicator}\u20e3]/u;
const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** Families of many people with tones take some 40 units. */
const CHARS_MAX = 128;

/** Misskey reads `_misskey_reaction ?? content ?? name`, and takes a default where none of them is there. */
export function isReaction(activity: JsonObject): boolean {
  const reaction = activity['_misskey_reaction'] ?? activity['content'] ?? activity['name'];
  if (typeof reaction !== 'string' || reaction === '' || NAMED.test(reaction)) return true;
  return reaction.length <= CHARS_MAX && PICTURE.test(reaction) && isOneGrapheme(reaction);
}

function isOneGrapheme(text: string): boolean {
  const [first] = GRAPHEMES.segment(text);
  return first?.segment.length === text.length;
}

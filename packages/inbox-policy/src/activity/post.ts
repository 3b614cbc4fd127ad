// What Misskey reads of a post, its poll, attachments and tags (ApNoteService, ApQuestionService, ApImageService, tag.ts).

import { INBOX_LIMITS } from '@sekisho/contracts';
import {
  byType, count, firstRef, flag, link, list, object, type Reader, readTable, recipients, ref, text, textIfText, timeOrFlag, tooMany, type Table, type, uri,
} from './readers.ts';
import { ATTACHMENT_TYPES, isObject, listOf, typeOf } from './types.ts';
import { refuse } from './walk.ts';

const ICON: Table = [['type', type], ['url', link]];

const MENTION: Table = [['type', type], ['href', uri], ['name', text]];
const HASHTAG: Table = [['type', type], ['name', text]];
const EMOJI: Table = [
  ['id', uri], ['type', type], ['name', text], ['icon', object(ICON)], ['updated', text],
  ['_misskey_license', object([['freeText', text]], 'omit')],
];

const readTag = byType(new Map([['Mention', MENTION], ['Hashtag', HASHTAG], ['Emoji', EMOJI]]));

/** Each mention costs Misskey the lookup of an actor. */
export const tags: Reader = (value, path, walk) => {
  const mentions = listOf(value).filter((tag) => isObject(tag) && typeOf(tag) === 'Mention').length;
  if (mentions > INBOX_LIMITS.mentionsMax) return tooMany(walk, path, INBOX_LIMITS.mentionsMax);
  return list(readTag, INBOX_LIMITS.tagsMax)(value, path, walk);
};

const ATTACHMENT: Table = [['type', type], ['url', link], ['name', text], ['sensitive', flag]];

const attachment: Reader = (value, path, walk) => {
  if (typeof value === 'string') return uri(value, path, walk);
  if (!isObject(value)) return refuse(walk, 'SEKISHO_INBOX_SHAPE', path);
  return ATTACHMENT_TYPES.has(typeOf(value) ?? '') ? readTable(value, ATTACHMENT, path, walk) : undefined;
};

const CHOICE: Table = [
  ['type', type], ['name', text], ['replies', object([['type', type], ['totalItems', count]])], ['_misskey_votes', count],
];

const choices = list(object(CHOICE), INBOX_LIMITS.pollOptionsMax);

export const POST: Table = [
  ['id', uri], ['type', type], ['attributedTo', firstRef], ['to', recipients], ['cc', recipients], ['published', text],
  ['inReplyTo', firstRef], ['content', text], ['summary', text], ['name', text],
  ['source', object([['content', textIfText], ['mediaType', textIfText]], 'omit')],
  ['_misskey_content', text], ['_misskey_quote', ref], ['quoteUrl', ref], ['url', link],
  ['attachment', list(attachment, INBOX_LIMITS.attachmentsMax)], ['tag', tags], ['sensitive', flag],
  ['oneOf', choices], ['anyOf', choices], ['endTime', timeOrFlag], ['closed', timeOrFlag],
];

// What Misskey reads of an actor (ApPersonService).

import { INBOX_LIMITS } from '@sekisho/contracts';
import {
  aliases, link, list, object, type Reader, readTable, ref, seconds, setting, text, textIfText, type Table, type, uri,
} from './readers.ts';
import { tags } from './post.ts';
import { isObject, typeOf } from './types.ts';
import { refuse } from './walk.ts';

/** No character that turns the text around or splits a path. `validateActor` is stricter; Plume's blogs have blanks. */
const USERNAME = /^[\p{L}\p{N}_](?:[\p{L}\p{N}_. -]*[\p{L}\p{N}_])?$/u;
const USERNAME_CHARS_MAX = 128;

const username: Reader = (value, path, walk) =>
  typeof value === 'string' && value.length <= USERNAME_CHARS_MAX && USERNAME.test(value)
    ? value
    : refuse(walk, 'SEKISHO_INBOX_SHAPE', path);

const IMAGE: Table = [['type', type], ['url', link], ['name', text], ['sensitive', setting]];

const image: Reader = (value, path, walk) => (isObject(value) ? readTable(value, IMAGE, path, walk) : uri(value, path, walk));
const images = list(image, INBOX_LIMITS.attachmentsMax);

const FIELD: Table = [['type', type], ['name', text], ['value', text]];

const field: Reader = (value, path, walk) =>
  isObject(value) && typeOf(value) === 'PropertyValue' ? readTable(value, FIELD, path, walk) : undefined;

/** Of collections (outbox, followers, …) only the address. */
export const ACTOR: Table = [
  ['id', uri], ['type', type], ['inbox', uri], ['outbox', ref], ['followers', ref], ['following', ref], ['featured', ref],
  ['endpoints', object([['sharedInbox', uri]], 'omit')], ['sharedInbox', uri],
  ['preferredUsername', username], ['name', text], ['summary', text], ['_misskey_summary', text], ['_misskey_followedMessage', text],
  ['manuallyApprovesFollowers', setting], ['discoverable', setting], ['movedTo', uri], ['alsoKnownAs', aliases],
  ['publicKey', object([['id', uri], ['owner', uri], ['publicKeyPem', text]])],
  ['icon', images], ['image', images], ['url', link], ['tag', tags],
  ['attachment', list(field, INBOX_LIMITS.attachmentsMax)],
  ['vcard:bday', textIfText], ['vcard:Address', textIfText], ['isCat', setting],
  ['requireSigninToViewContents', setting], ['makeNotesFollowersOnlyBefore', seconds], ['makeNotesHiddenBefore', seconds],
];

// Whether an actor may do to an object what the activity says. Runs after the properties are read: every id here is a
// reference of the right form.

import { INBOX_LIMITS } from '@sekisho/contracts';
import { deny } from '../denied.ts';
import type { Denied, JsonObject, JsonValue } from '../types.ts';
import { hostOf, sameId } from './references.ts';
import { ACTOR_TYPES, idOf, isObject, listOf, PUBLIC_NAMES, typeOf } from './types.ts';

export interface Authority {
  readonly actor: string;
  readonly actorHost: string;
  readonly isOwn: (host: string) => boolean;
  readonly path: string;
}

type Check = (activity: JsonObject, by: Authority) => Denied | undefined;

const refused = (by: Authority, property: string): Denied => deny('SEKISHO_INBOX_AUTHORITY', `${by.path}${property}`);

/** Ids of one or many, no more than an activity may have recipients. */
export const idsOf = (value: JsonValue | undefined): readonly string[] =>
  listOf(value).slice(0, INBOX_LIMITS.recipientsMax).flatMap((item) => idOf(item) ?? []);

const isOfHost = (id: string | undefined, host: string): boolean => id !== undefined && hostOf(id) === host;

const isActor = (id: string | undefined, by: Authority): boolean => id !== undefined && sameId(id, by.actor);

export const checkAuthority = (activity: JsonObject, by: Authority): Denied | undefined =>
  CHECKS.get(typeOf(activity) ?? '')?.(activity, by);

/** Create and Update: objects of the actor's host that he wrote himself. Who a profile is of is the question of its own check. */
const checkContent: Check = (activity, by) => {
  for (const object of listOf(activity['object'])) {
    const isProfile = isObject(object) && ACTOR_TYPES.has(typeOf(object) ?? '');
    if (isProfile && typeOf(activity) === 'Update') continue;
    if (!isOfHost(idOf(object), by.actorHost)) return refused(by, '/object/id');
    // Channels and groups are attributed to the users who made them; nobody reads that.
    if (isObject(object) && !isProfile && !isAuthor(object, activity, by)) return refused(by, '/object/attributedTo');
  }
  return undefined;
};

/**
 * Misskey takes the actor where nobody is named, and the first of several. Videos name a channel beside the account, in
 * either order; Mobilizon writes events for a group, which the activity names as well, and adds their `actor`. All of these lie
 * on the actor's host, and Misskey drops what the first of them did not send.
 */
function isAuthor(object: JsonObject, activity: JsonObject, by: Authority): boolean {
  const authors = idsOf(object['attributedTo']);
  const [first] = authors;
  if (first === undefined || isActor(first, by)) return true;
  if (!isOfHost(first, by.actorHost)) return false;
  if (authors.some((author) => isActor(author, by))) return true;
  return idOf(activity['attributedTo']) === first && isActor(idOf(object['actor']), by);
}

const checkDelete: Check = (activity, by) => {
  const object = listOf(activity['object'])[0];
  const id = idOf(object);
  if (!isOfHost(id, by.actorHost)) return isModerator(activity, by) ? deny('SEKISHO_INBOX_MODERATOR', '/object') : refused(by, '/object');
  const isProfile = isObject(object) && ACTOR_TYPES.has(typeOf(object) ?? '');
  return isProfile && !isActor(id, by) ? refused(by, '/object') : undefined;
};

/**
 * Moderators of Lemmy and Mbin delete what others wrote in their group and tell the group: it is the `audience`, or (before
 * Lemmy 0.18) stands in cc as somebody of the moderator's host who is neither the moderator nor his followers. Whoever claims
 * this wrongly gains the difference between 403 and 202: nothing is passed on.
 */
function isModerator(activity: JsonObject, by: Authority): boolean {
  const audience = idOf(activity['audience']);
  if (audience !== undefined && !PUBLIC_NAMES.has(audience)) return true;
  return idsOf(activity['cc']).some((id) => isOfHost(id, by.actorHost) && !id.startsWith(by.actor));
}

/** The activity that is undone was the actor's own; where it lies does not matter. */
const checkUndo: Check = (activity, by) => {
  const object = listOf(activity['object'])[0];
  const author = isObject(object) ? idOf(object['actor']) : undefined;
  return author === undefined || isActor(author, by) ? undefined : refused(by, '/object/actor');
};

/** Only who is followed may accept (Pixelfed CVE-2025-30741). A relay is followed by following Public. */
const checkAnswer: Check = (activity, by) => {
  const object = listOf(activity['object'])[0];
  if (!isObject(object) || typeOf(object) !== 'Follow') return undefined;
  const followed = idOf(object['object']);
  return followed === undefined || PUBLIC_NAMES.has(followed) || isActor(followed, by) ? undefined : refused(by, '/object/object');
};

/** Collections of the actor's host: his own featured posts, or those and the moderators of a group there. */
const checkTarget: Check = (activity, by) =>
  isOfHost(idOf(activity['target']), by.actorHost) ? undefined : refused(by, '/target');

/** Misskey moves the actor, whatever the object; it must lie on his host at least. */
const checkMove: Check = (activity, by) => {
  const id = idOf(activity['object']);
  return id === undefined || isOfHost(id, by.actorHost) ? undefined : refused(by, '/object');
};

/** Of a report or a follow that concerns nobody here Misskey makes nothing. */
const checkLocal: Check = (activity, by) =>
  idsOf(activity['object']).some((id) => by.isOwn(hostOf(id))) ? undefined : deny('SEKISHO_INBOX_NOT_LOCAL', `${by.path}/object`);

const CHECKS: ReadonlyMap<string, Check> = new Map([
  ['Create', checkContent], ['Update', checkContent], ['Delete', checkDelete], ['Undo', checkUndo],
  ['Accept', checkAnswer], ['Reject', checkAnswer], ['Add', checkTarget], ['Remove', checkTarget],
  ['Move', checkMove], ['Flag', checkLocal], ['Follow', checkLocal],
]);

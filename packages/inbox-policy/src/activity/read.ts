// From a JSON object and the key that signed it to an activity that Misskey may have, in the order of the checks: type, claims,
// JSON-LD, shape and counts, authority, profile, time.

import { deny } from '../denied.ts';
import type { ActivityRules, Denied, JsonObject, JsonValue, ReadActivity } from '../types.ts';
import { itemsName, readProperties } from './activities.ts';
import { checkActorDocument } from './actor-document.ts';
import { checkAuthority } from './authority.ts';
import { type ActivityHead, readActivityHead, readClaims, type Signer } from './head.ts';
import { checkLinkedData } from './linked-data.ts';
import { checkPublished } from './published.ts';
import { hostOf, sameId } from './references.ts';
import { ACTIVITY_TYPES, COLLECTION_TYPES, idOf, isObject, listOf, typeOf } from './types.ts';
import { visibilityOf } from './visibility.ts';
import { openWalk, type Walk } from './walk.ts';

/** Decides from the request alone; what depends on earlier requests (the same id to other recipients) is not decided here. */
export function readActivity(value: JsonObject, signer: Signer, rules: ActivityRules): ReadActivity | Denied {
  const walk = openWalk(rules);
  const head = readActivityHead(value, signer, rules, walk);
  if (!head.ok) return head;
  const linkedData = rules.ldPolicy === 'pass' ? undefined : checkLinkedData(value, head.forwarded);
  if (linkedData !== undefined) return linkedData;
  readProperties(value, '', walk);
  const denied = walk.denied ?? checkDeeds(value, { head, rules, walk, path: '' }) ?? checkItems(value, { head, rules, walk, path: '' });
  return denied ?? describe(value, head, walk);
}

interface Context {
  readonly head: ActivityHead;
  readonly rules: ActivityRules;
  readonly walk: Walk;
  readonly path: string;
}

function checkDeeds(activity: JsonObject, { head, rules, walk, path }: Context): Denied | undefined {
  const by = { actor: head.actor, actorHost: head.actorHost, isOwn: walk.isOwn, path };
  return (
    checkAuthority(activity, by) ??
    checkActorDocument(activity, by) ??
    checkPublished(activity, rules.nowMs, path)
  );
}

/** Misskey performs the items of a collection one by one, in the name of the actor of the collection. */
function checkItems(value: JsonObject, context: Context): Denied | undefined {
  if (!COLLECTION_TYPES.has(context.head.type)) return undefined;
  const name = itemsName(context.head.type);
  for (const [index, item] of listOf(value[name]).entries()) {
    const denied = checkItem(item, { ...context, path: `/${name}/${index}` });
    if (denied !== undefined) return denied;
  }
  return undefined;
}

function checkItem(item: JsonValue, context: Context): Denied | undefined {
  const { head, walk, path } = context;
  if (typeof item === 'string') return hostOf(item) === head.actorHost ? undefined : deny('SEKISHO_INBOX_ID_HOST', path);
  if (!isObject(item) || !ACTIVITY_TYPES.has(typeOf(item) ?? '')) return undefined;
  const claims = readClaims(item, walk, path);
  if (!claims.ok) return claims;
  if (!sameId(claims.actor, head.actor)) return deny('SEKISHO_INBOX_AUTHORITY', `${path}/actor`);
  return checkDeeds(item, context);
}

function describe(value: JsonObject, head: ActivityHead, walk: Walk): ReadActivity {
  const [object] = listOf(value['object']);
  return {
    ok: true,
    type: head.type,
    id: head.id,
    actor: head.actor,
    actorHost: head.actorHost,
    objectType: isObject(object) ? typeOf(object) : undefined,
    object: idOf(object),
    hosts: walk.hosts,
    forwarded: head.forwarded,
    visibility: visibilityOf(value, head.actorHost),
    value,
  };
}

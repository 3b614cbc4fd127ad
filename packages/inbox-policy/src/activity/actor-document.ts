// The profile in an Update: what it points to lies on its own host, and its key is one that can be used. Misskey checks neither
// the host of `featured` nor the owner and the form of the key.

import { Buffer } from 'node:buffer';
import { deny } from '../denied.ts';
import { parsePublicKey } from '../signature/public-key.ts';
import type { Denied, JsonObject } from '../types.ts';
import type { Authority } from './authority.ts';
import { hostOf, sameId } from './references.ts';
import { ACTOR_TYPES, idOf, isObject, listOf, typeOf } from './types.ts';

const PLACES = ['inbox', 'outbox', 'followers', 'following', 'featured', 'sharedInbox'] as const;

const refused = (path: string): Denied => deny('SEKISHO_INBOX_ACTOR_DOCUMENT', path);

/** Nothing to say about activities that carry no profile. */
export function checkActorDocument(activity: JsonObject, by: Authority): Denied | undefined {
  if (typeOf(activity) !== 'Update') return undefined;
  for (const object of listOf(activity['object'])) {
    if (!isObject(object) || !ACTOR_TYPES.has(typeOf(object) ?? '')) continue;
    const path = `${by.path}/object`;
    if (!sameId(idOf(object) ?? '', by.actor)) return refused(`${path}/id`);
    const denied = checkPlaces(object, by.actorHost, path) ?? checkKey(object, by.actorHost, `${path}/publicKey`);
    if (denied !== undefined) return denied;
  }
  return undefined;
}

function checkPlaces(actor: JsonObject, actorHost: string, path: string): Denied | undefined {
  if (idOf(actor['inbox']) === undefined) return refused(`${path}/inbox`);
  for (const place of PLACES) if (!isAt(idOf(actor[place]), actorHost)) return refused(`${path}/${place}`);
  const endpoints = actor['endpoints'];
  const shared = isObject(endpoints) ? idOf(endpoints['sharedInbox']) : undefined;
  return isAt(shared, actorHost) ? undefined : refused(`${path}/endpoints/sharedInbox`);
}

/** Absent and empty are the same to Misskey. */
const isAt = (id: string | undefined, host: string): boolean => id === undefined || id === '' || hostOf(id) === host;

function checkKey(actor: JsonObject, actorHost: string, path: string): Denied | undefined {
  const key = actor['publicKey'];
  if (!isObject(key)) return undefined;
  const id = idOf(key);
  if (id === undefined || !isAt(id, actorHost)) return refused(`${path}/id`);
  const owner = idOf(key['owner']);
  if (owner !== undefined && !isOwner(owner, id, actor)) return refused(`${path}/owner`);
  const pem = key['publicKeyPem'];
  if (pem === undefined || pem === null) return undefined;
  if (typeof pem !== 'string') return deny('SEKISHO_INBOX_ACTOR_KEY', `${path}/publicKeyPem`);
  return checkPem(pem, path);
}

/** Keys that were found good, of 450 to 800 characters: profiles come again and again, and OpenSSL takes 0.1 ms for each. */
const GOOD_MAX = 2_048;
/** What is longer, or has blanks beyond ASCII in it, is read each time. */
const USUAL = /^[\n\r\x20-\x7e]{1,1024}$/;
const good = new Set<string>();

function checkPem(pem: string, path: string): Denied | undefined {
  if (good.has(pem)) return undefined;
  const parsed = parsePublicKey(pem);
  if (!parsed.ok) return deny(parsed.code, `${path}/publicKeyPem: ${parsed.detail}`);
  if (!USUAL.test(pem)) return undefined;
  if (good.size >= GOOD_MAX) good.clear();
  // A copy: what is cut from a body keeps all of it in memory.
  good.add(Buffer.from(pem, 'latin1').toString('latin1'));
  return undefined;
}

/** GNU social signs for groups with the key of the user who made them: the key is that user's by its id as well. */
const isOwner = (owner: string, keyId: string, actor: JsonObject): boolean =>
  sameId(owner, idOf(actor['id']) ?? '') || sameId(owner, keyId.replace(/#.*$/, ''));

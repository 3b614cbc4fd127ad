// What a fetched document says about keys. A document speaks for the URL it was fetched at and for its own host only: a key
// counts when the actor himself lists it, so that no document can give somebody else a key. Pure.

import { ACTOR_TYPES, type JsonObject, type JsonValue, isList, isObject, parsePublicKey, parseStrictJson } from '@sekisho/inbox-policy';
import { KEYS_MAX, type KnownKey } from './entry.ts';

/** Actors carry texts, pictures and fields; the limits are above those of an activity. */
const JSON_LIMITS = { depthMax: 32, nodesMax: 16_384, stringBytesMax: 128 * 1024 };

export type KeyDocument =
  | { readonly kind: 'actor'; readonly keys: readonly KnownKey[] }
  /** A key, or the stub of an actor: whose it is must be read at the owner's own URL. */
  | { readonly kind: 'owner'; readonly url: string }
  | { readonly kind: 'refused'; readonly detail: string };

const refuse = (detail: string): KeyDocument => ({ kind: 'refused', detail });

/** @param url where the document was fetched, normalised and without fragment. */
export function readKeyDocument(bytes: Uint8Array, url: string): KeyDocument {
  const parsed = parseStrictJson(bytes, JSON_LIMITS);
  if (!parsed.ok) return refuse(`the key document: ${parsed.detail}`);
  const document = parsed.value;
  const id = normalId(document['id']);
  if (id === undefined) return refuse('the key document has no https id');
  if (hostOf(id) !== hostOf(url)) return refuse('the key document claims to be of another host');
  if (withoutFragment(id) === url && isActor(document)) return readActor(document, id);
  const owner = ownerOf(document, id, url);
  if (owner === undefined) return refuse('the key document is neither an actor nor a key');
  if (hostOf(owner) !== hostOf(url)) return refuse('the owner of the key is on another host');
  return withoutFragment(owner) === url ? refuse('the owner of the key is no actor') : { kind: 'owner', url: withoutFragment(owner) };
}

/** https, without userinfo, one spelling per URL; undefined for anything else. */
export function normalId(value: JsonValue | undefined): string | undefined {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  return url === null || url.protocol !== 'https:' || url.username + url.password !== '' ? undefined : url.href;
}

export const withoutFragment = (url: string): string => url.split('#', 1)[0] ?? url;
const hostOf = (url: string): string => new URL(url).host;

function isActor(document: JsonObject): boolean {
  const { type } = document;
  return (isList(type) ? type : [type]).some((one) => typeof one === 'string' && ACTOR_TYPES.has(one));
}

function readActor(actor: JsonObject, id: string): KeyDocument {
  const keys = listOf(actor['publicKey']).flatMap((value) => readKey(value, id) ?? []);
  return keys.length === 0 ? refuse('the actor lists no usable key of his own') : { kind: 'actor', keys };
}

function readKey(value: JsonValue, actor: string): KnownKey | undefined {
  if (!isObject(value)) return undefined;
  const id = normalId(value['id']);
  const { publicKeyPem: pem } = value;
  if (id === undefined || hostOf(id) !== hostOf(actor) || normalId(keyOwner(value)) !== actor || typeof pem !== 'string') return undefined;
  const read = parsePublicKey(pem);
  return read.ok ? { id, owner: actor, pem, key: read.key } : undefined;
}

/** A key names its owner, the stub of an actor (GoToSocial) is fetched at the key's URL and names the actor as id. */
function ownerOf(document: JsonObject, id: string, url: string): string | undefined {
  if (typeof document['publicKeyPem'] === 'string') return withoutFragment(id) === url ? normalId(keyOwner(document)) : undefined;
  return listOf(document['publicKey']).some((key) => isObject(key)) ? id : undefined;
}

const keyOwner = (key: JsonObject): JsonValue | undefined => key['owner'] ?? key['controller'];

const listOf = (value: JsonValue | undefined): readonly JsonValue[] => (isList(value) ? value.slice(0, KEYS_MAX) : value === undefined ? [] : [value]);

// Who says what: type, id and actor of an activity, and whether the key that signs may speak for that actor.

import { deny } from '../denied.ts';
import type { ActivityRules, Denied, JsonObject, JsonValue } from '../types.ts';
import { signerOfDocument } from './linked-data.ts';
import { parseReference, type Reference } from './references.ts';
import { ACTIVITY_TYPES, COLLECTION_TYPES, isList, isObject, typeOf } from './types.ts';
import type { Walk } from './walk.ts';

export interface Signer {
  readonly keyId: string;
  readonly keyHost: string;
}

export interface ActivityHead {
  readonly ok: true;
  readonly type: string;
  readonly id: string;
  /** As it was written: Misskey compares it as text. */
  readonly actor: string;
  readonly actorHost: string;
  readonly forwarded: boolean;
}

export function readActivityHead(value: JsonObject, signer: Signer, rules: ActivityRules, walk: Walk): ActivityHead | Denied {
  const type = typeOf(value);
  if (type === undefined) return deny('SEKISHO_INBOX_SHAPE', '/type');
  if (!ACTIVITY_TYPES.has(type) && !COLLECTION_TYPES.has(type)) return deny('SEKISHO_INBOX_ACTIVITY_TYPE', '/type');
  const claims = readClaims(value, walk);
  if (!claims.ok) return claims;
  const { id, actor, actorHost } = claims;
  const forwarded = signer.keyHost !== actorHost;
  if (forwarded) {
    const problem = checkForwarder(value, { signer, rules, actorHost });
    if (problem !== undefined) return problem;
  }
  return { ok: true, type, id, actor, actorHost, forwarded };
}

interface Claims {
  readonly ok: true;
  readonly id: string;
  readonly actor: string;
  readonly actorHost: string;
}

/** Id and actor: one URL each, of one host, not ours. */
export function readClaims(value: JsonObject, walk: Walk, path = ''): Claims | Denied {
  const id = value['id'];
  const actor = actorOf(value['actor']);
  const idReference = referenceOf(id, walk);
  if (typeof id !== 'string' || idReference === undefined) return deny('SEKISHO_INBOX_ID', `${path}/id`);
  if (walk.isOwn(idReference.host)) return deny('SEKISHO_INBOX_OWN_HOST', `${path}/id`);
  const actorReference = referenceOf(actor, walk);
  if (actor === undefined || actorReference === undefined) return deny('SEKISHO_INBOX_ACTOR', `${path}/actor`);
  if (walk.isOwn(actorReference.host)) return deny('SEKISHO_INBOX_OWN_HOST', `${path}/actor`);
  if (idReference.host !== actorReference.host) return deny('SEKISHO_INBOX_ID_HOST', `${path}/id`);
  walk.hosts.add(actorReference.host);
  return { ok: true, id, actor, actorHost: actorReference.host };
}

const referenceOf = (value: JsonValue | undefined, walk: Walk): Reference | undefined =>
  typeof value === 'string' ? parseReference(value, walk.isAllowed) : undefined;

/** A URI, or an object with an id; or a list of one of these. Two actors are none. */
function actorOf(value: JsonValue | undefined): string | undefined {
  const one = isList(value) ? (value.length === 1 ? value[0] : undefined) : value;
  const id = isObject(one) ? one['id'] : one;
  return typeof id === 'string' ? id : undefined;
}

/** The key is not of the actor's host: only what the actor has signed itself may come this way, or by a relay that is named. */
function checkForwarder(
  value: JsonObject,
  { signer, rules, actorHost }: { readonly signer: Signer; readonly rules: ActivityRules; readonly actorHost: string },
): Denied | undefined {
  if (isRelay(signer.keyId, rules.relays)) return undefined;
  if (signerOfDocument(value) !== actorHost) return deny('SEKISHO_INBOX_SIGNER', '/signature');
  return rules.ldPolicy === 'reject' ? deny('SEKISHO_INBOX_LD_POLICY', '/signature') : undefined;
}

/** What is left of a keyId after its actor: a fragment, or the path that GoToSocial gives its key. */
const KEY_OF_ACTOR = /^(?:#.*|\/main-key)?$/;

const isRelay = (keyId: string, relays: ReadonlySet<string>): boolean =>
  [...relays].some((relay) => keyId.startsWith(relay) && KEY_OF_ACTOR.test(keyId.slice(relay.length)));

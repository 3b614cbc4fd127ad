// What others read about our own actor. Its name holds a dot, which Misskey lets nobody register. Pure.

import { createPublicKey, type KeyObject } from 'node:crypto';

export const ACTOR_PATH = '/.sekisho/actor';
export const ACTOR_OUTBOX_PATH = `${ACTOR_PATH}/outbox`;
export const ACTOR_NAME = 'sekisho.gateway';

export const actorUrl = (publicUrl: URL): string => `${publicUrl.origin}${ACTOR_PATH}`;
export const actorKeyId = (publicUrl: URL): string => `${actorUrl(publicUrl)}#main-key`;

const STREAMS = 'https://www.w3.org/ns/activitystreams';

export function actorDocument(publicUrl: URL, key: KeyObject): object {
  const id = actorUrl(publicUrl);
  return {
    '@context': [STREAMS, 'https://w3id.org/security/v1', { manuallyApprovesFollowers: 'as:manuallyApprovesFollowers' }],
    id,
    type: 'Application',
    preferredUsername: ACTOR_NAME,
    name: 'Sekisho',
    summary: 'Reads public keys to check the signatures of activities. It follows nobody and writes nothing.',
    url: id,
    // Misskey's: what is sent there is checked like everything else, and has nobody to go to.
    inbox: `${publicUrl.origin}/inbox`,
    outbox: `${publicUrl.origin}${ACTOR_OUTBOX_PATH}`,
    manuallyApprovesFollowers: true,
    publicKey: {
      id: actorKeyId(publicUrl),
      owner: id,
      publicKeyPem: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
    },
  };
}

export const outboxDocument = (publicUrl: URL): object =>
  ({ '@context': STREAMS, id: `${publicUrl.origin}${ACTOR_OUTBOX_PATH}`, type: 'OrderedCollection', totalItems: 0, orderedItems: [] });

export function webfingerDocument(publicUrl: URL): object {
  const id = actorUrl(publicUrl);
  return { subject: accountOf(publicUrl), aliases: [id], links: [{ rel: 'self', type: 'application/activity+json', href: id }] };
}

export const accountOf = (publicUrl: URL): string => `acct:${ACTOR_NAME}@${publicUrl.host}`;

// What `want: 'document'` may ask for: actors and keys of other servers, what they say of their software, and subscribed host lists. Each kind has one Accept
// header, the only content types that are taken, and its limits; both ends of the fetch contract hold them.

import { INBOX_LIMITS } from './inbox.ts';

const MiB = 1024 * 1024;
/** Profile that makes application/ld+json an activity (ActivityPub section 3.2). */
export const ACTIVITY_PROFILE = 'https://www.w3.org/ns/activitystreams';
/** Its URL travels back in the outcome header, which is 4 KiB of base64. */
export const DOCUMENT_URL_CHARS_MAX = INBOX_LIMITS.urlCharsMax;

export const DOCUMENT_KINDS = ['activity', 'nodeinfo', 'list'] as const;
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

interface DocumentRules {
  readonly accept: string;
  readonly types: readonly string[];
  readonly bytesMax: number;
  /** From the request to the last byte of the document. */
  readonly deadlineMs: number;
  readonly redirectsMax: number;
}

export const DOCUMENTS: Readonly<Record<DocumentKind, DocumentRules>> = {
  activity: {
    accept: `application/activity+json, application/ld+json; profile="${ACTIVITY_PROFILE}"`,
    // A file that somebody uploaded to the peer comes with its own type; taking any JSON would make it an actor.
    types: ['application/activity+json', 'application/ld+json'],
    bytesMax: INBOX_LIMITS.keyBytesMax,
    deadlineMs: INBOX_LIMITS.keyMs,
    // A key speaks for the URL it was asked at, and for no other.
    redirectsMax: 0,
  },
  nodeinfo: {
    accept: 'application/json, application/jrd+json',
    types: ['application/json', 'application/jrd+json'],
    bytesMax: INBOX_LIMITS.nodeinfoBytesMax,
    deadlineMs: INBOX_LIMITS.nodeinfoMs,
    // A host speaks for itself.
    redirectsMax: 0,
  },
  list: {
    accept: 'text/csv, application/json, text/plain;q=0.9',
    types: ['text/csv', 'application/json', 'text/plain'],
    bytesMax: 4 * MiB,
    deadlineMs: 20_000,
    redirectsMax: 3,
  },
};

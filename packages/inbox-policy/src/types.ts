// What the parts of the inbox policy hand to each other. Everything here is a value: no clock, socket or logger.

import type { Code, InboxMode } from '@sekisho/contracts';

/** A refusal or a drop; whether it is one or the other is the status of its code (202: drop). */
export interface Denied {
  readonly ok: false;
  readonly code: Code;
  /** For the log of the administrator: which header, property or host. At most 200 characters, never content. */
  readonly detail: string;
}

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
/** Without prototype: keys are those of the body and nothing else. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** What is known of a request before its body. */
export interface RequestFacts {
  readonly method: string;
  /** As it came, undecoded, with its query. */
  readonly target: string;
  /** Flat: name, value, name, value, … as they came. */
  readonly rawHeaders: readonly string[];
}

export type SignatureScheme = 'cavage' | 'rfc9421';
export type SignatureAlgorithm = 'rsa-sha256' | 'rsa-sha512' | 'ed25519' | 'hs2019';

export interface ParsedSignature {
  readonly scheme: SignatureScheme;
  /** As it came: an https URL, with or without fragment. */
  readonly keyId: string;
  readonly keyHost: string;
  readonly algorithm: SignatureAlgorithm;
  /** Names of the covered headers or components, lower case, in their order. */
  readonly covered: readonly string[];
  /** base64 as it came. */
  readonly signature: string;
  /** What was signed: the text over which `signature` is checked. */
  readonly signingString: string;
}

/** A request whose head has passed. */
export interface InboxHead {
  readonly ok: true;
  readonly signature: ParsedSignature;
  /** SHA-256 that the body must have, 32 bytes. */
  readonly digest: Buffer;
  /** Of the signature, ms since the epoch. */
  readonly signedAtMs: number;
  /** Key under which a repeat of the same signed request is noticed; base64url SHA-256. */
  readonly replayKey: string;
}

export interface HeadRules {
  /** Host of the instance with its port, if any: what Host must be. */
  readonly host: string;
  /** `https://host`, for the target URI of RFC 9421. */
  readonly origin: string;
  readonly mode: InboxMode;
  readonly nowMs: number;
  readonly dateSkewS: number;
  readonly isPublicHost: (host: string) => boolean;
}

export type LdPolicy = 'strict' | 'reject' | 'pass';

export interface ActivityRules {
  /** Hosts that are ours, lower case: nothing from outside may claim to be from there. */
  readonly ownHosts: ReadonlySet<string>;
  /** Whether a host name (lower case, punycode) may be reached at all: no address, internal or single-label name. */
  readonly isPublicHost: (host: string) => boolean;
  readonly ldPolicy: LdPolicy;
  /** Actors that deliver for others. */
  readonly relays: ReadonlySet<string>;
  readonly nowMs: number;
}

/** A judged activity: what later checks, rules and the queue need of it. */
export interface ReadActivity {
  readonly ok: true;
  /** First type where there are several. */
  readonly type: string;
  readonly id: string;
  readonly actor: string;
  readonly actorHost: string;
  readonly objectType: string | undefined;
  /** Id of the object, where it has one. */
  readonly object: string | undefined;
  /** All hosts that the activity names in what Misskey reads, at most `hostsMax`. */
  readonly hosts: ReadonlySet<string>;
  /** Delivered by somebody else under a signature of its own. */
  readonly forwarded: boolean;
  readonly visibility: 'public' | 'unlisted' | 'followers' | 'direct' | 'unknown';
  readonly value: JsonObject;
}

// What the inbox of the gateway is made of: the state of one request on its way through the checks, and the parts that
// have a life of their own behind ports, so that each check can be tried alone.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Code, InboxDecision } from '@sekisho/contracts';
import type { ActivityRules, Denied, HeadRules, InboxHead, JsonObject, ReadActivity, RequestFacts } from '@sekisho/inbox-policy';
import type { LateFacts } from '@sekisho/inbox-policy/rules';
import type { HeldCharge } from '../limits/budget.ts';
import type { ClientIdentity } from '../media/types.ts';
import type { Place } from './places.ts';

/** A refusal with what only some of them know: how long the sender should wait. */
export interface InboxDenied extends Denied {
  readonly retryAfterS?: number;
}

/** One request from its arrival to its line in the log. */
export interface Visit {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly facts: RequestFacts;
  readonly requestId: string;
  readonly client: ClientIdentity;
  /** Monotonic. */
  readonly arrivedMs: number;
  readonly nowMs: number;
  /** Of this process on the request, waits not counted. */
  cpuMs: number;
  /** Flat list for Misskey. */
  forwardHeaders: string[];
  head: InboxHead | undefined;
  body: Buffer | undefined;
  /** As the activity calls itself, until it is read. */
  claimed: Claimed | undefined;
  activity: ReadActivity | undefined;
  /** The signature was checked with the sender's key. */
  verified: boolean;
  place: Place | undefined;
  charge: HeldCharge | undefined;
  /** Of the host and the actor, once they are known. */
  senderCharge: HeldCharge | undefined;
  mark: Mark | undefined;
  /** Rule that decided. */
  rule: string | undefined;
  /** Rules whose conditions held, also those without effect. */
  hits: readonly string[];
  /** Where a rule asked for them. */
  late: LateFacts;
  /** What would have been refused in another mode than `observe`. */
  observed: InboxDenied | undefined;
  readonly timings: Timings;
  /** The client left before it had an answer. */
  gone: boolean;
}

/** Waits, ms. */
export interface Timings {
  readMs?: number;
  verifyMs?: number;
  deliverMs?: number;
}

/** Id, actor and type of a body before anything about them is checked. */
export interface Claimed {
  readonly type: string | undefined;
  readonly id: string | undefined;
  readonly actor: string | undefined;
}

/** Mark of a signature under work; exactly one of both ends it. */
export interface Mark {
  done(): Promise<void>;
  release(): Promise<void>;
}
export type Claim = { readonly kind: 'free'; readonly mark: Mark } | { readonly kind: 'pending' | 'done' | 'away' };
export interface Marks {
  claim(replayKey: string): Promise<Claim>;
}

/** Judgement by the rules file, as it is now. */
export interface RulesPort {
  /** Block and allow lists, for who sends the activity and for who made what is in it. */
  checkHosts(value: JsonObject, keyHost: string): Denied | undefined;
  judge(activity: ReadActivity, about: RuleFacts): Promise<RuleVerdict> | RuleVerdict;
  /** After an activity was taken, for ages since the first. */
  saw(activity: ReadActivity): void;
}
export interface RuleFacts {
  readonly rawHeaders: readonly string[];
  readonly keyHost: string;
  readonly client: ClientIdentity;
  readonly nowMs: number;
  /** The signature was checked with the sender's key. */
  readonly verified: boolean;
}
export interface RuleVerdict {
  /** `limit`: the budget of the rule is spent. */
  readonly action: 'allow' | 'reject' | 'drop' | 'quarantine' | 'limit' | 'observe';
  readonly rule?: string | undefined;
  /** With `limit`. */
  readonly retryAfterS?: number | undefined;
  readonly late?: LateFacts;
  /** Ids of all rules whose conditions held, also those without effect. */
  readonly hits?: readonly string[];
}
/** Since an actor and its host were seen first, seconds; 0 for what was never seen. */
export interface Ages {
  readonly actorAgeS: number;
  readonly hostAgeS: number;
}

export type Verified = 'verified' | 'gone' | 'away' | Denied;
export interface VerifyPort {
  /** @param client who sends, for the budget of key fetches */
  verify(head: InboxHead, activity: ReadActivity, deadlineMs: number, client: string): Promise<Verified>;
}

export interface AudiencePort {
  /** Notes whom a post is for, and drops it where it was for fewer. Only for senders whose signature was checked. */
  check(activity: ReadActivity): Promise<Denied | undefined>;
}

export interface EnqueuePort {
  /** Rejects with SEKISHO_INBOX_QUEUE_AWAY where Redis did not take the job. */
  add(activity: ReadActivity, head: InboxHead): Promise<'queued'>;
}

/** The pure checks; a port, so that tests may break each of them. */
export interface PolicyPort {
  readHead(facts: RequestFacts, rules: HeadRules): InboxHead | Denied;
  checkDigest(head: InboxHead, bytes: Uint8Array): Denied | undefined;
  parseStrictJson(bytes: Uint8Array): { readonly ok: true; readonly value: JsonObject } | Denied;
  readActivity(value: JsonObject, signer: { readonly keyId: string; readonly keyHost: string }, rules: ActivityRules): ReadActivity | Denied;
}

/** What Misskey answered, or that it did not. */
export type Delivery =
  | { readonly kind: 'answer'; readonly status: number; readonly headers: string[]; readonly body: Buffer }
  | { readonly kind: 'queued' }
  | { readonly kind: 'fault'; readonly code: Code };

/** How a request ended, for the line, the audit and the metrics. */
export interface End {
  readonly decision: InboxDecision;
  readonly status: number;
  /** Why it was refused or dropped, or would have been; undefined where it passed all checks. */
  readonly code: Code | undefined;
  readonly detail?: string | undefined;
  /** The client left or was cut off. */
  readonly aborted?: boolean;
}

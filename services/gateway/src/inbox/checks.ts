// The checks behind the body, in the order of the check table: cheap before dear, and the first refusal is the answer. Each
// is a step that fills in what later ones need.

import { INBOX_LIMITS, type InboxMode } from '@sekisho/contracts';
import type { ActivityRules, InboxHead, JsonObject, ReadActivity } from '@sekisho/inbox-policy';
import type { Clock } from '@sekisho/runtime';
import type { Budget } from '../limits/budget.ts';
import { deny } from './deny.ts';
import { claimOf } from './claim.ts';
import { chargeSender } from './senders.ts';
import type { AudiencePort, InboxDenied, Marks, PolicyPort, RulesPort, VerifyPort, Visit } from './types.ts';

export interface CheckDeps {
  readonly mode: InboxMode;
  readonly policy: PolicyPort;
  readonly marks: Marks;
  readonly rules: RulesPort;
  /** undefined: the signature is left to Misskey. */
  readonly verify: VerifyPort | undefined;
  readonly whenKeyAway: 'pass' | 'retry';
  /** undefined where no signature is checked. */
  readonly audience: AudiencePort | undefined;
  readonly activityRules: (nowMs: number) => ActivityRules;
  readonly budget: Pick<Budget, 'holdNamed'>;
  readonly clock: Clock;
}

interface Step {
  readonly visit: Visit;
  readonly head: InboxHead;
  readonly body: Buffer;
}

/** Checks 13 to 29. Rejects only by a defect. */
export async function checkBody(deps: CheckDeps, step: Step): Promise<InboxDenied | undefined> {
  const { visit, head, body } = step;
  const parsed = onCpu(visit, deps, () => deps.policy.checkDigest(head, body) ?? deps.policy.parseStrictJson(body));
  if (!parsed.ok) return parsed;
  visit.claimed = claimOf(parsed.value);
  const repeated = await claimMark(deps, step);
  if (repeated !== undefined) return repeated;
  const activity = onCpu(visit, deps, () => readActivity(deps, step, parsed.value));
  if (!activity.ok) return activity;
  visit.activity = activity;
  return checkRoute(deps, head, activity) ?? await checkSender(deps, step, activity) ?? await checkAudience(deps, visit, activity) ?? await checkRules(deps, step, activity);
}

/** Counts what a pure step takes. */
export function onCpu<T>(visit: Visit, { clock }: Pick<CheckDeps, 'clock'>, work: () => T): T {
  const beganMs = clock.monotonicMs();
  try {
    return work();
  } finally {
    visit.cpuMs += clock.monotonicMs() - beganMs;
  }
}

/** 15. */
async function claimMark({ marks }: CheckDeps, { visit, head }: Step): Promise<InboxDenied | undefined> {
  const claim = await marks.claim(head.replayKey);
  switch (claim.kind) {
    case 'free':
      visit.mark = claim.mark;
      return undefined;
    case 'away':
      return undefined;
    case 'pending':
      return deny('SEKISHO_INBOX_PENDING', 'the same signature is under work');
    case 'done':
      return deny('SEKISHO_INBOX_REPLAY', 'the same signature was accepted');
  }
}

/** 16 to 26. */
function readActivity(deps: CheckDeps, { visit, head }: Step, value: JsonObject): ReadActivity | InboxDenied {
  const { keyId, keyHost } = head.signature;
  return deps.rules.checkHosts(value, keyHost) ?? deps.policy.readActivity(value, { keyId, keyHost }, deps.activityRules(visit.nowMs));
}

/** What only the mode `enqueue` can bring to Misskey, it cannot bring for somebody else. */
function checkRoute({ mode }: CheckDeps, head: InboxHead, activity: ReadActivity): InboxDenied | undefined {
  if (mode !== 'enqueue' || !activity.forwarded || head.signature.scheme === 'cavage') return undefined;
  return deny('SEKISHO_INBOX_RFC9421', 'delivered for somebody else, which only the older scheme brings to Misskey');
}

/** 27 and 28. */
async function checkSender(deps: CheckDeps, step: Step, activity: ReadActivity): Promise<InboxDenied | undefined> {
  const { visit, head, body } = step;
  if (deps.verify !== undefined) {
    const beganMs = deps.clock.monotonicMs();
    const outcome = await deps.verify.verify(head, activity, INBOX_LIMITS.keyMs, visit.client.key);
    visit.timings.verifyMs = deps.clock.monotonicMs() - beganMs;
    if (outcome === 'gone') return goneKey(activity);
    if (outcome === 'away' && deps.whenKeyAway === 'retry') return deny('SEKISHO_INBOX_KEY_AWAY', head.signature.keyHost);
    if (typeof outcome === 'object') return outcome;
    visit.verified = outcome === 'verified';
  }
  const { keyHost } = head.signature;
  const charge = chargeSender(deps.budget, { client: visit.client, keyHost, activity, verified: visit.verified, bytes: body.length });
  if (!charge.ok) return charge;
  visit.senderCharge = charge;
  return undefined;
}

/** An actor that deletes itself takes its key along; Misskey could check it no better. */
const goneKey = (activity: ReadActivity): InboxDenied =>
  activity.type === 'Delete' ? deny('SEKISHO_INBOX_KEY_GONE', activity.actorHost) : deny('SEKISHO_INBOX_KEY_REFUSED', 'the key is gone');

/** Behind 28: what it keeps in Redis, the sender has paid for. */
async function checkAudience({ audience }: CheckDeps, { verified }: Visit, activity: ReadActivity): Promise<InboxDenied | undefined> {
  // The key of a relay says nothing about the author.
  return verified && !activity.forwarded ? await audience?.check(activity) : undefined;
}

const BY_ACTION = {
  reject: 'SEKISHO_INBOX_RULE',
  drop: 'SEKISHO_INBOX_RULE_DROP',
  quarantine: 'SEKISHO_INBOX_RULE_QUARANTINE',
  limit: 'SEKISHO_INBOX_RULE_LIMIT',
} as const;

/** 29. */
async function checkRules(deps: CheckDeps, { visit, head }: Step, activity: ReadActivity): Promise<InboxDenied | undefined> {
  const about = { rawHeaders: visit.facts.rawHeaders, keyHost: head.signature.keyHost, client: visit.client, nowMs: visit.nowMs, verified: visit.verified };
  const { action, rule, retryAfterS, late = {}, hits = [] } = await deps.rules.judge(activity, about);
  visit.rule = rule;
  visit.hits = hits;
  visit.late = late;
  if (action === 'allow' || action === 'observe') return undefined;
  return deny(BY_ACTION[action], `rule ${rule ?? ''}`, retryAfterS === undefined ? {} : { retryAfterS });
}

/** Refused in every mode: Misskey would never answer, or would read another message than was judged. */
const ALWAYS: ReadonlySet<string> = new Set([
  'SEKISHO_INBOX_PATH', 'SEKISHO_INBOX_MEDIA_TYPE', 'SEKISHO_INBOX_CONTENT_ENCODING', 'SEKISHO_INBOX_TOO_LARGE', 'SEKISHO_INBOX_HEADERS',
  'SEKISHO_INBOX_BODY_TIMEOUT', 'SEKISHO_INBOX_DISPLACED',
]);

/** Whether the mode `observe` only notes the refusal. */
export const isObservable = ({ code }: InboxDenied): boolean => !ALWAYS.has(code);

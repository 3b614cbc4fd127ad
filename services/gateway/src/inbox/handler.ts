// POST of an inbox, from its arrival to its line in the log. The order is that of the check table: route, client, head,
// body, activity, sender, rules, Misskey. What fails by a defect is refused with 503, and the sender tries again; only the
// mode `observe` lets it pass.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { CODES, type Code, INBOX_LIMITS, type InboxDecision, isSekishoError } from '@sekisho/contracts';
import { type HeadRules, type InboxHead, inboxRoute } from '@sekisho/inbox-policy';
import { TICK_MS, inboxPrice } from '@sekisho/limiter';
import type { Logger } from '@sekisho/runtime';
import type { Identify } from '../client/identity.ts';
import type { Budget } from '../limits/budget.ts';
import { requestIdOf } from '../media/respond.ts';
import { readRequestHead } from '../passthrough/head.ts';
import { type Accepted, outcomeOf, sendDelivery, sendDenied } from './answer.ts';
import type { Captures } from './captures.ts';
import { type CheckDeps, checkBody, isObservable, onCpu } from './checks.ts';
import { deny } from './deny.ts';
import type { Forward } from './forward.ts';
import { type PlaceLimits, Places } from './places.ts';
import { type BodyLimits, readBody } from './read-body.ts';
import type { Delivery, End, EnqueuePort, InboxDenied, Visit } from './types.ts';
import { Work } from './work.ts';

export interface InboxDeps extends CheckDeps {
  readonly budget: Budget;
  readonly identify: Identify;
  readonly headRules: (nowMs: number) => HeadRules;
  readonly forward: Pick<Forward, 'deliver'>;
  /** undefined in the other modes. */
  readonly enqueue: EnqueuePort | undefined;
  readonly captures: Pick<Captures, 'quarantine'>;
  readonly accepted: Accepted;
  /** As the public URL says it, for X-Forwarded-Proto and -Host. */
  readonly publicUrl: URL;
  /** Hears of each end, once; writes the line, the audit and the metrics. */
  readonly onEnd: (visit: Visit, end: End) => void;
  readonly onMisskey: (up: boolean) => void;
  readonly log: Logger;
  readonly limits?: Partial<BodyLimits & PlaceLimits>;
}

export interface InboxHandler {
  /** Answers what is posted to an inbox; false for everything else. */
  handle(req: IncomingMessage, res: ServerResponse): boolean;
  /** Requests under work. */
  readonly active: number;
  /** Resolves when they have ended. */
  settled(): Promise<void>;
}

export function createInboxHandler(deps: InboxDeps): InboxHandler {
  const { bytesMax = INBOX_LIMITS.bodyBytesMax, timeMs = INBOX_LIMITS.bodyMs } = deps.limits ?? {};
  const places = new Places(deps.limits);
  const receiving = { ...deps, places, bodyLimits: { bytesMax, timeMs } };
  const work = new Work();
  return {
    handle: (req, res) => {
      const route = inboxRoute(req.url ?? '');
      if (route === 'none' || (route === 'inbox' && req.method !== 'POST')) return false;
      const visit = arrive(deps, req, res);
      const over = deps.budget.tick(visit.client, 'inbox', TICK_MS);
      if (over !== undefined) refuse(deps, visit, deny(over.code, 'the client', over));
      else if (route === 'refused') refuse(deps, visit, deny('SEKISHO_INBOX_PATH', 'not the canonical path'));
      else work.add(receive(receiving, visit));
      return true;
    },
    get active() {
      return work.active;
    },
    settled: () => work.settled(),
  };
}

interface Receiving extends InboxDeps {
  readonly places: Places;
  readonly bodyLimits: BodyLimits;
}

function arrive(deps: InboxDeps, req: IncomingMessage, res: ServerResponse): Visit {
  const visit: Visit = {
    req, res,
    facts: { method: req.method ?? '', target: req.url ?? '', rawHeaders: req.rawHeaders },
    requestId: requestIdOf(req.headers['x-request-id']),
    client: deps.identify(req.socket.remoteAddress, req.headers['x-forwarded-for']),
    arrivedMs: deps.clock.monotonicMs(),
    nowMs: deps.clock.now(),
    cpuMs: 0, forwardHeaders: [], head: undefined, body: undefined, claimed: undefined, activity: undefined, verified: false,
    place: undefined, charge: undefined, senderCharge: undefined, mark: undefined, rule: undefined, hits: [], late: {}, observed: undefined, timings: {}, gone: false,
  };
  res.once('close', () => {
    visit.gone = !res.writableFinished;
  });
  return visit;
}

/** Never rejects. */
async function receive(deps: Receiving, visit: Visit): Promise<void> {
  try {
    const denied = checkHead(deps, visit) ?? admit(deps, visit) ?? await judge(deps, visit);
    if (denied === 'gone' || visit.gone) await leave(deps, visit);
    else if (denied === undefined) await deliver(deps, visit);
    else await stop(deps, visit, denied);
  } catch (error) {
    deps.log.error({ err: error, request_id: visit.requestId }, 'inbox request failed');
    await stop(deps, visit, faultOf(error)).catch(() => visit.res.destroy());
  } finally {
    if (visit.place !== undefined) deps.places.leave(visit.place);
    // Who left pays all, and whatever went wrong: nothing stays held.
    pay(visit, 'full');
  }
}

/** 4 to 12, and the head that Misskey gets. */
function checkHead(deps: Receiving, visit: Visit): InboxDenied | undefined {
  const head = onCpu(visit, deps, () => deps.policy.readHead(visit.facts, deps.headRules(visit.nowMs)));
  if (!head.ok && !mayObserve(deps, head)) return head;
  if (head.ok) visit.head = head;
  else visit.observed = head;
  return buildHead(deps, visit, visit.head);
}

const mayObserve = ({ mode }: Receiving, denied: InboxDenied): boolean => mode === 'observe' && isObservable(denied);

function buildHead(deps: Receiving, visit: Visit, head: InboxHead | undefined): InboxDenied | undefined {
  const { req, client, requestId } = visit;
  const facts = { method: visit.facts.method, url: visit.facts.target, httpVersion: req.httpVersion, rawHeaders: visit.facts.rawHeaders };
  const forwarding = { clientAddress: client.address, requestId, proto: deps.publicUrl.protocol.slice(0, -1), publicHost: deps.publicUrl.host };
  const signed = new Set(head?.signature.covered);
  const built = readRequestHead(facts, forwarding, signed);
  if (!built.ok) return deny(built.code, built.detail);
  visit.forwardHeaders = built.headers;
  const lost = lostHeader(built.headers, signed);
  if (lost === undefined || deps.mode === 'enqueue') return undefined;
  const denied = deny('SEKISHO_INBOX_SIGNED_HEADERS', `${lost} is signed and cannot be passed on`);
  if (!mayObserve(deps, denied)) return denied;
  visit.observed = denied;
  return undefined;
}

/** A signed header that belongs to one hop, or says who the client is: Misskey would not get it. */
function lostHeader(headers: readonly string[], signed: ReadonlySet<string>): string | undefined {
  const there = new Set(headers.map((part, at) => (at % 2 === 0 ? part.toLowerCase() : '')));
  return [...signed].find((name) => /^[a-z]/.test(name) && !there.has(name));
}

/** The dearer part of 1: the price of the body, before it is read; and a place to read it in. */
function admit(deps: Receiving, visit: Visit): InboxDenied | undefined {
  const place = deps.places.take(visit.client);
  if (!place.ok) return place;
  visit.place = place;
  const declared = visit.req.headers['content-length'];
  const price = inboxPrice(declared === undefined ? deps.bodyLimits.bytesMax : Number(declared));
  const held = deps.budget.hold(visit.client, 'inbox', 'inbox', price);
  if (!held.ok) return deny(held.code, 'the client', held);
  visit.charge = held;
  return undefined;
}

/** 6 and 13 to 29. `gone`: nobody is there to be answered. */
async function judge(deps: Receiving, visit: Visit): Promise<InboxDenied | 'gone' | undefined> {
  const beganMs = deps.clock.monotonicMs();
  const read = await readBody(visit.req, deps.bodyLimits, (onTaken) => deps.places.offer(visit, onTaken));
  visit.timings.readMs = deps.clock.monotonicMs() - beganMs;
  if (read.kind === 'gone') return 'gone';
  if (read.kind === 'denied') return read.denied;
  visit.body = read.bytes;
  if (visit.head === undefined) return undefined;
  const denied = await judgeBody(deps, visit, { head: visit.head, body: read.bytes });
  if (denied === undefined || !mayObserve(deps, denied)) return denied;
  visit.observed = denied;
  return undefined;
}

async function judgeBody(deps: Receiving, visit: Visit, { head, body }: { readonly head: InboxHead; readonly body: Buffer }): Promise<InboxDenied | undefined> {
  try {
    return await checkBody(deps, { visit, head, body });
  } catch (error) {
    deps.log.error({ err: error, request_id: visit.requestId }, 'inbox checks failed');
    return faultOf(error);
  }
}

const faultOf = (error: unknown): InboxDenied => deny('SEKISHO_INBOX_FAULT', isSekishoError(error) ? error.code : 'a defect');

/** 30. From here on the client may leave: what Misskey takes is taken. */
async function deliver(deps: Receiving, visit: Visit): Promise<void> {
  const beganMs = deps.clock.monotonicMs();
  const delivery = await bring(deps, visit);
  visit.timings.deliverMs = deps.clock.monotonicMs() - beganMs;
  const outcome = outcomeOf(delivery);
  if (delivery.kind !== 'queued') deps.onMisskey(outcome.kind !== 'fault');
  pay(visit, outcome.kind === 'refused' ? 'full' : 'used');
  if (outcome.kind === 'taken') remember(deps, visit);
  // Before the answer: a sender that misses it and comes again must find it done.
  await (outcome.kind === 'taken' ? visit.mark?.done() : visit.mark?.release());
  const status = isAnswerable(visit) ? sendDelivery(visit, delivery, deps.accepted) : 0;
  const faulty = outcome.kind === 'fault';
  deps.onEnd(visit, { decision: faulty ? 'deny' : 'allow', status, code: faulty ? outcome.code : visit.observed?.code, detail: visit.observed?.detail, aborted: visit.gone });
}

function remember({ rules }: Receiving, { activity, observed }: Visit): void {
  if (activity !== undefined && observed === undefined) rules.saw(activity);
}

const isAnswerable = ({ res }: Visit): boolean => !res.headersSent && !res.destroyed;

async function bring(deps: Receiving, visit: Visit): Promise<Delivery> {
  const { head, activity, body = Buffer.alloc(0), facts, forwardHeaders: headers, requestId } = visit;
  if (deps.enqueue !== undefined && head !== undefined && activity !== undefined && !activity.forwarded) {
    try {
      return { kind: await deps.enqueue.add(activity, head) };
    } catch (error) {
      deps.log.warn({ err: error, request_id: requestId }, 'job not queued');
      return { kind: 'fault', code: isSekishoError(error) ? error.code : 'SEKISHO_INBOX_QUEUE_AWAY' };
    }
  }
  return await deps.forward.deliver({ target: facts.target, headers, body, requestId });
}

/** Refused, dropped or kept back after something was held. */
async function stop(deps: Receiving, visit: Visit, reason: InboxDenied): Promise<void> {
  const isKept = reason.code !== 'SEKISHO_INBOX_RULE_QUARANTINE' || (await deps.captures.quarantine(visit));
  const denied = isKept ? reason : deny('SEKISHO_REDIS_AWAY', 'what a rule keeps back could not be kept');
  await visit.mark?.release();
  pay(visit, isOurs(denied) ? 'used' : 'full');
  refuse(deps, visit, denied);
}

/** What held its place until others needed it pays for that: coming again at once would otherwise be free. */
const isOurs = ({ code }: InboxDenied): boolean => CODES[code].status === 503 && code !== 'SEKISHO_INBOX_DISPLACED';

async function leave(deps: Receiving, visit: Visit): Promise<void> {
  await visit.mark?.release();
  deps.onEnd(visit, { decision: 'deny', status: 0, code: 'SEKISHO_ABORTED', aborted: true });
}

/** Answers, where there is still somebody, and tells what became of the request. */
function refuse(deps: InboxDeps, visit: Visit, denied: InboxDenied): void {
  const status = isAnswerable(visit) ? sendDenied(visit, denied, deps.accepted) : 0;
  deps.onEnd(visit, { decision: decisionOf(denied.code), status, code: denied.code, detail: denied.detail, aborted: visit.gone });
}

function decisionOf(code: Code): InboxDecision {
  if (code === 'SEKISHO_INBOX_RULE_QUARANTINE') return 'quarantine';
  return CODES[code].status === 202 ? 'drop' : 'deny';
}

/** `full`: what makes work for nothing pays its whole price; `used`: an accepted activity, and a fault of ours, the CPU it took. */
function pay({ charge, senderCharge, cpuMs }: Visit, what: 'full' | 'used'): void {
  // The tick at arrival is a part of what it took.
  const usedMs = Math.max(0, cpuMs - TICK_MS);
  charge?.settle(what === 'full' ? charge.costMs : usedMs);
  senderCharge?.settle(what === 'full' ? senderCharge.costMs : cpuMs);
}

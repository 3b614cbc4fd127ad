// The pure checks of the inbox in their order, as the gateway runs them, without a gateway.

import { CODES, type Code, INBOX_LIMITS } from '@sekisho/contracts';
import { type Denied, type ReadActivity, checkDigest, inboxRoute, parseStrictJson, readActivity, readHead } from '@sekisho/inbox-policy';
import { checkHostName } from '@sekisho/netguard';
import { ATTACK_HOSTS, type ActivityCase, type Delivery, type ExactRequest, corpusFolder, deliver, legitimateActivities, readActivityCases } from '@sekisho/testkit';

export const SELF = ATTACK_HOSTS.self;
export const VICTIM = ATTACK_HOSTS.victim;

export const isPublicHost = (host: string): boolean => checkHostName(host).ok;

export function judgeRequest(request: ExactRequest, nowMs = Date.now()): ReadActivity | Denied {
  const { method, target, headers, body, chunked } = request;
  const route = inboxRoute(target);
  if (route !== 'inbox') return { ok: false, code: 'SEKISHO_INBOX_PATH', detail: route };
  const rawHeaders = [...headers.filter(([name]) => chunked !== true || name.toLowerCase() !== 'content-length'), ...(chunked === true ? [['Transfer-Encoding', 'chunked'] as const] : [])].flat();
  const head = readHead({ method, target, rawHeaders }, { host: SELF, origin: `https://${SELF}`, mode: 'enforce', nowMs, dateSkewS: INBOX_LIMITS.dateSkewS, isPublicHost });
  if (!head.ok) return head;
  if (body.length > INBOX_LIMITS.bodyBytesMax) return { ok: false, code: 'SEKISHO_INBOX_TOO_LARGE', detail: '' };
  const digest = checkDigest(head, body);
  if (digest !== undefined) return digest;
  const parsed = parseStrictJson(body);
  if (!parsed.ok) return parsed;
  return readActivity(parsed.value, head.signature, { ownHosts: new Set([SELF]), isPublicHost, ldPolicy: 'strict', relays: new Set(), nowMs });
}

export const statusOf = (code: Code): number => CODES[code].status;

const CORPUS: readonly ActivityCase[] = readActivityCases();
export const hasCorpus = corpusFolder() !== undefined;

/** The legitimate documents of the corpus as they are delivered, and our own. */
export function legitimateDeliveries(): readonly Delivery[] {
  return [...ownDeliveries(), ...CORPUS.filter(({ expected }) => expected === 'legit').map((one) => deliver(one, { self: SELF }))];
}

export function ownDeliveries(): readonly Delivery[] {
  const peer = ATTACK_HOSTS.peer;
  const actor = `https://${peer}/users/alice`;
  return Object.entries(legitimateActivities({ self: SELF, peer, third: ATTACK_HOSTS.victim })).map(([name, activity]) => ({
    id: `own.${name}`, activity, actor, actorHost: peer, keyId: `${actor}#main-key`, body: Buffer.from(JSON.stringify(activity)),
  }));
}

export const corpusCases = (): readonly ActivityCase[] => CORPUS;

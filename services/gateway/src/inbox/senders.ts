// Check 28: what one host and one actor may send. Only a host whose signature was checked spends a budget of its own name;
// a claim spends one that belongs to the claimant's network, or anybody could spend a stranger's budget with noise.

import type { ReadActivity } from '@sekisho/inbox-policy';
import { inboxPrice } from '@sekisho/limiter';
import type { Budget } from '../limits/budget.ts';
import type { ClientIdentity } from '../media/types.ts';
import { deny } from './deny.ts';
import type { InboxDenied } from './types.ts';

/** A host holds the budgets of so many actors, as a network does of clients. */
const HOST_FACTOR = 4;
const CODES = ['SEKISHO_INBOX_LIMIT_DOMAIN', 'SEKISHO_INBOX_LIMIT_ACTOR'] as const;

export interface Sender {
  readonly client: ClientIdentity;
  readonly keyHost: string;
  readonly activity: ReadActivity;
  readonly verified: boolean;
  readonly bytes: number;
}

export function chargeSender(budget: Pick<Budget, 'tickNamed'>, sender: Sender): InboxDenied | undefined {
  const { client, keyHost, activity, verified, bytes } = sender;
  const host = verified ? { name: `domain:${keyHost}`, factor: HOST_FACTOR } : { name: `claim:${client.net} ${keyHost}`, factor: HOST_FACTOR };
  // The key of a relay says nothing about the actors whose activities it delivers.
  const isActorKnown = verified && !activity.forwarded;
  const actor = { name: isActorKnown ? `actor:${activity.actor}` : `claim:${client.net} ${activity.actor}`, factor: 1 };
  const over = budget.tickNamed('inbox', [host, actor], inboxPrice(bytes));
  if (over === undefined) return undefined;
  const code = CODES[over.index] ?? 'SEKISHO_INBOX_LIMIT_DOMAIN';
  return deny(code, over.index === 0 ? keyHost : 'the actor', { retryAfterS: over.retryAfterS });
}

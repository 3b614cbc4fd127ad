// Check 28: what one host and one actor may send. Only a host whose signature was checked spends a budget of its own name;
// a claim spends one that belongs to the claimant's network, or anybody could spend a stranger's budget with noise.

import type { ReadActivity } from '@sekisho/inbox-policy';
import { inboxPrice } from '@sekisho/limiter';
import type { Budget, HeldCharge } from '../limits/budget.ts';
import type { ClientIdentity } from '../media/types.ts';
import { deny } from './deny.ts';
import type { InboxDenied } from './types.ts';

/** A host holds the budgets of so many actors, as a network does of clients. */
const HOST_FACTOR = 4;
const CODES = ['SEKISHO_INBOX_LIMIT_DOMAIN', 'SEKISHO_INBOX_LIMIT_ACTOR'] as const;

export interface Claimant {
  readonly client: ClientIdentity;
  readonly keyHost: string;
  readonly activity: ReadActivity;
  /** The signature was checked with the sender's key. */
  readonly verified: boolean;
}
export interface Sender extends Claimant {
  readonly bytes: number;
}

/** Names under which a host and an actor pay, also in the budgets of rules. */
export function payingNames({ client, keyHost, activity, verified }: Claimant): { readonly host: string; readonly actor: string } {
  return {
    host: verified ? `domain:${keyHost}` : `claim:${client.net} ${keyHost}`,
    // The key of a relay says nothing about the actors whose activities it delivers.
    actor: verified && !activity.forwarded ? `actor:${activity.actor}` : `claim:${client.net} ${activity.actor}`,
  };
}

/** Holds the price of the body; who is charged what it took settles it. */
export function chargeSender(budget: Pick<Budget, 'holdNamed'>, sender: Sender): HeldCharge | InboxDenied {
  const names = payingNames(sender);
  const held = budget.holdNamed('inbox', [{ name: names.host, factor: HOST_FACTOR }, { name: names.actor, factor: 1 }], inboxPrice(sender.bytes));
  if (held.ok) return held;
  const code = CODES[held.index] ?? 'SEKISHO_INBOX_LIMIT_DOMAIN';
  return deny(code, held.index === 0 ? sender.keyHost : 'the actor', { retryAfterS: held.retryAfterS });
}

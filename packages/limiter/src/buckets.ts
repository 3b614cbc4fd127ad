// Which buckets a request pays from: its client's, its network's, and for uncached work that of its class.

import { hash } from 'node:crypto';
import type { BucketSpec } from './port.ts';

/** Parts of the instance with budgets of their own: a flood of pictures leaves the inbox alone. */
export const AREAS = ['media', 'inbox', 'pages'] as const;
export type Area = (typeof AREAS)[number];

/** Classes of uncached work, each with a budget of the whole instance. */
export const WORK_CLASSES = ['transform', 'stream', 'fetch', 'page', 'inbox'] as const;
export type WorkClass = (typeof WORK_CLASSES)[number];

export interface BudgetShape {
  /** Of one client in one area, ms of CPU: 200 emoji at their entry price and a reserve. */
  readonly capacityMs: number;
  /** Half a core per client and area. */
  readonly refillMsPerSecond: number;
  /** A network holds so many clients' budgets. */
  readonly netFactor: number;
  /** A class of uncached work holds so many clients' budgets. */
  readonly globalFactor: number;
}

export const BUDGET_SHAPE: BudgetShape = { capacityMs: 60_000, refillMsPerSecond: 500, netFactor: 4, globalFactor: 8 };

export interface Payer {
  /** IPv4 address or IPv6 /64. */
  readonly clientKey: string;
  /** IPv4 /24 or IPv6 /48. */
  readonly netKey: string;
  readonly area: Area;
  /** Uncached work only; what is cheap is never shed for all. */
  readonly class?: WorkClass;
}

/** Client, network and, with a class, the class: in this order, so that an index tells whose budget is spent. */
export function bucketsOf(payer: Payer, shape: BudgetShape = BUDGET_SHAPE): readonly BucketSpec[] {
  const buckets = [
    bucket(`${payer.area}:ip:${keyPart(payer.clientKey)}`, shape, 1),
    bucket(`${payer.area}:net:${keyPart(payer.netKey)}`, shape, shape.netFactor),
  ];
  if (payer.class !== undefined) buckets.push(bucket(`all:${payer.class}`, shape, shape.globalFactor));
  return buckets;
}

export interface Named {
  /** Any text; it is hashed where it is no plain name. */
  readonly name: string;
  /** Clients' budgets that it holds. */
  readonly factor: number;
}

/** Bucket of something that is no client: a sending host, an actor. Never that of a client, a network or a class. */
export const namedBucket = (area: Area, { name, factor }: Named, shape: BudgetShape = BUDGET_SHAPE): BucketSpec =>
  bucket(`${area}:name:${keyPart(name)}`, shape, factor);

export interface RuleBudget {
  readonly rule: string;
  /** Any text, as of other names. */
  readonly name: string;
  readonly perMinute: number;
  /** At once. */
  readonly burst: number;
}

/** Bucket of a rule of the administrator, apart from all others: its unit is not a millisecond but one request. */
export const ruleBucket = (area: Area, { rule, name, perMinute, burst }: RuleBudget): BucketSpec => ({
  key: `${area}:rule:${keyPart(rule)}:${keyPart(name)}`,
  capacityMs: burst,
  refillMsPerSecond: perMinute / SECONDS_PER_MINUTE,
});

const SECONDS_PER_MINUTE = 60;

const bucket = (key: string, shape: BudgetShape, factor: number): BucketSpec => ({
  key,
  capacityMs: shape.capacityMs * factor,
  refillMsPerSecond: shape.refillMsPerSecond * factor,
});

const PLAIN = /^[0-9a-z.:/]{1,64}$/;

/** An address stays readable; anything else becomes its hash, so that no text chooses or splits a key. */
function keyPart(text: string): string {
  return PLAIN.test(text) ? text : `#${hash('sha256', text, 'base64url').slice(0, 22)}`;
}

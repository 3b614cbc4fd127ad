// What a client may cost: the limiter in the words of the gateway. A refusal names whose budget is spent.

import {
  type Area,
  BUDGET_SHAPE,
  type BatchedMeter,
  type BucketSpec,
  type BudgetShape,
  type FallbackLimiter,
  type Hold,
  type Named,
  type Repriced,
  type RuleBudget,
  bucketsOf,
  namedBucket,
  refundOf,
  ruleBucket,
} from '@sekisho/limiter';
import type { ClientIdentity } from '../media/types.ts';

/** Clients whose bucket names are kept ready, a few hundred bytes each. */
const PAYERS_MAX = 10_000;
const CODES_BY_BUCKET = ['SEKISHO_LIMIT_CLIENT', 'SEKISHO_LIMIT_NET', 'SEKISHO_LIMIT_GLOBAL'] as const;

export type BudgetCode = (typeof CODES_BY_BUCKET)[number] | 'SEKISHO_REDIS_AWAY';
/** Uncached work; `transform` waits for Redis, everything else goes on without it. */
export type BudgetWork = 'transform' | 'stream' | 'fetch' | 'page' | 'inbox';

export interface Refused {
  readonly ok: false;
  readonly code: BudgetCode;
  readonly retryAfterS: number;
}

export type Opened = { readonly ok: true; readonly charge: BudgetCharge } | Refused;

export interface NamedRefused {
  /** Of the name without room. */
  readonly index: number;
  readonly retryAfterS: number;
}

export interface Budget {
  /** Pays a price-1 outcome without a round trip; the refusal when there is no room. */
  tick(client: ClientIdentity, area: Area, price: number): Refused | undefined;
  /** Holds the price of uncached work of a few ms until it is settled, without a round trip. */
  hold(client: ClientIdentity, area: Area, work: BudgetWork, costMs: number): HeldCharge | Refused;
  /** Holds a price in the buckets of all names or of none; at most four different names. */
  holdNamed(area: Area, names: readonly Named[], costMs: number): HeldCharge | (NamedRefused & { readonly ok: false });
  /** Pays one request at once in the buckets of all rules or of none; at most four different ones. */
  tickRules(area: Area, budgets: readonly RuleBudget[]): NamedRefused | undefined;
  /** Holds the price of uncached work until it is settled. */
  open(client: ClientIdentity, area: Area, work: BudgetWork, costMs: number): Promise<Opened>;
}

/** What this process holds by itself. */
export interface HeldCharge extends Pick<Hold, 'ok' | 'costMs'> {
  /** Pays what was used, once. */
  settle(usedMs: number): void;
}

export interface BudgetCharge {
  /** What is held now, ms of CPU. */
  readonly costMs: number;
  /**
   * `refused`: no room, the price stays as it was. `gone`: the charge is not held any more. A Redis that does not answer in
   * time stops nobody: the charge stays held, and what the work takes beyond it is debited, as for any work under way.
   */
  reprice(costMs: number): Promise<Repriced>;
  /** Pays what was used, once. */
  settle(usedMs: number): Promise<void>;
}

/** For the metrics; amounts in ms of CPU. */
export interface BudgetHooks {
  charged(area: Area, costMs: number): void;
  refunded(area: Area, costMs: number): void;
  /** Used above the charge. */
  debited(area: Area, costMs: number): void;
  denied(area: Area, code: BudgetCode): void;
}

export interface BudgetOptions {
  readonly limiter: FallbackLimiter;
  readonly meter: BatchedMeter;
  /** Of rules: their buckets fill for minutes, so made-up names could take a shared table from everybody else. */
  readonly ruleMeter: BatchedMeter;
  readonly hooks?: BudgetHooks;
  /** Asked for with each price, so that a change holds at once. */
  readonly shape?: () => BudgetShape;
}

const NO_HOOKS: BudgetHooks = { charged: () => undefined, refunded: () => undefined, debited: () => undefined, denied: () => undefined };

export function createBudget(options: BudgetOptions): Budget {
  const { limiter, meter, ruleMeter } = options;
  const hooks = options.hooks ?? NO_HOOKS;
  const shape = options.shape ?? (() => BUDGET_SHAPE);
  const buckets = createBuckets(shape);
  const refuse = (area: Area, bucket: number, retryAfterMs: number): Refused => {
    const code = CODES_BY_BUCKET[bucket] ?? 'SEKISHO_REDIS_AWAY';
    hooks.denied(area, code);
    return { ok: false, code, retryAfterS: secondsOf(retryAfterMs) };
  };
  return {
    tick: (client, area, price) => {
      const taken = meter.tick(buckets({ client, area }), price);
      if (!taken.ok) return refuse(area, taken.bucket, taken.retryAfterMs);
      hooks.charged(area, price);
      return undefined;
    },
    hold: (client, area, work, costMs) => {
      const held = meter.hold(buckets({ client, area, work }), costMs);
      if (!held.ok) return refuse(area, held.bucket, held.retryAfterMs);
      hooks.charged(area, costMs);
      return { ok: true, costMs: held.costMs, settle: (usedMs) => settleHeld(hooks, area, held, usedMs) };
    },
    // No hook hears of these: what is counted is what clients pay, and each of these has paid as a client.
    holdNamed: (area, names, costMs) => {
      const held = meter.hold(names.map((name) => namedBucket(area, name, shape())), costMs);
      return held.ok ? held : { ok: false, index: held.bucket, retryAfterS: secondsOf(held.retryAfterMs) };
    },
    tickRules: (area, budgets) => {
      const taken = ruleMeter.tick(budgets.map((rule) => ruleBucket(area, rule)), 1);
      return taken.ok ? undefined : { index: taken.bucket, retryAfterS: secondsOf(taken.retryAfterMs) };
    },
    open: async (client, area, work, costMs) => {
      const payers = bucketsOf({ clientKey: client.key, netKey: client.net, area, class: work }, shape());
      const whenDown = work === 'transform' ? 'closed' : 'local';
      const verdict = await limiter.charge(payers, costMs, { whenDown });
      if (!verdict.ok) return refuse(area, verdict.bucket, verdict.retryAfterMs);
      hooks.charged(area, costMs);
      return { ok: true, charge: new Charge({ limiter, hooks, area, id: verdict.id }, costMs) };
    },
  };
}

const secondsOf = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

interface ChargeParts {
  readonly limiter: FallbackLimiter;
  readonly hooks: BudgetHooks;
  readonly area: Area;
  readonly id: string;
}

class Charge implements BudgetCharge {
  readonly #parts: ChargeParts;
  #costMs: number;
  #settled: Promise<void> | undefined;

  constructor(parts: ChargeParts, costMs: number) {
    this.#parts = parts;
    this.#costMs = costMs;
  }

  get costMs(): number {
    return this.#costMs;
  }

  async reprice(costMs: number): Promise<Repriced> {
    const { limiter, hooks, area, id } = this.#parts;
    if (this.#settled !== undefined) return 'gone';
    const done = await limiter.reprice(id, costMs);
    if (done === 'unanswered') return 'ok';
    if (done === 'refused') hooks.denied(area, 'SEKISHO_LIMIT_CLIENT');
    if (done !== 'ok') return done;
    const more = costMs - this.#costMs;
    if (more > 0) hooks.charged(area, more);
    else hooks.refunded(area, -more);
    this.#costMs = costMs;
    return 'ok';
  }

  settle(usedMs: number): Promise<void> {
    this.#settled ??= this.#settle(usedMs);
    return this.#settled;
  }

  async #settle(usedMs: number): Promise<void> {
    const { limiter, hooks, area, id } = this.#parts;
    if ((await limiter.settle(id, usedMs)) !== 'first') return;
    countSettled(hooks, area, refundOf(this.#costMs, usedMs));
  }
}

function settleHeld(hooks: BudgetHooks, area: Area, held: Hold, usedMs: number): void {
  if (held.settle(usedMs) === 'first') countSettled(hooks, area, refundOf(held.costMs, usedMs));
}

function countSettled(hooks: BudgetHooks, area: Area, refundMs: number): void {
  if (refundMs > 0) hooks.refunded(area, refundMs);
  else if (refundMs < 0) hooks.debited(area, -refundMs);
}

/** Buckets of cheap outcomes, made once per client: a cached hit is answered 12,000 times a second. */
function createBuckets(shape: () => BudgetShape): (payer: { readonly client: ClientIdentity; readonly area: Area; readonly work?: BudgetWork }) => readonly BucketSpec[] {
  const known = new Map<string, readonly BucketSpec[]>();
  let made = shape();
  return ({ client, area, work }) => {
    const now = shape();
    if (now !== made) known.clear();
    made = now;
    const name = `${area} ${work ?? ''} ${client.key}`;
    const kept = known.get(name);
    if (kept !== undefined) return kept;
    const buckets = bucketsOf({ clientKey: client.key, netKey: client.net, area, ...(work === undefined ? {} : { class: work }) }, now);
    const oldest = known.size >= PAYERS_MAX ? known.keys().next().value : undefined;
    if (oldest !== undefined) known.delete(oldest);
    known.set(name, buckets);
    return buckets;
  };
}

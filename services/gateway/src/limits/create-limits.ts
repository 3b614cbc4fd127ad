// The gateway's limiter as one piece: Redis with breaker, buckets of the process, meter, budget.

import {
  BatchedMeter,
  type BudgetShape,
  Guard,
  type GuardOptions,
  MemoryLimiter,
  RedisLimiter,
  createFallbackLimiter,
} from '@sekisho/limiter';
import type { Redis } from 'ioredis';
import { type Budget, type BudgetHooks, createBudget } from './budget.ts';

export interface LimitsOptions {
  /** State Redis; without an offline queue an outage is seen at once, with one after the deadline. */
  readonly redis: Redis;
  readonly hooks?: BudgetHooks;
  readonly shape?: () => BudgetShape;
  /** `onState` hears of the breaker, for `sekisho_dependency_up`. */
  readonly guard?: GuardOptions;
}

export interface Limits {
  readonly budget: Budget;
  readonly guard: Guard;
  /** Carries what is counted to Redis; call it before the connection closes. */
  close(): Promise<void>;
}

export function createLimits(options: LimitsOptions): Limits {
  const guard = new Guard(options.guard);
  const local = new MemoryLimiter();
  const redis = new RedisLimiter({ redis: options.redis });
  const meter = new BatchedMeter({ port: redis, guard, local });
  const ruleMeter = new BatchedMeter({ port: redis, guard, local: new MemoryLimiter() });
  const limiter = createFallbackLimiter({ redis, local, guard });
  const budget = createBudget({
    limiter,
    meter,
    ruleMeter,
    ...(options.hooks === undefined ? {} : { hooks: options.hooks }),
    ...(options.shape === undefined ? {} : { shape: options.shape }),
  });
  return { budget, guard, close: async () => void (await Promise.all([meter.close(), ruleMeter.close()])) };
}

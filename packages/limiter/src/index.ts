// Refund limiter: charge → reprice → settle, in Redis or in the process.
export * from './buckets.ts';
export * from './fallback.ts';
export * from './guard.ts';
export { MemoryLimiter, type MemoryLimiterOptions, type TakeVerdict } from './memory.ts';
export * from './meter.ts';
export {
  BUCKETS_MAX,
  type BucketSpec,
  CHARGE_TTL_MS,
  type ChargeVerdict,
  DEBIT_MAX_MS,
  type Debit,
  type DebitPort,
  type RefundLimiter,
  type Repriced,
  type Settled,
  refundOf,
} from './port.ts';
export * from './prices.ts';
export * from './redis.ts';

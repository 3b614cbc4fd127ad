// Purging: a moderator takes a URL or a whole host out of every cache, in every mode, in every replica.

import { stateKeys } from '@sekisho/contracts';
import type { Redis } from 'ioredis';
import { hostHashOf, urlHashOf } from '../cache/entry.ts';
import { cacheScript, integers } from '../cache/script.ts';
import { encodePurge } from './message.ts';

/** Keys per call: a few milliseconds of Redis. */
const BATCH = 500;
const BATCHES_MAX = 1_000;
/** Longer than any fetch, line and decode together. */
const MARK_TTL_MS = 600_000;

const purgeScript = cacheScript('drop', 'purge');

export interface PurgeOrder {
  /** Canonical URLs. */
  readonly urls: readonly string[];
  /** Host names as in canonical URLs; not the names below them. */
  readonly hosts: readonly string[];
}
export interface PurgeReport {
  /** Cached answers dropped from Redis, over all modes. */
  readonly entries: number;
  readonly bytes: number;
  /** Descriptions of streams dropped. */
  readonly streams: number;
  /** Gateway processes that were told. */
  readonly gateways: number;
}

/** Drops everything of the order from Redis and tells all gateways. Fails when Redis cannot be reached. */
export async function purge(redis: Redis, order: PurgeOrder): Promise<PurgeReport> {
  const hashes = [...order.urls.map(urlHashOf), ...order.hosts.map(hostHashOf)];
  if (hashes.length === 0) return { entries: 0, bytes: 0, streams: 0, gateways: 0 };
  let report = { entries: 0, bytes: 0, streams: 0 };
  for (const hash of hashes) report = add(report, await purgeListed(redis, hash));
  const gateways = await redis.publish(stateKeys.purge, encodePurge(hashes));
  return { ...report, gateways };
}

type Dropped = Omit<PurgeReport, 'gateways'>;
const add = (a: Dropped, b: Dropped): Dropped => ({ entries: a.entries + b.entries, bytes: a.bytes + b.bytes, streams: a.streams + b.streams });

async function purgeListed(redis: Redis, hash: string): Promise<Dropped> {
  const keys = [
    stateKeys.cacheIndex(hash), stateKeys.cacheUse, stateKeys.cacheExpiry, stateKeys.cacheSizes, stateKeys.cacheBytes, stateKeys.cachePurged(hash),
  ];
  const args = [BATCH, MARK_TTL_MS, stateKeys.cache(''), stateKeys.cacheIndex(''), stateKeys.stream('')];
  let report: Dropped = { entries: 0, bytes: 0, streams: 0 };
  for (let batch = 0; batch < BATCHES_MAX; batch++) {
    const [listed = 0, entries = 0, bytes = 0, streams = 0] = integers(await purgeScript(redis, keys, args));
    report = add(report, { entries, bytes, streams });
    if (listed === 0) break;
  }
  return report;
}

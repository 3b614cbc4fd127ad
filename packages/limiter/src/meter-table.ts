// The buckets that a meter counts for, a bounded number.

import { type Bucket, type BucketSpec, checkBucket } from './port.ts';

const KEYS_MAX = 50_000;
/** Old keys looked at when the table is full: bounds what a flood of new keys costs per request. */
const PROBES_MAX = 64;

export interface Entry {
  spec: BucketSpec;
  bucket: Bucket;
  /** As far as this process knows. */
  tatUs: number;
  /** Counted and not yet carried to Redis. */
  pendingMs: number;
  /** Of open holds; it does not drain. */
  heldMs: number;
  /** Goes with the next flush. */
  isDirty: boolean;
}

const isAlike = (one: BucketSpec, other: BucketSpec): boolean => one.capacityMs === other.capacityMs && one.refillMsPerSecond === other.refillMsPerSecond;

export class MeterTable {
  readonly #entries = new Map<string, Entry>();
  readonly #keysMax: number;

  constructor(keysMax = KEYS_MAX) {
    this.#keysMax = keysMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** undefined: the table is full of buckets that are in use. */
  get(spec: BucketSpec, nowUs: number): Entry | undefined {
    const known = this.#entries.get(spec.key);
    if (known !== undefined) {
      if (known.spec !== spec && !isAlike(known.spec, spec)) Object.assign(known, { spec, bucket: checkBucket(spec) });
      return known;
    }
    if (!this.#makeRoom(nowUs)) return undefined;
    const entry = { spec, bucket: checkBucket(spec), tatUs: 0, pendingMs: 0, heldMs: 0, isDirty: false };
    this.#entries.set(spec.key, entry);
    return entry;
  }

  /** Drops drained keys, oldest first; the others go to the back, so that calls in a row see all of them. */
  #makeRoom(nowUs: number): boolean {
    let probes = 0;
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size < this.#keysMax || probes >= PROBES_MAX) break;
      probes += 1;
      this.#entries.delete(key);
      if (entry.tatUs > nowUs || entry.heldMs > 0 || entry.isDirty) this.#entries.set(key, entry);
    }
    return this.#entries.size < this.#keysMax;
  }
}

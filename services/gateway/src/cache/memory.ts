// The cache's first tier: least recently used out first, within a byte budget that counts the overhead of an entry too,
// so that a million empty answers cannot exceed it.

import type { CacheEntry, StoredEntry } from './entry.ts';

/** Measured order of size of one entry's objects, map slots and index slots. */
const ENTRY_OVERHEAD_BYTES = 1_024;
/** One picture must not empty the whole cache. */
const ENTRY_SHARE = 8;

export interface MemoryStats {
  readonly entries: number;
  readonly bytes: number;
}

interface Slot extends StoredEntry {
  readonly bytes: number;
}

const sizeOf = (entry: CacheEntry): number => ENTRY_OVERHEAD_BYTES + (entry.kind === 'picture' ? entry.body.length : 0);

export class MemoryCache {
  readonly #budgetBytes: number;
  readonly #slots = new Map<string, Slot>();
  /** Keys by index hash, of URLs and hosts alike: the hashes of both never collide. */
  readonly #listed = new Map<string, Set<string>>();
  #bytes = 0;

  /** @param budgetBytes 0 keeps nothing. */
  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes;
  }

  get stats(): MemoryStats {
    return { entries: this.#slots.size, bytes: this.#bytes };
  }

  /** The entry, which becomes the most recently used. */
  get(key: string, nowMs: number): CacheEntry | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    if (slot.expiresAtMs <= nowMs) {
      this.delete(key);
      return undefined;
    }
    this.#slots.delete(key);
    this.#slots.set(key, slot);
    return slot.entry;
  }

  /** False when the entry is larger than its share. */
  set(key: string, stored: StoredEntry): boolean {
    this.delete(key);
    const bytes = sizeOf(stored.entry);
    if (bytes > this.#budgetBytes / ENTRY_SHARE) return false;
    this.#slots.set(key, { ...stored, bytes });
    this.#bytes += bytes;
    for (const hash of [stored.urlHash, stored.hostHash]) this.#list(hash, key);
    this.#evict();
    return true;
  }

  delete(key: string): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    this.#slots.delete(key);
    this.#bytes -= slot.bytes;
    for (const hash of [slot.urlHash, slot.hostHash]) this.#unlist(hash, key);
  }

  /** Drops everything listed under a hash of a URL or host; how many that were. */
  deleteListed(hash: string): number {
    const keys = [...(this.#listed.get(hash) ?? [])];
    for (const key of keys) this.delete(key);
    return keys.length;
  }

  clear(): void {
    this.#slots.clear();
    this.#listed.clear();
    this.#bytes = 0;
  }

  #evict(): void {
    for (const key of this.#slots.keys()) {
      if (this.#bytes <= this.#budgetBytes) return;
      this.delete(key);
    }
  }

  #list(hash: string, key: string): void {
    const keys = this.#listed.get(hash);
    if (keys === undefined) this.#listed.set(hash, new Set([key]));
    else keys.add(key);
  }

  #unlist(hash: string, key: string): void {
    const keys = this.#listed.get(hash);
    if (keys?.delete(key) === true && keys.size === 0) this.#listed.delete(hash);
  }
}

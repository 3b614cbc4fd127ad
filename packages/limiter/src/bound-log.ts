// Bookkeeping of the bound: in any window, what was admitted is at most capacity + refill × time, and debts add at most
// the debit limit per charge that was open at the last admission. For tests only.

import assert from 'node:assert/strict';

interface Paid {
  readonly atUs: number;
  cost: number;
}

export interface BoundBucket {
  readonly capacityMs: number;
  readonly emissionUs: number;
}

export class BoundLog {
  readonly #paid: Paid[] = [];
  readonly #open = new Map<string, Paid[]>();
  readonly #buckets: readonly BoundBucket[];
  readonly #bornUs = new Map<string, number>();
  readonly #limits: { readonly debitMaxMs: number; readonly ttlUs: number };
  #openAtAdmission = 0;

  constructor(buckets: readonly BoundBucket[], limits: { readonly debitMaxMs: number; readonly ttlUs: number }) {
    this.#buckets = buckets;
    this.#limits = limits;
  }

  cost(id: string): number {
    return (this.#open.get(id) ?? []).reduce((sum, { cost }) => sum + cost, 0);
  }

  /** A charge, or what a new price adds to it. At this moment the bound holds without any debt. */
  admitted(id: string, atUs: number, cost: number): void {
    this.#pay(id, atUs, cost);
    this.#bornUs.set(id, atUs);
    const held = [...this.#open.keys()].filter((other) => atUs < (this.#bornUs.get(other) ?? 0) + this.#limits.ttlUs);
    this.#openAtAdmission = held.length;
    this.#check(atUs, 0);
    const open = held.reduce((sum, other) => sum + this.cost(other), 0);
    for (const { capacityMs } of this.#buckets) assert.ok(open <= capacityMs, 'open charges fit the capacity');
  }

  /** A refund, below 0 a debit. */
  changed(id: string, atUs: number, refund: number): void {
    this.#bornUs.set(id, atUs);
    if (refund < 0) this.#pay(id, atUs, -refund);
    let left = Math.max(0, refund);
    assert.ok(left <= this.cost(id), 'a refund never exceeds its charge');
    for (const paid of (this.#open.get(id) ?? []).toReversed()) {
      const part = Math.min(left, paid.cost);
      paid.cost -= part;
      left -= part;
    }
    this.#check(atUs, this.#limits.debitMaxMs * this.#openAtAdmission);
  }

  /** Settled or abandoned: what it paid stays paid. */
  ended(id: string): void {
    this.#open.delete(id);
  }

  #pay(id: string, atUs: number, cost: number): void {
    const paid = { atUs, cost };
    this.#paid.push(paid);
    this.#open.set(id, [...(this.#open.get(id) ?? []), paid]);
  }

  #check(nowUs: number, debt: number): void {
    for (const { capacityMs, emissionUs } of this.#buckets) {
      let sum = 0;
      for (const paid of this.#paid.toReversed()) {
        sum += paid.cost;
        const most = capacityMs + (nowUs - paid.atUs) / emissionUs + debt;
        assert.ok(sum <= most + 0.01, `${sum} paid in a window that admits ${most}`);
      }
    }
  }
}

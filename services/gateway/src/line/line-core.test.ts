import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { type Entry, type LineLimits, createLineCore } from './line-core.ts';

const LIMITS: LineLimits = {
  runningMax: 3,
  clientRunningMax: 2,
  entriesMax: 5,
  entriesTotalMax: 12,
  clientsMax: 4,
  waitMs: 1_000,
  headWaitMs: 300,
};

const op = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('enter' as const), pick: fc.nat(5) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('end' as const), pick: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), pick: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('time' as const), pick: fc.nat(400) }) },
);

/** What an observer knows, kept apart from the code under test. */
class Model {
  waiting: Entry[] = [];
  running: Entry[] = [];
  ended = new Set<Entry>();
  /** Grants to others since a client could run without a break. */
  passes = new Map<string, Map<string, number>>();
  readonly limits: LineLimits;

  constructor(limits: LineLimits) {
    this.limits = limits;
  }

  of(list: readonly Entry[], client: string): number {
    return list.filter((entry) => entry.client === client).length;
  }
  ready(): string[] {
    const names = new Set(this.waiting.map((entry) => entry.client));
    return [...names].filter((name) => this.of(this.running, name) < this.limits.clientRunningMax);
  }
  sync(): void {
    const ready = this.ready();
    for (const name of this.passes.keys()) if (!ready.includes(name)) this.passes.delete(name);
    for (const name of ready) if (!this.passes.has(name)) this.passes.set(name, new Map());
  }
  granted(entry: Entry): void {
    expect(this.waiting.find((other) => other.client === entry.client)).toBe(entry);
    this.waiting = this.waiting.filter((other) => other !== entry);
    this.running.push(entry);
    this.passes.delete(entry.client);
    for (const [, counts] of this.passes) {
      const count = (counts.get(entry.client) ?? 0) + 1;
      expect(count).toBeLessThanOrEqual(1);
      counts.set(entry.client, count);
    }
    this.sync();
  }
  end(entry: Entry): void {
    this.waiting = this.waiting.filter((other) => other !== entry);
    this.running = this.running.filter((other) => other !== entry);
    this.ended.add(entry);
    this.sync();
  }
}

describe('line core', () => {
  it('holds its bounds, is fair and lets no slot idle, over random histories', () => {
    fc.assert(
      fc.property(fc.array(op, { maxLength: 120 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), (ops, runningMax, clientRunningMax) => {
        const limits = { ...LIMITS, runningMax, clientRunningMax };
        const core = createLineCore(limits);
        const model = new Model(limits);
        let now = 0;
        const grant = (): void => {
          for (const entry of core.grant(now)) model.granted(entry);
          expect(core.running).toBe(model.running.length);
          expect(core.waiting).toBe(model.waiting.length);
          expect(core.running).toBeLessThanOrEqual(runningMax);
          for (const entry of model.running) expect(model.of(model.running, entry.client)).toBeLessThanOrEqual(clientRunningMax);
          if (core.running < runningMax) expect(model.ready()).toEqual([]);
        };
        const end = (entry: Entry | undefined): void => {
          if (entry === undefined) return;
          core.end(entry, now);
          core.end(entry, now); // idempotent
          model.end(entry);
        };
        const enter = (client: string): void => {
          const own = model.of(model.waiting, client);
          const names = new Set([...model.waiting, ...model.running].map((entry) => entry.client));
          const entered = core.enter(client, now);
          const refused = model.waiting.length >= LIMITS.entriesTotalMax || (!names.has(client) && names.size >= LIMITS.clientsMax);
          if (own >= LIMITS.entriesMax) expect(entered).toEqual({ ok: false, code: 'SEKISHO_LIMIT_LINE' });
          else if (refused) expect(entered).toEqual({ ok: false, code: 'SEKISHO_LIMIT_QUEUE' });
          else expect(entered.ok).toBe(true);
          if (entered.ok) model.waiting.push(entered.entry);
          model.sync();
        };
        const expire = (ms: number): void => {
          now += ms;
          for (const { entry } of core.expire(now)) model.end(entry);
          for (const entry of model.waiting) expect(now - entry.enteredAtMs).toBeLessThanOrEqual(LIMITS.waitMs);
        };
        for (const { kind, pick } of ops) {
          if (kind === 'enter') enter(`c${pick}`);
          else if (kind === 'end') end(model.running[pick % (model.running.length || 1)]);
          else if (kind === 'leave') end(model.waiting[pick % (model.waiting.length || 1)]);
          else expire(pick);
          grant();
        }
        // Every entry ends: with no slot given back any more, all that wait are refused in time.
        expire(LIMITS.waitMs + 1);
        expect(core.waiting).toBe(0);
        for (const entry of model.running) end(entry);
        grant();
        expect({ running: core.running, waiting: core.waiting, clients: core.clients }).toEqual({ running: 0, waiting: 0, clients: 0 });
      }),
      { numRuns: 300 },
    );
  });

  it.each([1, 5])('serves two waiting clients in turn, however long their lines are (%d at once each)', (clientRunningMax) => {
    const core = createLineCore({ ...LIMITS, runningMax: 1, clientRunningMax, entriesMax: 400, entriesTotalMax: 900 });
    for (let i = 0; i < 100; i += 1) core.enter('big', 0);
    let [running] = core.grant(0);
    for (let i = 0; i < 20; i += 1) core.enter('small', 0);
    const served = { big: 0, small: 0 };
    for (let i = 0; i < 40; i += 1) {
      core.end(running!, 0);
      [running] = core.grant(0);
      served[running!.client as 'big' | 'small'] += 1;
      if (i < 39) expect(Math.abs(served.big - served.small)).toBeLessThanOrEqual(1);
    }
    expect(served).toEqual({ big: 20, small: 20 });
  });

  it.each([
    { waited: 300, codes: [] },
    { waited: 301, codes: ['SEKISHO_LIMIT_QUEUE'] },
  ])('refuses a head that could run and waited $waited ms', ({ waited, codes }) => {
    const core = createLineCore({ ...LIMITS, runningMax: 1 });
    core.enter('a', 0);
    core.grant(0);
    core.enter('b', 0);
    core.enter('b', 0);
    expect(core.expire(waited).map(({ code }) => code)).toEqual(codes);
  });

  it('does not count the wait behind a client\'s own entries as that of a head', () => {
    const core = createLineCore({ ...LIMITS, clientRunningMax: 1 });
    core.enter('a', 0);
    const [first] = core.grant(0);
    core.enter('a', 0);
    expect(core.expire(900)).toEqual([]);
    core.end(first!, 900);
    expect(core.grant(900)).toHaveLength(1);
  });

  it.each([
    { waited: 1_000, codes: [] },
    { waited: 1_001, codes: ['SEKISHO_LIMIT_LINE', 'SEKISHO_LIMIT_LINE'] },
  ])('refuses entries behind their own client after $waited ms', ({ waited, codes }) => {
    const core = createLineCore({ ...LIMITS, clientRunningMax: 1 });
    core.enter('a', 0);
    core.grant(0);
    core.enter('a', 0);
    core.enter('a', 0);
    core.enter('a', 500);
    expect(core.expire(waited).map(({ code }) => code)).toEqual(codes);
  });

  it('gives the next head its own full wait', () => {
    const core = createLineCore({ ...LIMITS, runningMax: 1 });
    core.enter('a', 0);
    core.grant(0);
    core.enter('b', 0);
    core.enter('b', 0);
    expect(core.expire(301)).toHaveLength(1);
    expect(core.expire(601)).toHaveLength(0);
    expect(core.expire(602)).toHaveLength(1);
  });
});

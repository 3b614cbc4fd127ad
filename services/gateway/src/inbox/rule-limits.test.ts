import { describe, expect, it } from '@jest/globals';
import type { ReadActivity } from '@sekisho/inbox-policy';
import type { Judgement, MetLimit } from '@sekisho/inbox-policy/rules';
import type { RuleBudget } from '@sekisho/limiter';
import { chargeLimits } from './rule-limits.ts';
import type { Claimant } from './senders.ts';

const activity: ReadActivity = {
  ok: true, type: 'Like', id: 'https://big.example/1', actor: 'https://big.example/u', actorHost: 'big.example', objectType: undefined, object: undefined,
  hosts: new Set(), forwarded: false, visibility: 'unknown', value: {},
};
const claimant = (over: Partial<Claimant> = {}): Claimant => ({
  client: { address: '203.0.113.9', key: '203.0.113.9', net: '203.0.113.0/24' }, keyHost: 'big.example', activity, verified: false, ...over,
});
const limit = (id: string, over: Partial<MetLimit> = {}): MetLimit => ({ id, dryRun: false, per: 'rule', perMinute: 30, burst: 60, hitsBefore: 0, ...over });
const hit = (id: string, dryRun = false) => ({ id, dryRun });

function charge(judgement: Judgement, spent: readonly string[] = [], who = claimant()) {
  const paid: RuleBudget[] = [];
  const calls: string[][] = [];
  const tickRules = (_area: string, budgets: readonly RuleBudget[]) => {
    calls.push(budgets.map(({ rule }) => rule));
    const index = budgets.findIndex(({ rule }) => spent.includes(rule));
    if (index !== -1) return { index, retryAfterS: 7 };
    paid.push(...budgets);
    return undefined;
  };
  return { ...chargeLimits({ tickRules }, judgement, who), paid, calls };
}
const nameOf = (per: MetLimit['per'], over: Partial<Claimant> = {}): string | undefined =>
  charge({ action: 'allow', hits: [], limits: [limit('r', { per })] }, [], claimant(over)).paid[0]?.name;

describe('chargeLimits()', () => {
  it('asks nothing without limits, and leaves the hits as they are', () => {
    expect(charge({ action: 'drop', rule: 'd', hits: [hit('d')] })).toEqual({ hits: [hit('d')], over: undefined, paid: [], calls: [] });
  });

  const JUDGED: Judgement = {
    action: 'reject', rule: 'ends', hits: [hit('looks'), hit('ends')],
    limits: [limit('l1'), limit('l2', { hitsBefore: 1 }), limit('tries', { hitsBefore: 1, dryRun: true }), limit('l3', { hitsBefore: 1 })],
  };

  it('pays at once what was met before a rule that decides, though that one refuses', () => {
    expect(charge(JUDGED)).toMatchObject({ hits: [hit('looks'), hit('ends')], over: undefined, calls: [['l1', 'l2', 'l3'], ['tries']] });
  });

  it.each([
    ['l1', [hit('l1')], [['l1', 'l2', 'l3']]],
    ['l2', [hit('looks'), hit('l2')], [['l1', 'l2', 'l3']]],
    ['l3', [hit('looks'), hit('l3')], [['l1', 'l2', 'l3'], ['tries']]],
  ])('decides by %s where that is spent: what stands behind it is no hit, and nothing is paid', (rule, hits, calls) => {
    expect(charge(JUDGED, [rule])).toMatchObject({ over: { rule, retryAfterS: 7 }, hits, calls });
    expect(charge(JUDGED, [rule]).paid.filter(({ rule: id }) => id !== 'tries')).toEqual([]);
  });

  it('counts a dry run only where it would have refused', () => {
    expect(charge(JUDGED, ['tries'])).toMatchObject({ hits: [hit('looks'), hit('tries', true), hit('ends')], over: undefined });
  });

  it('pays four at once, in order', () => {
    const limits = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => limit(id));
    expect(charge({ action: 'allow', hits: [], limits }).calls).toEqual([['a', 'b', 'c', 'd'], ['e', 'f']]);
    expect(charge({ action: 'allow', hits: [], limits }, ['b', 'e'])).toMatchObject({ over: { rule: 'b' }, calls: [['a', 'b', 'c', 'd']] });
    expect(charge({ action: 'allow', hits: [], limits }, ['f'])).toMatchObject({ over: { rule: 'f' } });
  });

  it('charges a claim to the network that makes it, never to the host or actor that is claimed', () => {
    const elsewhere = { client: { address: '198.51.100.7', key: '198.51.100.7', net: '198.51.100.0/24' } };
    for (const per of ['host', 'actor'] as const) {
      expect(nameOf(per)).toMatch(/^claim:203\.0\.113\.0\/24 /);
      expect(nameOf(per)).not.toBe(nameOf(per, elsewhere));
      // Checked signatures: whose they are, not where they come from.
      expect(nameOf(per, { verified: true })).toBe(nameOf(per, { verified: true, ...elsewhere }));
    }
    expect([nameOf('host', { verified: true }), nameOf('actor', { verified: true })]).toEqual(['domain:big.example', 'actor:https://big.example/u']);
    expect(nameOf('actor', { verified: true, activity: { ...activity, forwarded: true } })).toMatch(/^claim:/);
    expect([nameOf('client'), nameOf('client', elsewhere), nameOf('rule')]).toEqual(['203.0.113.9', '198.51.100.7', 'all']);
  });
});

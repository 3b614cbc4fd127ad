import { describe, expect, it } from '@jest/globals';
import type { ReadActivity } from '@sekisho/inbox-policy';
import { NO_HOST_LISTS, parseRulesFile } from '@sekisho/inbox-policy/rules';
import { createRulesPort } from './rules.ts';
import type { Ages } from './types.ts';

const activity = (type: string): ReadActivity => ({
  ok: true, type, id: 'https://p.example/1', actor: 'https://p.example/a', actorHost: 'p.example', objectType: undefined, object: undefined, hosts: new Set(), forwarded: false, visibility: 'unknown', value: { type },
});
const about = { rawHeaders: [], keyHost: 'p.example', client: { address: '203.0.113.9', key: '203.0.113.9', net: '203.0.113.0/24' }, nowMs: 0, verified: false };

function setUp(text: string, ages: Ages | 'away' = { actorAgeS: 0, hostAgeS: 0 }, spent: readonly string[] = []) {
  const { rules } = parseRulesFile(text);
  const calls: string[] = [];
  const port = createRulesPort({
    rules: () => ({ rules, lists: NO_HOST_LISTS }), localHosts: new Set(),
    lookUps: { firstSeen: async () => (calls.push('ages'), ages === 'away' ? undefined : ages), relationship: async () => undefined, software: async () => (calls.push('software'), { name: 'misskey', openSignup: true }) },
    saw: () => void calls.push('saw'), budget: { tickRules: (_area, [first]) => (calls.push(`pays ${first?.rule ?? ''}`), spent.includes(first?.rule ?? '') ? { index: 0, retryAfterS: 9 } : undefined) },
    onHit: ({ id, dryRun }) => void calls.push(`${id}${dryRun ? ' (dry)' : ''}`),
  });
  return { port, calls };
}
const NEW_LIKES = `rules:
  - { id: dry, dryRun: true, action: drop, when: { field: type, op: eq, value: Like } }
  - { id: new, action: reject, when: { all: [{ field: type, op: eq, value: Like }, { field: actor.ageSeconds, op: lte, value: 60 }] } }
`;

describe('createRulesPort()', () => {
  it('asks for ages only when a rule does, and counts each hit once', async () => {
    const { port, calls } = setUp(NEW_LIKES);
    expect(await port.judge(activity('Follow'), about)).toMatchObject({ action: 'allow', hits: [] });
    expect(calls).toEqual([]);
    expect(await port.judge(activity('Like'), about)).toMatchObject({ action: 'reject', rule: 'new', hits: ['dry', 'new'], late: { firstSeen: { actorAgeS: 0 } } });
    expect(calls).toEqual(['ages', 'dry (dry)', 'new']);
  });

  const OPEN_AND_NEW = `rules:
  - id: open-and-new
    action: reject
    when: { all: [{ field: software.openSignup, op: eq, value: true }, { field: actor.ageSeconds, op: lte, value: 60 }] }
`;

  it.each<[string, Ages | 'away', string[], string]>([
    ['an old actor', { actorAgeS: 86_400, hostAgeS: 0 }, ['ages'], 'allow'],
    // The control: where the cheap answer leaves it open, the dear one is asked for.
    ['a new actor', { actorAgeS: 5, hostAgeS: 0 }, ['ages', 'software', 'open-and-new'], 'reject'],
    ['an unknown actor', 'away', ['ages', 'software'], 'allow'],
  ])('asks no host about its software where the age decides, though the rule names that last: %s', async (_name, ages, asked, action) => {
    const { port, calls } = setUp(OPEN_AND_NEW, ages);
    expect((await port.judge(activity('Like'), about)).action).toBe(action);
    expect(calls).toEqual(asked);
  });

  it('asks nothing for a rule behind the one that decides', async () => {
    const decided = setUp(`rules:\n  - { id: all, action: drop, when: { field: type, op: eq, value: Like } }\n${OPEN_AND_NEW.slice('rules:\n'.length)}`);
    expect((await decided.port.judge(activity('Like'), about)).rule).toBe('all');
    expect(decided.calls).toEqual(['all']);
  });

  it('lets no rule act on an age that nobody knows', async () => {
    const { port } = setUp(NEW_LIKES, 'away');
    expect((await port.judge(activity('Like'), about)).action).toBe('allow');
  });

  it('answers with the limit that is spent, else with what the other rules say', async () => {
    const text = `rules:
  - { id: most, action: limit, limit: { perMinute: 1, per: actor }, when: { field: type, op: eq, value: Like } }
  - { id: ends, action: drop, when: { field: actor.ageSeconds, op: lte, value: 60 } }
`;
    const free = setUp(text);
    expect(await free.port.judge(activity('Like'), about)).toMatchObject({ action: 'drop', rule: 'ends', hits: ['ends'] });
    // Paid once, though it was judged before the ages were there too.
    expect(free.calls).toEqual(['ages', 'pays most', 'ends']);
    const spent = setUp(text, undefined, ['most']);
    expect(await spent.port.judge(activity('Like'), about)).toMatchObject({ action: 'limit', rule: 'most', retryAfterS: 9, hits: ['most'] });
    expect(spent.calls).toEqual(['ages', 'pays most', 'most']);
    expect(await spent.port.judge(activity('Follow'), about)).toMatchObject({ action: 'drop' });
  });

  it.each<[string, string, boolean]>([
    ['no rules', '', false],
    ['a rule about something else', 'rules:\n  - { id: x, action: drop, when: { field: type, op: eq, value: Like } }\n', false],
    ['an age behind another condition', NEW_LIKES, true],
    ['a set of ours about new accounts', 'builtin: [new-account-mentions]\n', true],
  ])('records what was taken for %s', (_name, text, isRecorded) => {
    const { port, calls } = setUp(text);
    port.saw(activity('Follow'));
    expect(calls).toEqual(isRecorded ? ['saw'] : []);
  });
});

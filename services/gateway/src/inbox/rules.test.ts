import { describe, expect, it } from '@jest/globals';
import type { ReadActivity } from '@sekisho/inbox-policy';
import { NO_HOST_LISTS, parseRulesFile } from '@sekisho/inbox-policy/rules';
import { createRulesPort } from './rules.ts';
import type { Ages } from './types.ts';

const activity = (type: string): ReadActivity => ({
  ok: true, type, id: 'https://p.example/1', actor: 'https://p.example/a', actorHost: 'p.example', objectType: undefined, object: undefined, hosts: new Set(), forwarded: false, visibility: 'unknown', value: { type },
});
const about = { rawHeaders: [], keyHost: 'p.example', client: { address: '203.0.113.9', key: '203.0.113.9', net: '203.0.113.0/24' }, nowMs: 0 };

function setUp(text: string, ages: Ages | 'away' = { actorAgeS: 0, hostAgeS: 0 }) {
  const { rules } = parseRulesFile(text);
  const calls: string[] = [];
  const port = createRulesPort({
    rules: () => ({ rules, lists: NO_HOST_LISTS }), localHosts: new Set(),
    lookUps: { firstSeen: async () => (calls.push('ages'), ages === 'away' ? undefined : ages) },
    saw: () => void calls.push('saw'),
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

  it('lets no rule act on an age that nobody knows', async () => {
    const { port } = setUp(NEW_LIKES, 'away');
    expect((await port.judge(activity('Like'), about)).action).toBe('allow');
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

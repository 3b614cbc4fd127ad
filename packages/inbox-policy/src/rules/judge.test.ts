import { describe, expect, it } from '@jest/globals';
import { BUILTIN_NAMES } from './builtin/names.ts';
import { parseRulesFile } from './file/parse.ts';
import type { CompiledRules } from './file/rules-file.ts';
import { type Judgement, judge } from './judge.ts';
import { createHostLists } from './lists/host-lists.ts';
import { NOW_MS, ORDINARY, SPAM, create, fieldsFor } from './testing/posts.ts';

/** As the design has it. */
const DESIGN = `rules:
  - id: mention-spam            # label of the metric, unique
    reason: unsolicited mentions of a new account
    action: drop                # reject (403) | drop (202, not forwarded) | observe
    dryRun: false               # true: count and log, never act
    expires: 2027-01-31         # optional
    when:
      all:                      # all | any | not, nested; or one comparison
        - { field: mentions.total, op: gte, value: 4 }
        - { field: reply, op: eq, value: false }
        - any:
            - { field: links.count, op: gte, value: 1 }
            - { field: attachments.count, op: gte, value: 1 }
        - { field: actor.username, op: regex, value: '^[a-z0-9]{10}$' }
lists:
  - id: blocked
    url: https://lists.example/blocked.csv   # or file: / hosts: [...]
    format: csv                              # csv | json | plain
`;

export const compile = (text: string): CompiledRules => {
  const { rules, lists, block, allow } = parseRulesFile(text);
  const inline = new Map(lists.flatMap(({ id, source }): [string, ReadonlySet<string>][] => (source.kind === 'hosts' ? [[id, source.hosts]] : [])));
  return { rules, lists: createHostLists({ block, allow, ownHosts: new Set(), inline }) };
};

const judgePost = (text: string, post = create(), nowMs = NOW_MS): Judgement => judge(compile(text), fieldsFor(post), nowMs);

/** A rule that is hit by every activity, unless told otherwise. */
const rule = (id: string, action: string, rest = ''): string =>
  `  - { id: ${id}, action: ${action}, ${rest === '' ? '' : `${rest}, `}when: { field: type, op: in, value: [Create, Follow] } }\n`;

describe('judge() with the rule of the design', () => {
  it.each(Object.entries(SPAM))('hits the wave of February 2024: %s', (_name, post) => {
    expect(judgePost(DESIGN, post)).toEqual({ action: 'drop', rule: 'mention-spam', hits: [{ id: 'mention-spam', dryRun: false }] });
    expect(judgePost('builtin: [spam-2024-02]', post)).toMatchObject({ action: 'drop', rule: 'builtin.spam-2024-02' });
  });

  it.each(Object.entries(ORDINARY))('leaves everyday activities alone: %s', (_name, post) => {
    expect(judgePost(DESIGN, post)).toMatchObject({ action: 'allow', hits: [] });
    expect(judgePost('builtin: [spam-2024-02]', post)).toMatchObject({ action: 'allow', hits: [] });
  });

  it('is off from the end of its last day', () => {
    const [spam] = Object.values(SPAM);
    expect(judgePost(DESIGN, spam, Date.parse('2027-01-31T23:59:59.999Z')).action).toBe('drop');
    expect(judgePost(DESIGN, spam, Date.parse('2027-02-01T00:00:00Z'))).toEqual({ action: 'allow', hits: [] });
  });
});

describe('judge()', () => {
  it('lets the first rule decide that acts; what only looks is counted', () => {
    const text = `rules:\n${rule('looks', 'observe')}${rule('tries', 'reject', 'dryRun: true')}${rule('keeps', 'quarantine')}${rule('late', 'reject')}`;
    expect(judgePost(text)).toEqual({
      action: 'quarantine', rule: 'keeps',
      hits: [{ id: 'looks', dryRun: false }, { id: 'tries', dryRun: true }, { id: 'keeps', dryRun: false }],
    });
  });

  it('says which rule observed when none acts', () => {
    expect(judgePost(`rules:\n${rule('tries', 'drop', 'dryRun: true')}${rule('looks', 'observe')}`)).toMatchObject({ action: 'observe', rule: 'looks' });
    expect(judgePost(`rules:\n${rule('tries', 'drop', 'dryRun: true')}`)).toEqual({ action: 'allow', hits: [{ id: 'tries', dryRun: true }] });
  });

  it('never acts on what it does not know, also not under not', () => {
    const age = '{ field: actor.ageSeconds, op: gte, value: 86400 }';
    const text = (when: string): string => `rules: [{ id: a, action: reject, when: ${when} }]`;
    for (const when of [age, `{ not: ${age} }`, `{ not: { not: ${age} } }`, `{ all: [{ field: reply, op: eq, value: false }, { not: ${age} }] }`, `{ any: [${age}] }`]) {
      expect(judgePost(text(when)).action).toBe('allow');
    }
    // What is known decides where it can.
    expect(judgePost(text(`{ any: [${age}, { field: reply, op: eq, value: false }] }`)).action).toBe('reject');
    expect(judgePost(text(`{ not: { all: [${age}, { field: reply, op: eq, value: true }] } }`)).action).toBe('reject');
    const young = fieldsFor(create(), { firstSeen: { actorAgeS: 60 } });
    expect(judge(compile(text(`{ not: ${age} }`)), young, NOW_MS).action).toBe('reject');
  });

  it('says whether more facts could change it', () => {
    const age = '{ field: actor.ageSeconds, op: lte, value: 60 }';
    const text = (when: string, rest = ''): string => `rules: [{ id: a, action: reject, when: ${when} }${rest}]`;
    const [holds, fails] = ['{ field: type, op: eq, value: Create }', '{ field: type, op: eq, value: Like }'];
    for (const when of [age, `{ not: ${age} }`, `{ all: [${age}, ${holds}] }`, `{ any: [${age}, ${fails}] }`]) expect(judgePost(text(when)).open).toBe(true);
    for (const when of [fails, `{ all: [${age}, ${fails}] }`, `{ any: [${age}, ${holds}] }`]) expect(judgePost(text(when)).open).toBeUndefined();
    // What stands behind the rule that decides does not matter; what stands before it does.
    expect(judgePost(text(holds, `, { id: b, action: drop, when: ${age} }`)).open).toBeUndefined();
    expect(judgePost(text(age, `, { id: b, action: drop, when: ${holds} }`))).toMatchObject({ action: 'drop', open: true });
  });

  it('asks lists as they are at the moment', () => {
    const rules = compile('rules: [{ id: a, action: reject, when: { field: actor.host, op: in, list: l } }]\nlists: [{ id: l, url: "https://lists.example/l" }]');
    const lists = createHostLists({ block: [], allow: [], ownHosts: new Set() });
    const action = (): string => judge({ rules: rules.rules, lists }, fieldsFor(create()), NOW_MS).action;
    expect(action()).toBe('allow');
    lists.set('l', new Set(['peer.example']));
    expect(action()).toBe('reject');
    lists.set('l', new Set());
    expect(action()).toBe('allow');
  });
});

describe('judge() with limits', () => {
  const limit = 'limit: { perMinute: 30, burst: 60, per: host }';
  const met = { perMinute: 30, burst: 60, per: 'host' };

  it('says which ones were met up to the rule that decides, and decides by the others', () => {
    const text = `rules:\n${rule('l1', 'limit', limit)}${rule('looks', 'observe')}${rule('l2', 'limit', `${limit}, dryRun: true`)}${rule('ends', 'reject')}${rule('l3', 'limit', limit)}`;
    expect(judgePost(text)).toEqual({
      action: 'reject', rule: 'ends', hits: [{ id: 'looks', dryRun: false }, { id: 'ends', dryRun: false }],
      limits: [{ id: 'l1', dryRun: false, ...met, hitsBefore: 0 }, { id: 'l2', dryRun: true, ...met, hitsBefore: 1 }],
    });
  });

  it('lets pass what meets nothing else, and knows no limit that is over or not met', () => {
    expect(judgePost(`rules:\n${rule('l', 'limit', limit)}`)).toMatchObject({ action: 'allow', hits: [], limits: [{ id: 'l' }] });
    expect(judgePost(`rules:\n${rule('l', 'limit', `${limit}, expires: 2020-01-01`)}`)).toEqual({ action: 'allow', hits: [] });
    expect(judgePost(`rules: [{ id: l, action: limit, ${limit}, when: { field: type, op: eq, value: Flag } }]`)).toEqual({ action: 'allow', hits: [] });
  });
});

describe('built-in rule sets', () => {
  it('are off until they are named, and take another action, a dry run and an end', () => {
    expect(parseRulesFile('').rules).toEqual([]);
    expect(parseRulesFile(`builtin: [${BUILTIN_NAMES.join(', ')}]`).rules.map(({ id }) => id)).toEqual(BUILTIN_NAMES.map((name) => `builtin.${name}`));
    const [set] = parseRulesFile('builtin: [{ id: hellthread, action: observe, dryRun: true, expires: 2027-01-01T00:00:00Z }]').rules;
    expect(set).toMatchObject({ id: 'builtin.hellthread', action: 'observe', dryRun: true, expiresMs: Date.UTC(2027, 0, 1), line: undefined });
  });

  it.each([
    ['new-account-mentions', 86_400, 'quarantine'], ['new-account-mentions', 86_401, 'allow'], ['new-account-mentions', undefined, 'allow'],
  ])('%s with an account seen %p seconds ago: %s', (name, actorAgeS, action) => {
    expect(judge(compile(`builtin: [${name}]`), fieldsFor(SPAM['link']!, { firstSeen: { actorAgeS } }), NOW_MS).action).toBe(action);
  });

  it('new-account-direct looks at direct messages only', () => {
    const action = (visibility: 'direct' | 'public'): string =>
      judge(compile('builtin: [new-account-direct]'), fieldsFor(SPAM['link']!, { firstSeen: { actorAgeS: 1 } }, { visibility }), NOW_MS).action;
    expect([action('direct'), action('public')]).toEqual(['quarantine', 'allow']);
  });
});

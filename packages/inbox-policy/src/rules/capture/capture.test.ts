import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../types.ts';
import { parseRulesFile } from '../file/parse.ts';
import { createHostLists } from '../lists/host-lists.ts';
import { NOW_MS, ORDINARY, SPAM, facts, readAs } from '../testing/posts.ts';
import { type Capture, type CaptureInput, createCapture, parseCapture, replayable } from './capture.ts';
import { type Replay, createReplayer } from './replay.ts';

const capture = (value: JsonObject, over: Partial<CaptureInput> = {}, visibility: 'public' | 'direct' = 'public'): Capture => createCapture({
  arrivedMs: NOW_MS, target: '/inbox', rawHeaders: [...facts().requestHeaders, 'Signature', 'keyId="x"', 'cookie', 'a=b'], keyHost: 'social.peer.example', client: '203.0.113.7',
  late: { firstSeen: { actorAgeS: 60 } }, activity: readAs(value, { visibility }), verdict: { decision: 'allow' }, ...over,
});
const lineOf = (...args: Parameters<typeof capture>): string => JSON.stringify(capture(...args));

describe('createCapture()', () => {
  it('survives the way to a file, without what would sign in as somebody', () => {
    const parsed = parseCapture(lineOf(SPAM['both']!));
    expect(parsed).toEqual({ ok: true, capture: capture(SPAM['both']!) });
    const text = JSON.stringify(parsed);
    for (const secret of ['keyId', 'a=b']) expect(text).not.toContain(secret);
    expect(text).toContain('Mastodon/4.3.0');
  });

  it('leaves out what is not public, unless it was kept back', () => {
    const spam = SPAM['both']!;
    expect(JSON.stringify(capture(spam))).toContain('chat.spam.example');
    const direct = capture(spam, {}, 'direct');
    expect(direct.complete).toBe(false);
    expect(JSON.stringify(direct)).not.toContain('chat.spam.example');
    // Mentions are addresses, not contents.
    expect(JSON.stringify(direct)).toContain('@ann@one.peer.example');
    const kept = capture(spam, { body: Buffer.from('{}') }, 'direct');
    expect([kept.complete, kept.body]).toEqual([true, 'e30=']);
  });

  it('leaves out every form of a text', () => {
    const secret = 'secret words';
    const note = {
      content: secret, contentMap: { en: secret }, summary: secret, name: secret, source: { content: secret, mediaType: 'text/x.misskeymarkdown' }, _misskey_content: secret,
      attachment: [{ type: 'Document', name: secret, url: 'https://a.example/1' }], oneOf: [{ type: 'Note', name: secret }],
    };
    expect(JSON.stringify(capture({ ...SPAM['link']!, object: { ...note, object: note } }, {}, 'direct'))).not.toContain(secret);
  });

  it('replays as it was judged', () => {
    const replay = replayable(capture(SPAM['both']!));
    expect(replay?.activity).toEqual(readAs(SPAM['both']!));
    expect(replay?.facts).toMatchObject({ keyHost: 'social.peer.example', clientNet: '203.0.113.7', firstSeen: { actorAgeS: 60 }, nowMs: NOW_MS, redacted: false, localHosts: new Set(['misskey.origin.example']) });
    expect(replayable(capture(SPAM['both']!, { activity: undefined }))).toBeUndefined();
  });

  it('carries what was looked up', () => {
    const late = { firstSeen: { actorAgeS: 1, hostAgeS: 2 }, relationship: { followedHere: true, followsHere: false }, software: { name: 'misskey', version: '2026.3.2', openSignup: true, users: 3, captcha: false, emailRequired: undefined } };
    const parsed = parseCapture(lineOf(SPAM['link']!, { late }));
    expect(parsed.ok && replayable(parsed.capture)?.facts).toMatchObject({ ...late, software: { name: 'misskey', version: '2026.3.2', openSignup: true, users: 3, captcha: false } });
    const without = parseCapture(lineOf(SPAM['link']!, { late: {} }));
    expect(without.ok && replayable(without.capture)?.facts.software).toBeUndefined();
  });

  it.each([
    ['', 'not JSON'], ['{}', 'v: '], ['[]', ''], [lineOf(SPAM['link']!).replace('"v":1', '"v":2'), 'v: '], [lineOf(SPAM['link']!).replace('"allow"', '"maybe"'), 'verdict.decision: '], ['x'.repeat(600_000), 'longer than'],
  ])('refuses %#', (line, detail) => {
    expect(parseCapture(line)).toEqual({ ok: false, detail: expect.stringContaining(detail) });
  });
});

describe('createReplayer()', () => {
  const replay = (text: string, lines: readonly string[]): Replay => {
    const { rules, block, allow, lists } = parseRulesFile(text);
    const inline = new Map(lists.flatMap(({ id, source }): [string, ReadonlySet<string>][] => (source.kind === 'hosts' ? [[id, source.hosts]] : [])));
    const replayer = createReplayer({ rules, lists: createHostLists({ block, allow, ownHosts: new Set(), inline }) });
    for (const line of lines) replayer.line(line);
    return replayer.end();
  };

  it('counts hits and says which decisions would change', () => {
    const rule = { decision: 'drop', code: 'SEKISHO_INBOX_RULE_DROP', rule: 'old' } as const;
    const lines = [
      ...Object.values(SPAM).map((post) => lineOf(post)), ...Object.values(ORDINARY).map((post) => lineOf(post)), lineOf(SPAM['link']!, { verdict: rule }), lineOf(ORDINARY['post']!, { verdict: rule }),
      lineOf(SPAM['link']!, { verdict: { decision: 'deny', code: 'SEKISHO_INBOX_DIGEST' }, activity: undefined }), lineOf(SPAM['link']!, {}, 'direct'), '', 'broken',
    ];
    const result = replay('builtin: [spam-2024-02, hellthread]', lines);
    expect(result).toMatchObject({ requests: 3 + Object.keys(ORDINARY).length + 4, early: 1, redacted: 1, blocked: 0, changed: 4, unreadable: 1 });
    // The redacted one has a link that nobody can see any more.
    expect([...result.hits]).toEqual([['builtin.spam-2024-02', 4], ['builtin.hellthread', 0]]);
    expect(result.changes.map(({ was, now }) => `${was} > ${now}`)).toEqual([...Array.from({ length: 3 }, () => 'allow > drop (builtin.spam-2024-02)'), 'drop (old) > allow']);
    expect(result.problems).toEqual([{ line: lines.length, detail: 'not JSON' }]);
  });

  it('lets limits pass and counts what they met', () => {
    const limited = { decision: 'deny', code: 'SEKISHO_INBOX_RULE_LIMIT', rule: 'l' } as const;
    const lines = [lineOf(ORDINARY['post']!), lineOf(ORDINARY['post']!, { verdict: limited }), lineOf(ORDINARY['post']!, { verdict: { ...limited, rule: 'gone' } })];
    const result = replay('rules: [{ id: l, action: limit, limit: { perMinute: 1, per: rule }, when: { field: type, op: eq, value: Create } }]', lines);
    expect([...result.hits]).toEqual([['l', 3]]);
    expect(result.changes.map(({ line, was, now }) => `${line} ${was} > ${now}`)).toEqual(['3 deny (gone) > allow']);
  });

  it('asks block lists too', () => {
    expect(replay('lists: [{ id: l, hosts: [peer.example] }]\nblock: [l]', [lineOf(ORDINARY['post']!)])).toMatchObject({
      blocked: 1, changes: [{ line: 1, was: 'allow', now: 'deny (social.peer.example stands in the block list l)' }],
    });
  });
});

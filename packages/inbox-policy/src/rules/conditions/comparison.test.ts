import { describe, expect, it } from '@jest/globals';
import { cpuMsOf } from '@sekisho/testkit/cpu-time';
import type { JsonObject } from '../../types.ts';
import { REGEX_TEXT_MAX } from '../limits.ts';
import type { FieldFacts } from '../fields/fields.ts';
import { FIELDS } from '../fields/table.ts';
import { createHostLists } from '../lists/host-lists.ts';
import { create, fieldsFor } from '../testing/posts.ts';
import { type Truth, compileComparison } from './comparison.ts';
import { KINDS, OPERATOR_NAMES } from './operators.ts';
import { compilePattern } from './regex.ts';

const lists = createHostLists({ block: [], allow: [], ownHosts: new Set(), inline: new Map([['l', new Set(['peer.example'])]]) });

function truthOf(comparison: Record<string, unknown>, note: JsonObject = {}, facts: Partial<FieldFacts> = {}): Truth {
  const problems: string[] = [];
  const test = compileComparison(comparison, {
    listIds: new Set(['l', 'away']), costs: { needles: 0, regexes: 0, programs: 0 }, problem: (key, message) => void problems.push(`${key}: ${message}`),
  });
  expect(problems).toEqual([]);
  return test?.(fieldsFor(create({ note }), facts), lists);
}

describe('comparisons', () => {
  const note = {
    content: 'Ｗin BIG ﬁnance', tag: [{ type: 'Hashtag', name: '#Crypto' }], attachment: [{ mediaType: 'Image/PNG', url: 'https://cdn.a.example/1', blurhash: 'LeX' }, { url: 'https://b.example/1' }],
  };
  it.each([
    // Capitals and forms make no difference.
    ['content', 'contains', 'win big', true], ['content', 'contains', 'FINANCE', true], ['content', 'contains', ['nope', 'big'], true], ['content', 'contains', 'nope', false],
    ['content', 'eq', 'win big finance', true], ['content', 'eq', 'win', false], ['content', 'in', ['x', 'WIN BIG FINANCE'], true], ['type', 'eq', 'create', true], ['type', 'in', ['Follow'], false],
    // Expressions see the text as it is.
    ['content', 'regex', 'BIG', true], ['content', 'regex', 'big', false], ['content', 'regex', '(?i)big', true], ['content', 'regex', ['nope', '^.in'], true], ['content', 'regex', '^BIG$', false],
    ['hashtags', 'contains', 'crypto', true], ['hashtags', 'contains', 'crypt', false], ['hashtags', 'overlaps', ['x', 'CRYPTO'], true], ['hashtags', 'regex', '(?i)^cryp', true],
    ['attachments.types', 'contains', 'image/png', true], ['attachments.blurhash', 'contains', 'LeX', true], ['attachments.blurhash', 'contains', 'lex', false],
    ['attachments.hosts', 'contains', 'a.example', true], ['attachments.hosts', 'contains', 'b.example', true], ['attachments.hosts', 'contains', 'x.b.example', false],
    ['attachments.hosts', 'overlaps', ['c.example', 'A.Example'], true], ['attachments.hosts', 'regex', '^cdn\\.', true], ['any.host', 'overlaps', ['peer.example'], true],
    ['actor.host', 'eq', 'social.peer.example', true], ['actor.host', 'eq', 'peer.example', true], ['actor.host', 'eq', 'eer.example', false], ['actor.host', 'in', ['x.example', '*.peer.example'], true],
    ['actor.host', 'regex', '^social', true], ['attachments.count', 'eq', 2, true], ['attachments.count', 'gte', 2, true], ['attachments.count', 'gte', 3, false], ['attachments.count', 'lte', 1, false],
    ['reply', 'eq', false, true], ['reply', 'eq', true, false], ['actor.id', 'contains', 'users/alice', true], ['actor.id', 'contains', 'Users/alice', false],
    ['header.user-agent', 'contains', 'mastodon', true], ['header.user-agent', 'eq', '', false], ['header.x', 'eq', '', true],
    ['actor.ageSeconds', 'gte', 0, undefined], ['client.net', 'in', ['203.0.113.0/24'], undefined],
  ])('%s %s %j: %s', (field, op, value, truth) => {
    expect(truthOf({ field, op, value }, note)).toBe(truth);
  });

  it.each([
    ['203.0.113.7', ['203.0.113.0/24'], true], ['203.0.114.7', ['203.0.113.0/24'], false], ['203.0.113.0/24', ['203.0.112.0/20'], true], ['2001:db8:1::/48', ['2001:db8::/32'], true],
    ['2001:db8:1::7', ['203.0.113.0/24', '2001:DB8:1::7'], true], ['nonsense', ['203.0.113.0/24'], undefined], ['fe80::1%eth0', ['fe80::/10'], undefined],
  ])('client.net %s in %j: %s', (clientNet, value, truth) => {
    expect(truthOf({ field: 'client.net', op: 'in', value }, {}, { clientNet })).toBe(truth);
  });

  it.each([
    // NOW_MS is a Wednesday, 12:00 UTC.
    ['12:00-12:01', true], [['00:00-01:00', '11:59-13:00'], true], ['Thu 00:00-24:00', false], ['13:00-13:30 Europe/Berlin', true], ['22:00-06:00', false],
  ])('time within %j: %s', (value, truth) => {
    expect(truthOf({ field: 'time', op: 'within', value })).toBe(truth);
  });

  it.each<[string, string, unknown, FieldFacts['software'], Truth]>([
    ['software.version', 'lte', '2026.3.1', { version: '2026.3.2-alpha.1' }, false], ['software.version', 'gte', '2026.3.2', { version: '2026.3.2-alpha.1' }, false], ['software.version', 'gte', '2026.3.2', { version: '2026.10.0' }, true],
    ['software.version', 'eq', '4.3', { version: '4.3.0+glitch' }, true], ['software.version', 'lte', '9', { version: 'unknown' }, undefined], ['software.version', 'lte', '9', {}, undefined], ['software.version', 'lte', '9', undefined, undefined],
    ['software.name', 'in', ['Misskey', 'sharkey'], { name: 'misskey' }, true], ['software.openSignup', 'eq', true, { openSignup: true }, true], ['software.openSignup', 'eq', false, {}, undefined],
    ['software.users', 'lte', 5, { users: 5 }, true], ['software.captcha', 'eq', false, { captcha: false }, true], ['software.captcha', 'eq', false, undefined, undefined], ['software.emailRequired', 'eq', false, { emailRequired: true }, false],
  ])('%s %s %j of %j: %s', (field, op, value, software, truth) => {
    expect(truthOf({ field, op, value }, {}, { software })).toBe(truth);
  });

  it('asks lists, and knows nothing of one that was never loaded', () => {
    expect(truthOf({ field: 'actor.host', op: 'in', list: 'l' })).toBe(true);
    expect(truthOf({ field: 'attachments.hosts', op: 'overlaps', list: 'l' })).toBe(false);
    expect(truthOf({ field: 'actor.host', op: 'in', list: 'away' })).toBeUndefined();
  });

  it('has for every field an operator, and for every operator a field', () => {
    const used = new Set(Object.values(FIELDS).flatMap(({ kind }) => KINDS[kind].operators));
    expect([...used].sort()).toEqual([...OPERATOR_NAMES].sort());
  });
});

describe('compilePattern()', () => {
  const compile = (source: string): (text: string) => boolean => {
    const compiled = compilePattern([source]);
    if (!compiled.ok) throw new Error(compiled.detail);
    return (text) => compiled.pattern.test(text);
  };

  it('sees the beginning of a long text only', () => {
    const test = compile('needle');
    expect([test(`${'x'.repeat(REGEX_TEXT_MAX - 6)}needle`), test(`${'x'.repeat(REGEX_TEXT_MAX - 5)}needle`)]).toEqual([true, false]);
  });

  it.each([
    ['(a+)+$', `${'a'.repeat(60_000)}b`], ['(a|a)*c', 'a'.repeat(60_000)], ['(x+x+)+y', 'x'.repeat(60_000)], ['(?:a?){30}a{30}$', 'a'.repeat(60_000)], ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a'.repeat(60_000)],
  ])('needs no time for %s, which hangs an engine that backtracks', (source, bait) => {
    const test = compile(source);
    expect(cpuMsOf(() => void test(bait))).toBeLessThan(500);
  });
});

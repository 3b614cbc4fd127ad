import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RULES_LIMITS } from '../limits.ts';
import { parseRulesFile } from './parse.ts';

const WHEN = '{ field: reply, op: eq, value: true }';
const ruleWith = (when: string): string => `rules:\n  - id: a\n    action: drop\n    when: ${when}\n`;
const many = (count: number, of: (at: number) => string): string => Array.from({ length: count }, (_, at) => of(at)).join(', ');

describe('parseRulesFile()', () => {
  it('takes a file without anything as no rules', () => {
    for (const text of ['', '# only a comment\n', '{}', 'rules: []\n']) expect(parseRulesFile(text)).toEqual({ rules: [], lists: [], block: [], allow: [] });
  });

  it('reads lists of all kinds and their uses', () => {
    const text = [
      'lists:', '  - { id: mine, hosts: [Bücher.example, "*.a.example", .b.example] }', '  - { id: own, file: ./hosts.txt, format: plain }',
      '  - { id: theirs, url: "https://lists.example/x.csv", refreshSeconds: 3600, severities: [suspend, silence] }', 'block: [mine, theirs, mine]', 'allow: [own]',
    ].join('\n');
    expect(parseRulesFile(text)).toEqual({
      rules: [], block: ['mine', 'theirs'], allow: ['own'],
      lists: [
        { id: 'mine', source: { kind: 'hosts', hosts: new Set(['xn--bcher-kva.example', 'a.example', 'b.example']) }, format: 'csv', severities: new Set(['suspend']) },
        { id: 'own', source: { kind: 'file', path: './hosts.txt' }, format: 'plain', severities: new Set(['suspend']) },
        { id: 'theirs', source: { kind: 'url', url: 'https://lists.example/x.csv', refreshMs: 3_600_000 }, format: 'csv', severities: new Set(['suspend', 'silence']) },
      ],
    });
  });

  it.each([
    ['an unknown key', 'rulez: []', 'line 1: rulez is not known'],
    ['an unknown key of a rule', `rules:\n  - id: a\n    action: drop\n    wen: x\n    when: ${WHEN}`, 'line 4: rules.0.wen is not known'],
    ['an id with a dot', `rules:\n  - id: builtin.x\n    action: drop\n    when: ${WHEN}`, 'line 2: rules.0.id: must be 1 to 64 of a-z'],
    ['an id twice', `rules:\n  - { id: a, action: drop, when: ${WHEN} }\n  - { id: a, action: drop, when: ${WHEN} }`, 'line 3: rules.1.id: a stands in the file twice'],
    ['no condition', 'rules:\n\n  - id: a\n    action: drop\n', 'line 3: rules.0.when: is missing'],
    ['another action', `rules:\n  - id: a\n    action: ban\n    when: ${WHEN}`, 'line 3: rules.0.action: must be one of reject, drop, quarantine, limit, observe'],
    ['a day that is none', `rules:\n  - { id: a, action: drop, when: ${WHEN},\n      expires: 2027-02-31T00:00:00Z }`, 'line 3: rules.0.expires: is no day of the calendar'],
    ['another date', `rules:\n  - { id: a, action: drop, when: ${WHEN}, expires: 31.1.2027 }`, 'line 2: rules.0.expires: must be a date'],
    ['a word for true', `rules:\n  - { id: a, action: drop, when: ${WHEN}, dryRun: yes }`, 'line 2: rules.0.dryRun: must be true or false'],
    ['rules as a map', 'rules: {}', 'line 1: rules: must be a list of rules'],
    ['a text', 'rules', 'line 1: the file: must be an object'],
    ['an unknown rule set', 'builtin:\n  - spam-2024-02\n  - spam-2023', 'line 3: builtin.1: must be one of spam-2024-02'],
    ['a rule set twice', 'builtin: [hellthread, { id: hellthread, dryRun: true }]', 'line 1: builtin.1.id: hellthread stands in the file twice'],
    ['a list from nowhere', 'lists:\n  - id: x', 'line 2: lists.0: must have exactly one of hosts, file and url'],
    ['a list from two places', 'lists:\n  - id: x\n    hosts: []\n    file: y', 'line 2: lists.0: must have exactly one of hosts, file and url'],
    ['a list id twice', 'lists:\n  - { id: x, hosts: [] }\n  - { id: x, hosts: [] }', 'line 3: lists.1.id: x stands in the file twice'],
    ['a top level', 'lists:\n  - id: x\n    hosts:\n      - a.example\n      - com', 'line 5: lists.0.hosts.1: "com" is a whole top level'],
    ['a registry', 'lists: [{ id: x, hosts: [co.uk] }]', 'line 1: lists.0.hosts.0: "co.uk" is a registry of many owners'],
    ['no host', 'lists: [{ id: x, hosts: ["https://a.example"] }]', 'lists.0.hosts.0: "https://a.example" is no host name'],
    ['an address', 'lists: [{ id: x, hosts: [127.0.0.1] }]', 'lists.0.hosts.0: "127.0.0.1" is no host name'],
    ['plain http', 'lists:\n  - id: x\n    url: http://lists.example/x', 'line 3: lists.0.url: must be an https URL'],
    ['credentials', 'lists: [{ id: x, url: "https://a:b@lists.example/x" }]', 'lists.0.url: must be an https URL'],
    ['an unknown format', 'lists: [{ id: x, file: y, format: xml }]', 'lists.0.format: must be one of csv, json, plain'],
    ['a hurry', 'lists: [{ id: x, url: "https://lists.example/x", refreshSeconds: 299 }]', 'refreshSeconds: must be at least 300'],
    ['an unknown block list', 'lists: [{ id: x, hosts: [] }]\nblock:\n  - x\n  - y', 'line 4: block.1: y is the id of no list'],
    ['an unknown allow list', 'allow: [y]', 'line 1: allow.0: y is the id of no list'],
    ['a key twice', 'rules: []\nrules: []', 'line 2: Map keys must be unique'],
    ['an alias', 'block: &a [x]\nallow: *a', 'line 2: aliases are not supported'],
    ['two documents', 'rules: []\n---\nrules: []', 'line 2: '],
    ['a tab', 'rules:\n\t- x', 'line 2: '],
    ['an open bracket', 'rules: [', 'line 1: '],
    ['a file that is too large', `#${'x'.repeat(RULES_LIMITS.fileBytesMax)}`, 'larger than 262144 bytes'],
    ['a deep file', `rules: ${'['.repeat(100_000)}`, 'line 1: '],
    ['rules beyond the maximum', `rules: [${many(257, (at) => `{ id: r${at}, action: drop, when: ${WHEN} }`)}]`, 'rules: must have at most 256 entries'],
    ['lists beyond the maximum', `lists: [${many(17, (at) => `{ id: l${at}, hosts: [] }`)}]`, 'lists: must have at most 16 entries'],
    ['hosts beyond the maximum', `lists: [{ id: x, hosts: [${many(5_001, (at) => `h${at}.example`)}] }]`, 'must have at most 5000 entries: use file'],
  ])('refuses %s', (_name, text, message) => {
    expect(() => parseRulesFile(text)).toThrow(message);
  });

  it.each([
    ['a list', '[]', 'line 4: rules.0.when: must be all, any, not or a comparison'],
    ['nothing', '{}', 'rules.0.when: must have exactly one of all, any, not'],
    ['two at once', `{ all: [${WHEN}], any: [${WHEN}] }`, 'rules.0.when: must have exactly one of all, any, not'],
    ['an unknown group', `{ none: [${WHEN}] }`, 'rules.0.when.none: is not known'],
    ['an empty group', '{ all: [] }', 'rules.0.when.all: must be a list of conditions'],
    ['a group without a list', `{ any: ${WHEN} }`, 'rules.0.when.any: must be a list of conditions'],
    ['an unknown field', '{ field: mention.total, op: gte, value: 1 }', 'rules.0.when.field: "mention.total" is no field'],
    ['a header that is none', '{ field: "header.a b", op: eq, value: x }', 'is no field'],
    ['an unknown operator', '{ field: reply, op: is, value: true }', 'rules.0.when.op: must be one of eq, in, contains'],
    ['an operator of another kind', '{ field: content, op: gte, value: 1 }', 'rules.0.when.op: gte does not go with content, which takes eq, in, contains, regex'],
    ['a number for a flag', '{ field: reply, op: eq, value: 0 }', 'rules.0.when.value: must be true or false'],
    ['a text for a number', '{ field: links.count, op: gte, value: "4" }', 'rules.0.when.value: must be a number'],
    ['no number', '{ field: links.count, op: gte, value: .nan }', 'must be a number'],
    ['a number for a text', '{ field: content, op: contains, value: 419 }', 'put it in quotes'],
    ['numbers among texts', '{ field: content, op: contains, value: [a, 419] }', 'put numbers in quotes'],
    ['a text for a list', '{ field: type, op: in, value: Create }', 'must be a list of texts'],
    ['a list for a text', '{ field: type, op: eq, value: [Create] }', 'must be a text'],
    ['an empty text', '{ field: content, op: contains, value: "" }', 'must not be an empty text'],
    ['an empty list', '{ field: type, op: in, value: [] }', 'must not be empty'],
    ['no value', '{ field: type, op: eq }', 'rules.0.when.value: is missing'],
    ['no operator', '{ field: type, value: Create }', 'rules.0.when.op: must be one of'],
    ['no field', '{ op: eq, value: Create }', 'rules.0.when.field: must be the name of a field'],
    ['another key', '{ field: type, op: eq, value: Create, case: true }', 'rules.0.when.case: is not known'],
    ['an unknown list', '{ field: actor.host, op: in, list: nope }', 'rules.0.when.list: "nope" is the id of no list'],
    ['a list for a text field', '{ field: content, op: in, list: nope }', 'rules.0.when.list: goes with in and overlaps of hosts only'],
    ['a list with another operator', '{ field: actor.host, op: eq, list: nope }', 'goes with in and overlaps of hosts only'],
    ['a list beside a value', '{ field: actor.host, op: in, list: nope, value: [a.example] }', 'rules.0.when.list: stands beside a value'],
    ['no host', '{ field: actor.host, op: eq, value: a b }', '"a b" is no host name'],
    ['a number for a version', '{ field: software.version, op: gte, value: 2026.3 }', 'rules.0.when.value: must be a text: put it in quotes'],
    ['no version', '{ field: software.version, op: gte, value: newest }', 'rules.0.when.value: must be a version such as 2026.3.2'],
    ['no window', '{ field: time, op: within, value: at night }', 'line 4: rules.0.when.value: "at night" is no time window such as'],
    ['no window among others', '{ field: time, op: within, value: ["08:00-09:00", "Mon 9:00-10:00"] }', '"Mon 9:00-10:00" is no time window'],
    ['an unknown zone', '{ field: time, op: within, value: "08:00-09:00 Europe/Bonn" }', 'has no time zone of the zone database'],
    ['another operator for a time', '{ field: time, op: gte, value: 5 }', 'gte does not go with time, which takes within'],
    ['no network', '{ field: client.net, op: in, value: [203.0.113.0/33] }', 'must be addresses or prefixes'],
    ['a broken expression', '{ field: content, op: regex, value: "(" }', 'missing closing )'],
    ['a look behind', '{ field: content, op: regex, value: "(?<=a)b" }', 'rules.0.when.value: "(?<=a)b"'],
    ['a back reference', '{ field: content, op: regex, value: "(a)\\\\1" }', 'rules.0.when.value: '],
    ['a huge expression', '{ field: content, op: regex, value: "(?:a{1,30}b){1,30}" }', 'too large'],
    ['a repetition beyond RE2', '{ field: content, op: regex, value: "a{1001}" }', 'invalid repeat count'],
    ['a long expression', `{ field: content, op: regex, value: "${'a'.repeat(513)}" }`, 'at most 512 characters'],
    ['many expressions', `{ field: content, op: regex, value: [${many(65, (at) => `a${at}`)}] }`, 'at most 64 entries'],
    ['a long text', `{ field: content, op: contains, value: "${'a'.repeat(257)}" }`, 'at most 256 characters'],
    ['many texts', `{ field: content, op: contains, value: [${many(1_001, (at) => `a${at}`)}] }`, 'at most 1000 entries'],
    ['nine levels', `${'{ not: '.repeat(8)}${WHEN}${' }'.repeat(8)}`, 'is nested deeper than 8'],
    ['65 comparisons', `{ any: [${many(65, () => WHEN)}] }`, 'rules.0.when.any.64: is one comparison more than a rule may have (64)'],
  ])('refuses a condition that is or has %s', (_name, when, message) => {
    expect(() => parseRulesFile(ruleWith(when))).toThrow(message);
  });

  it.each([
    ['eight levels', `${'{ not: '.repeat(7)}${WHEN}${' }'.repeat(7)}`], ['64 comparisons', `{ any: [${many(64, () => WHEN)}] }`],
    ['512 characters', `{ field: content, op: regex, value: "[${'a'.repeat(510)}]" }`], ['1,000 texts', `{ field: content, op: contains, value: [${many(1_000, (at) => `a${at}`)}] }`],
    ['a header', '{ field: header.user-agent, op: contains, value: bot }'], ['a prefix', '{ field: client.net, op: in, value: ["2001:db8::/32", 203.0.113.7] }'],
  ])('takes %s', (_name, when) => {
    expect(parseRulesFile(ruleWith(when)).rules).toHaveLength(1);
  });

  it.each([
    ['no limit', 'action: limit', 'line 1: rules.0: has the action limit and no limit such as'],
    ['a limit without its action', 'action: drop, limit: { perMinute: 1, per: host }', 'rules.0.limit: goes with the action limit only'],
    ['nothing per minute', 'action: limit, limit: { perMinute: 0, per: host }', 'rules.0.limit.perMinute: must be at least 1'],
    ['half an activity', 'action: limit, limit: { perMinute: 0.5, per: host }', 'rules.0.limit.perMinute: must be a whole number'],
    ['too much per minute', 'action: limit, limit: { perMinute: 60001, per: host }', 'must be at most 60000'],
    ['too much at once', 'action: limit, limit: { perMinute: 1, burst: 60001, per: host }', 'rules.0.limit.burst: must be at most 60000'],
    ['nobody to limit', 'action: limit, limit: { perMinute: 1 }', 'rules.0.limit.per: must be one of rule, host, actor, client'],
    ['another key', 'action: limit, limit: { perMinute: 1, per: host, perHour: 1 }', 'rules.0.limit.perHour is not known'],
    ['no object', 'action: limit, limit: 30', 'rules.0.limit: must be an object with perMinute, per'],
  ])('refuses a limit that is or has %s', (_name, rest, message) => {
    expect(() => parseRulesFile(`rules: [{ id: a, ${rest}, when: ${WHEN} }]`)).toThrow(message);
  });

  it('takes limits of rules and of built-in sets, and no more than 16', () => {
    const limits = (count: number): string => many(count, (at) => `{ id: r${at}, action: limit, limit: { perMinute: 30, per: client }, when: ${WHEN} }`);
    const { rules } = parseRulesFile(`rules: [${limits(15)}]\nbuiltin: [{ id: hellthread, action: limit, limit: { perMinute: 1, burst: 5, per: host } }]`);
    expect(rules[0]).toMatchObject({ action: 'limit', limit: { perMinute: 30, burst: 30, per: 'client' } });
    expect(rules[15]).toMatchObject({ id: 'builtin.hellthread', action: 'limit', limit: { perMinute: 1, burst: 5, per: 'host' } });
    expect(() => parseRulesFile(`rules: [${limits(17)}]`)).toThrow('17 rules have the action limit, at most 16 in a file');
    expect(() => parseRulesFile('builtin: [{ id: hellthread, limit: { perMinute: 1, per: host } }]')).toThrow('builtin.0.limit: goes with the action limit only');
    expect(() => parseRulesFile('builtin: [{ id: hellthread, action: limit }]')).toThrow('builtin.0: has the action limit and no limit');
  });

  it('adds up what rules cost together', () => {
    const rules = (count: number, when: (at: number) => string): string => `rules: [${many(count, (at) => `{ id: r${at}, action: drop, when: ${when(at)} }`)}]`;
    const texts = many(1_000, (at) => `a${at}`);
    expect(() => parseRulesFile(rules(3, () => `{ field: content, op: contains, value: [${texts}] }`))).toThrow('contains looks for 3000 texts, at most 2048');
    expect(() => parseRulesFile(rules(65, () => '{ field: content, op: regex, value: a }'))).toThrow('regex stands in 65 comparisons, at most 64');
    expect(() => parseRulesFile(rules(40, () => '{ field: content, op: regex, value: "a[ab]{200}" }'))).toThrow(/have \d+ steps, at most 4096/);
  });

  it('names problems in the order of their lines, and not a thousand', () => {
    const text = `rules:\n  - { id: a, action: drop, when: { field: x, op: eq, value: 1 } }\n  - { id: a, action: drop, when: { field: y, op: eq, value: 1 } }\nblock: [z]\n`;
    expect(() => parseRulesFile(text)).toThrow(/^line 2: .*"x".*; line 3: .*twice; line 3: .*"y".*; line 4: block/);
    expect(() => parseRulesFile(Array.from({ length: 1_000 }, (_, at) => `k${at}: 1`).join('\n'))).toThrow(/k19 is not known; and 980 more$/);
  });

  it('answers any text with rules or an error with a message', () => {
    const piece = fc.constantFrom('rules:', ' - id: a', '\n', '   action: drop', '   when: ', WHEN, '{', '}', '[', ']', 'lists:', '&a', '*a', ': ', '- ', 'hosts', '!!set', '|', '"', '\t', '? ', '<<: ');
    fc.assert(fc.property(fc.oneof(fc.string(), fc.array(piece, { maxLength: 40 }).map((parts) => parts.join(''))), (text) => {
      try {
        return Array.isArray(parseRulesFile(text).rules);
      } catch (error) {
        return error instanceof Error && /^(?:line \d+: |the file is larger)/.test(error.message);
      }
    }));
  });
});

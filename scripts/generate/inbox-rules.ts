// docs/reference/inbox-fields.md from the tables that the rules file is checked against.

import { BUILTIN_NAMES, BUILTIN_SETS, FIELDS, type FieldRow, HEADER_FIELD, KINDS, OPERATORS, RULES_LIMITS } from '@sekisho/inbox-policy/rules';
import { code, page, table } from './markdown.ts';

const INTRO = `What a condition of the [inbox rules](../inbox-rules.md) may look at. A comparison has a field, an operator and a value; which operators a field takes
depends on its kind. A field that is not known (an age without a record, a name that no URL tells, the text of a redacted capture) makes its
comparison unknown, also within ${code('not')}, and an unknown condition never makes a rule act.`;

const LIMITS: readonly (readonly [string, number, string])[] = [
  ['bytes of the rules file', RULES_LIMITS.fileBytesMax, ''],
  ['rules', RULES_LIMITS.rulesMax, ''],
  ['rules with the action `limit`', RULES_LIMITS.limitRulesMax, ''],
  ['`perMinute` and `burst` of a limit', RULES_LIMITS.limitPerMinuteMax, ''],
  ['comparisons in a rule', RULES_LIMITS.comparisonsMax, ''],
  ['levels of all, any and not', RULES_LIMITS.nestingMax, ''],
  ['values of a comparison', RULES_LIMITS.valuesMax, 'regular expressions: 64'],
  ['characters of a value', RULES_LIMITS.valueCharsMax, 'regular expressions: 512'],
  ['texts that `contains` looks for in a text', RULES_LIMITS.needlesMax, 'in the whole file'],
  ['comparisons with `regex`', RULES_LIMITS.regexesMax, 'in the whole file'],
  ['steps of a compiled expression', RULES_LIMITS.programMax, `in the whole file ${RULES_LIMITS.programsMax}; a counted repetition is written out`],
  ['lists', RULES_LIMITS.listsMax, ''],
  ['hosts of a list', RULES_LIMITS.hostsMax, `in the rules file itself ${RULES_LIMITS.inlineHostsMax}`],
  ['bytes of a list', RULES_LIMITS.listBytesMax, ''],
];

export function renderInboxFields(): string {
  const fields: readonly [string, FieldRow][] = [...Object.entries(FIELDS), ['header.<name>', HEADER_FIELD]];
  return page('Fields and operators of the inbox rules', 'packages/inbox-policy/src/rules', [
    INTRO,
    '## Fields',
    table(['field', 'kind', 'operators', 'meaning'], fields.map(([name, { kind, help }]) => [code(name), kind, KINDS[kind].operators.map(code).join(' '), help])),
    '## Kinds',
    table(['kind', 'meaning'], Object.entries(KINDS).map(([kind, { help }]) => [kind, help])),
    '## Operators',
    table(['operator', 'the field …'], Object.entries(OPERATORS).map(([name, help]) => [code(name), help])),
    '## Rule sets that come with Sekisho',
    table(['name', 'action', 'what it catches'], BUILTIN_NAMES.map((name) => [code(name), code(BUILTIN_SETS[name].action), BUILTIN_SETS[name].reason])),
    '## Maxima',
    table(['what', 'at most', ''], LIMITS.map(([what, most, note]) => [what, most.toLocaleString('en-US'), note])),
  ]);
}

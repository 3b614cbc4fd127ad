// Which operator goes with which kind of field, and what it takes. Checking the rules file, its JSON schema and its
// documentation all read these tables.

import type { FieldKind } from '../fields/table.ts';

export const OPERATORS = {
  eq: 'is equal to the value',
  in: 'is equal to one of the values, or stands in the host list',
  contains: 'has the value (or one of the values) in it: a text as a part, a list as a member',
  regex: 'matches the regular expression (or one of them), anywhere unless it has `^` and `$`; a list: one member does',
  gte: 'is the value or more',
  lte: 'is the value or less',
  overlaps: 'has a member that is one of the values, or stands in the host list',
  within: 'lies in the time window (or in one of them)',
} as const;
export type Operator = keyof typeof OPERATORS;
export const OPERATOR_NAMES: readonly Operator[] = ['eq', 'in', 'contains', 'regex', 'gte', 'lte', 'overlaps', 'within'];

export interface KindRow {
  readonly help: string;
  readonly operators: readonly Operator[];
}

export const KINDS: Readonly<Record<FieldKind, KindRow>> = {
  text: { help: 'A text. Capitals and compatibility forms (full width and the like) make no difference, except for `regex`, where `(?i)` ignores capitals, and for URLs.', operators: ['eq', 'in', 'contains', 'regex'] },
  words: { help: 'A list of texts, compared as whole ones.', operators: ['contains', 'overlaps', 'regex'] },
  host: { help: 'A host name. A value stands for the host and every host below it.', operators: ['eq', 'in', 'regex'] },
  hosts: { help: 'A list of host names; values as for one.', operators: ['contains', 'overlaps', 'regex'] },
  number: { help: 'A number.', operators: ['eq', 'gte', 'lte'] },
  flag: { help: '`true` or `false`.', operators: ['eq'] },
  time: { help: 'A time. A value is a window: `22:00-06:00`, with days before it (`Mon-Fri 08:00-17:00`, `Sat,Sun 00:00-24:00`) and a time zone after it (`Europe/Berlin`; without one UTC). The end is not within; a window over midnight belongs to the day on which it begins.', operators: ['within'] },
  version: { help: 'A version such as `2026.3.2`, in quotes. Numbers are compared part by part, a pre-release (`-alpha.1`, `-beta.2`, `-rc.3`) comes before its release, and what forks and builds write behind (`-io.5`, `+glitch`) makes no difference. Unknown where it does not begin with a number.', operators: ['eq', 'gte', 'lte'] },
  network: { help: 'An address. A value is an address or a prefix such as `203.0.113.0/24`.', operators: ['eq', 'in'] },
};

/** Operators that take a list of values or, for hosts, the name of a list. */
export const TAKES_LIST: ReadonlySet<Operator> = new Set(['in', 'overlaps']);
/** Operators that take one value or several. */
export const TAKES_SEVERAL: ReadonlySet<Operator> = new Set(['contains', 'regex', 'within']);

export const isOperator = (name: string): name is Operator => Object.hasOwn(OPERATORS, name);

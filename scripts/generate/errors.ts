// docs/reference/errors.md from the one table of codes.

import { CODES, CODE_NAMES, type Code, PUBLIC_CODES, type PublicCode } from '@sekisho/contracts';
import { code, page, table } from './markdown.ts';

const INTRO = `What an instance tells strangers is one of the public codes, in the header \`Sekisho-Code\` and in the body; it never depends
on an internal cause. The internal code stands in the log line (\`code\`) and as a label of the metrics; it is what to search
for here. Answers to a retryable code carry \`Retry-After\`.`;

/** A heading in capitals: its anchor is in lower case, what `docsAnchor` links to. */
function section(name: Code): string {
  const row = CODES[name];
  const facts = table(
    ['status', 'public code', 'retryable', 'log level'],
    [[row.status === 0 ? 'that of the remote server' : String(row.status), code(row.publicCode), row.retryable ? 'yes' : 'no', row.level]],
  );
  return `### ${name}\n\n${facts}\n\n${row.help}`;
}

function publicRows(): string[][] {
  return Object.entries(PUBLIC_CODES).map(([name, message]) => [code(name), statusesOf(name), message]);
}

function statusesOf(name: string): string {
  const of = (publicCode: PublicCode): number[] =>
    CODE_NAMES.filter((entry) => CODES[entry].publicCode === publicCode).map((entry) => CODES[entry].status);
  const statuses = [...new Set(Object.keys(PUBLIC_CODES).filter(isPublic).filter((entry) => entry === name).flatMap(of))];
  return statuses.map((status) => (status === 0 ? 'mirrored 4xx' : String(status))).join(', ');
}

const isPublic = (name: string): name is PublicCode => Object.hasOwn(PUBLIC_CODES, name);

export const renderErrors = (): string =>
  page('Errors', 'packages/contracts/src/codes.ts', [
    INTRO,
    '## Public codes',
    table(['code', 'status', 'message'], publicRows()),
    '## Internal codes',
    ...CODE_NAMES.map(section),
  ]);

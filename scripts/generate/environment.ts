// docs/reference/environment.md from the table of variables and from what the programs read.

import { ENVIRONMENT, ENVIRONMENT_NAMES, type EnvironmentName, type EnvironmentRow } from '@sekisho/contracts';
import { code, page, table } from './markdown.ts';
import type { Schema } from './schemas.ts';

const INTRO = `Every setting is an environment variable whose name starts with \`SEKISHO_\`. A service reads its part at the start, prints all
problems at once without echoing any value, and does not start when there is one. A \`SEKISHO_\` name that is not in this
table is a problem too, with the nearest known name. An empty value counts as not set. \`node services/<name>/src/main.ts
--check-config\` checks and ends. Secrets are files named by a \`_FILE\` variable and hold 32 to 4,096 bytes;
a Redis URL may come in a file as well, because it holds a password.
\`local-stack\` is \`npm run up\`: it sets what a service needs and hands the rest on.`;

const isUnsafe = (name: string): boolean => name.startsWith('SEKISHO_UNSAFE_');

function rowOf(name: EnvironmentName, readers: readonly string[]): string[] {
  const row: EnvironmentRow = ENVIRONMENT[name];
  const notes = [row.secret === true ? 'Secret.' : '', readers.length === 0 ? 'Reserved: nothing reads it yet.' : ''];
  return [code(name), row.services.join(', '), row.fallback, [row.meaning, ...notes].filter(Boolean).join(' ')];
}

/** @param schemas what each program reads; a name that none reads is marked as reserved. */
export function renderEnvironment(schemas: readonly Schema[]): string {
  const rows = (names: readonly EnvironmentName[]): string =>
    table(['variable', 'read by', 'default', 'meaning'], names.map((name) => rowOf(name, readersOf(name, schemas))));
  return page('Environment', 'packages/contracts/src/environment.ts', [
    INTRO,
    rows(ENVIRONMENT_NAMES.filter((name) => !isUnsafe(name))),
    '## For tests and development',
    'These open a wall. A service that has one of them set says so in a warning at every start.',
    rows(ENVIRONMENT_NAMES.filter(isUnsafe)),
  ]);
}

const readersOf = (name: string, schemas: readonly Schema[]): readonly string[] =>
  schemas.filter(({ names }) => names.includes(name)).map(({ service }) => service);

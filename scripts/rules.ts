// npm run rules: what an administrator asks about a rules file before the gateway reads it.

import { readFileSync } from 'node:fs';
import { errorCode } from '@sekisho/runtime';
import { checkRules } from './rules/check.ts';
import { type Report, readCommand, USAGE } from './rules/command.ts';
import { replayRules } from './rules/replay.ts';

const EXIT_USAGE = 2;

async function main(args: readonly string[]): Promise<number> {
  const command = readCommand(args);
  if (command.kind === 'wrong') {
    process.stderr.write(`${command.problem}\n\n${USAGE}\n`);
    return EXIT_USAGE;
  }
  const report = await run(command);
  process.stdout.write(report.lines.map((line) => `${line}\n`).join(''));
  return report.ok ? 0 : 1;
}

async function run(command: Exclude<ReturnType<typeof readCommand>, { kind: 'wrong' }>): Promise<Report> {
  const text = readText(command.file);
  if (typeof text !== 'string') return text;
  return command.kind === 'check' ? checkRules(text, command.file, Date.now()) : await replayRules(text, command.file, command.capture);
}

function readText(path: string): string | Report {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return { ok: false, lines: [`${path}: cannot be read (${errorCode(error) ?? 'unknown'})`] };
  }
}

process.exitCode = await main(process.argv.slice(2));

// `npm run rules -- replay`: what a rules file would have done to captured requests.

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { type Replay, createReplayer } from '@sekisho/inbox-policy/rules';
import { errorCode } from '@sekisho/runtime';
import { loadOrProblems } from './check.ts';
import type { Report } from './command.ts';

export async function replayRules(text: string, path: string, capture: string): Promise<Report> {
  const loaded = loadOrProblems(text, path);
  if ('lines' in loaded) return loaded;
  const replayer = createReplayer({ rules: loaded.file.rules, lists: loaded.lists });
  try {
    for await (const line of createInterface({ input: createReadStream(capture, 'utf8'), crlfDelay: Infinity })) replayer.line(line);
  } catch (error) {
    return { ok: false, lines: [`${capture}: cannot be read (${errorCode(error) ?? 'unknown'})`] };
  }
  const limits = loaded.file.rules.filter(({ action }) => action === 'limit').map(({ id }) => `  ${id} has a budget, which is not replayed: its hits are what it would charge`);
  const subscribed = loaded.file.lists.filter(({ source }) => source.kind === 'url').map(({ id }) => `  list ${id} is subscribed to and not loaded here: nothing is known of it`);
  const replay = replayer.end();
  return { ok: replay.unreadable === 0, lines: [...describeReplay(replay), ...limits, ...subscribed] };
}

export function describeReplay({ requests, early, redacted, blocked, hits, changed, changes, problems, unreadable }: Replay): readonly string[] {
  return [
    `${requests} requests, ${early} of them refused before the rules, ${redacted} without the contents of the post`,
    ...[...hits].map(([id, number]) => `  ${id}: ${number} hits`),
    `  block and allow lists: ${blocked}`,
    `${changed} decisions would change`,
    ...changes.map(({ line, id, was, now }) => `  line ${line}: ${id}: ${was} -> ${now}`),
    ...(changed > changes.length ? [`  and ${changed - changes.length} more`] : []),
    ...problems.map(({ line, detail }) => `  line ${line} is no capture: ${detail}`),
    ...(unreadable > problems.length ? [`  and ${unreadable - problems.length} more lines`] : []),
  ];
}

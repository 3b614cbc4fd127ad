// Text of the rules file and the files it names to rules that are ready. What a file says now is checked as a whole: one
// bad list refuses the new rules together with the list.

import { dirname, resolve } from 'node:path';
import { type ListSpec, type MutableHostLists, RULES_LIMITS, type RulesFile, createHostLists, parseHostSource, parseRulesFile } from '@sekisho/inbox-policy/rules';
import { readFileNow } from '@sekisho/runtime';

export interface LoadedRules {
  readonly file: RulesFile;
  readonly lists: MutableHostLists;
}

/** @throws Error whose message names the line, or the list and what is wrong with its file. */
export function loadRules(text: string, path: string, ownHosts: ReadonlySet<string>): LoadedRules {
  const file = parseRulesFile(text);
  const inline = new Map(file.lists.flatMap((spec): [string, ReadonlySet<string>][] => {
    const hosts = hostsNow(spec, path);
    return hosts === undefined ? [] : [[spec.id, hosts]];
  }));
  return { file, lists: createHostLists({ block: file.block, allow: file.allow, ownHosts, inline }) };
}

export const listPath = (rulesPath: string, listFile: string): string => resolve(dirname(rulesPath), listFile);

function hostsNow(spec: ListSpec, path: string): ReadonlySet<string> | undefined {
  const { source, id } = spec;
  if (source.kind === 'url') return undefined;
  if (source.kind === 'hosts') return source.hosts;
  try {
    return readFileNow(listPath(path, source.path), { bytesMax: RULES_LIMITS.listBytesMax, parse: (text) => parseListText(spec, text) });
  } catch (error) {
    throw new Error(`list ${id}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** @throws Error: a file of one's own is refused for a single bad entry, as it can be mended. */
export function parseListText({ format, severities }: ListSpec, text: string): ReadonlySet<string> {
  const read = parseHostSource(format, Buffer.from(text), { severities, mayBeEmpty: true });
  if (!read.ok) throw new Error(read.detail);
  if (read.skipped > 0) throw new Error(`${read.skipped} unreadable entries, the first: ${read.firstSkipped ?? ''}`);
  return read.hosts;
}

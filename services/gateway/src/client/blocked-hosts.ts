// Hosts whose media are refused, from a file that is followed. A bad new file keeps the old list: an administrator's typo
// must not unblock anybody.

import { HOST_LIST_BYTES_MAX, type HostMatcher, createHostMatcher, parseHostList } from '@sekisho/netguard';
import { type FileSource, type Followed, type Reloaded, fileSource, fixedValue, followFile } from '@sekisho/runtime';

export interface BlockedList {
  readonly hosts: number;
  readonly matches: HostMatcher;
}

export interface BlockedHostsOptions {
  readonly source: FileSource;
  readonly onReload?: (reloaded: Reloaded<BlockedList>) => void;
  readonly pollMs?: number;
}

export type BlockedHosts = Followed<BlockedList>;

/** No list. */
export const NO_BLOCKED_HOSTS: BlockedHosts = fixedValue({ hosts: 0, matches: () => false });

/** Loads the list and follows its file. @throws Error with the reason when the first load fails. */
export const openBlockedHosts = async (options: BlockedHostsOptions): Promise<BlockedHosts> =>
  await followFile({ ...options, parse });

function parse(text: string): BlockedList {
  const list = parseHostList(text);
  if (list.ok) return { hosts: list.suffixes.length, matches: createHostMatcher(list.suffixes) };
  throw new Error(list.errors.map(({ line, detail }) => `line ${line}: ${detail}`).join('; '));
}

/** The list as a file. */
export const blockedHostsFile = (path: string): FileSource => fileSource(path, HOST_LIST_BYTES_MAX);

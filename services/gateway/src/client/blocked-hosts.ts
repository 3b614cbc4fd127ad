// Hosts whose media are refused, from a file that is read again when it changes. A bad new file keeps the old list: an
// administrator's typo must not unblock anybody.

import { watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HOST_LIST_BYTES_MAX, type HostMatcher, createHostMatcher, parseHostList } from '@sekisho/netguard';

/** Where a watch is silent: network file systems, and mounts that are swapped as a whole. */
const POLL_MS = 10_000;

export interface ListSource {
  /** Changes whenever the content may have changed. */
  stamp(): Promise<string>;
  read(): Promise<string>;
  /** Calls back on changes it hears of; missing some is allowed. */
  watch(onChange: () => void): { close(): void };
}

export type ReloadState = { readonly ok: true; readonly hosts: number } | { readonly ok: false; readonly detail: string };

export interface BlockedHostsOptions {
  readonly source: ListSource;
  /** After each attempt to load a changed file; for the metric and the log. */
  readonly onReload?: (state: ReloadState) => void;
  readonly pollMs?: number;
}

export interface BlockedHosts {
  readonly isBlocked: HostMatcher;
  /** Looks for a change now. */
  reload(): Promise<void>;
  close(): void;
}

/** No list. */
export const NO_BLOCKED_HOSTS: BlockedHosts = { isBlocked: () => false, reload: async () => undefined, close: () => undefined };

/** Loads the list and follows its file. @throws Error with the reason when the first load fails. */
export async function openBlockedHosts(options: BlockedHostsOptions): Promise<BlockedHosts> {
  const { source } = options;
  let stamp = await source.stamp();
  let matcher = parse(await source.read());
  let closed = false;
  let last: Promise<void> = Promise.resolve();

  const load = async (): Promise<void> => {
    if (closed) return;
    try {
      const next = await source.stamp();
      if (next === stamp) return;
      stamp = next;
      matcher = parse(await source.read());
      options.onReload?.({ ok: true, hosts: matcher.hosts });
    } catch (error) {
      options.onReload?.({ ok: false, detail: error instanceof Error ? error.message : String(error) });
    }
  };
  // One after the other: two loads at once could leave the older list in place.
  const reload = (): Promise<void> => (last = last.then(load));
  const timer = setInterval(() => void reload(), options.pollMs ?? POLL_MS).unref();
  const watcher = source.watch(() => void reload());
  return {
    isBlocked: (host) => matcher.matches(host),
    reload,
    close: () => {
      closed = true;
      clearInterval(timer);
      watcher.close();
    },
  };
}

function parse(text: string): { readonly hosts: number; readonly matches: HostMatcher } {
  const list = parseHostList(text);
  if (list.ok) return { hosts: list.suffixes.length, matches: createHostMatcher(list.suffixes) };
  throw new Error(list.errors.map(({ line, detail }) => `line ${line}: ${detail}`).join('; '));
}

/** The list as a file. */
export const fileSource = (path: string): ListSource => ({
  stamp: async () => {
    const { ino, size, mtimeMs } = await stat(path);
    if (size > HOST_LIST_BYTES_MAX) throw new Error('the list is too large');
    return `${ino}.${size}.${mtimeMs}`;
  },
  read: async () => await readFile(path, 'utf8'),
  watch: (onChange) => {
    // The folder: an editor or a mount replaces the file, and a watch on it would stay with the old one.
    const watcher = watch(dirname(path), { persistent: false }, onChange);
    watcher.on('error', () => watcher.close());
    return watcher;
  },
});

// A settings file that is read again when it changes. A bad new file keeps the old value: an administrator's typo must
// neither open a gate nor stop a service that runs.

import { readFileSync, statSync, watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from './error-code.ts';

/** Where a watch is silent: network file systems, and mounts that are swapped as a whole. */
const POLL_MS = 10_000;
/** A file that is written in place is empty for a moment, and an empty list of blocked hosts would open every gate. */
const SETTLE_MS = 200;

export interface FileSource {
  /** Changes whenever the content may have changed. */
  stamp(): Promise<string>;
  read(): Promise<string>;
  /** Calls back on changes it hears of; missing some is allowed. */
  watch(onChange: () => void): { close(): void };
}

export type Reloaded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly detail: string };

export interface FollowOptions<T> {
  readonly source: FileSource;
  /** Text to value. @throws Error whose message names the line. */
  readonly parse: (text: string) => T;
  /** After each attempt to load a changed file; for the metric and the log. */
  readonly onReload?: (reloaded: Reloaded<T>) => void;
  /** ms between two looks. */
  readonly pollMs?: number | undefined;
}

export interface Followed<T> {
  /** Of the last good file. */
  readonly value: T;
  /** Looks for a change now. */
  reload(): Promise<void>;
  close(): void;
}

/** A value that no file changes. */
export const fixedValue = <T>(value: T): Followed<T> => ({ value, reload: async () => undefined, close: () => undefined });

/** Loads the file and follows it. @throws Error with the reason when the first load fails. */
export async function followFile<T>(options: FollowOptions<T>): Promise<Followed<T>> {
  const { source, parse } = options;
  let stamp = await source.stamp();
  let value = parse(await source.read());
  let closed = false;
  let last: Promise<void> = Promise.resolve();

  const load = async (): Promise<void> => {
    if (closed) return;
    const next = await stampOf(source);
    if (next === stamp) return;
    stamp = next;
    try {
      // Fails with the reason again where there is no file.
      await source.stamp();
      const text = await source.read();
      // Half of a list would open what the other half denies: what changed meanwhile is read at the next look.
      if ((await stampOf(source)) !== next) {
        stamp = '';
        return;
      }
      value = parse(text);
      options.onReload?.({ ok: true, value });
    } catch (error) {
      options.onReload?.({ ok: false, detail: error instanceof Error ? error.message : String(error) });
    }
  };
  // One after the other: two loads at once could leave the older value in place.
  const reload = (): Promise<void> => (last = last.then(load));
  const timer = setInterval(() => void reload(), options.pollMs ?? POLL_MS).unref();
  const watcher = source.watch(() => void reload());
  return {
    get value() {
      return value;
    },
    reload,
    close: () => {
      closed = true;
      clearInterval(timer);
      watcher.close();
    },
  };
}

/** A file that cannot be looked at has a stamp too, so that it is reported once. */
const stampOf = async (source: FileSource): Promise<string> =>
  await source.stamp().catch((error: unknown) => `failed: ${error instanceof Error ? error.message : String(error)}`);

export interface FileForm<T> {
  readonly bytesMax: number;
  readonly parse: (text: string) => T;
}

/** What a file on disk holds now, so that the check of a configuration tells what following it would. @throws Error with the reason. */
export function readFileNow<T>(path: string, { bytesMax, parse }: FileForm<T>): T {
  try {
    const { size } = statSync(path);
    return size > bytesMax ? tooLarge(bytesMax) : parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const code = errorCode(error);
    throw code === undefined ? error : new Error(`the file cannot be read (${code})`, { cause: error });
  }
}

function tooLarge(bytesMax: number): never {
  throw new Error(`the file is larger than ${bytesMax} bytes`);
}

/** A file on disk of at most `bytesMax` bytes. */
export const fileSource = (path: string, bytesMax: number): FileSource => ({
  stamp: async () => {
    const { ino, size, mtimeMs } = await stat(path);
    if (size > bytesMax) tooLarge(bytesMax);
    return `${ino}.${size}.${mtimeMs}`;
  },
  read: async () => await readFile(path, 'utf8'),
  watch: (onChange) => {
    // The folder: an editor or a mount replaces the file, and a watch on it would stay with the old one.
    let timer: NodeJS.Timeout | undefined;
    const watcher = watch(dirname(path), { persistent: false }, () => {
      clearTimeout(timer);
      timer = setTimeout(onChange, SETTLE_MS).unref();
    });
    watcher.on('error', () => watcher.close());
    return {
      close: () => {
        clearTimeout(timer);
        watcher.close();
      },
    };
  },
});

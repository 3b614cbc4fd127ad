import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Programs {
  readonly unbound: string;
  readonly checkconf: string;
  /** Starts a program that dies with this process, however this one ends. In a container the kernel does the same. */
  readonly setpriv: string | undefined;
}

/** Where Debian puts daemons, which is not on every PATH. */
const FOLDERS = ['/usr/sbin', '/usr/bin'];

/** @throws Error with the sentence what to install. */
export function findPrograms(path: string): Programs {
  const find = (name: string): string | undefined => [...path.split(delimiter), ...FOLDERS].filter((folder) => folder.startsWith('/')).map((folder) => join(folder, name)).find(existsSync);
  const [unbound, checkconf] = [find('unbound'), find('unbound-checkconf')];
  if (unbound === undefined || checkconf === undefined) throw new Error('unbound is not installed; run: sudo apt install unbound');
  return { unbound, checkconf, setpriv: find('setpriv') };
}

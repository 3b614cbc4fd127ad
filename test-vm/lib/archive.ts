// Initial RAM file systems: cpio archives, of which the kernel unpacks any number behind each other in one file.

import { appendFileSync, cpSync, readFileSync } from 'node:fs';
import { findProgram } from '../../scripts/set-up/programs.ts';
import { run } from './command.ts';

/** Everything below `folder`, owned by root whoever packs it. */
export function pack(folder: string, archive: string): void {
  run('sh', ['-c', 'find . | "$1" cpio -o -H newc -R 0:0 -F "$2"', 'pack', findProgram('busybox') ?? 'busybox', archive], { cwd: folder });
}

/** The later one wins where both have a file. */
export function join(archives: readonly [string, string], archive: string): void {
  cpSync(archives[0], archive);
  appendFileSync(archive, readFileSync(archives[1]));
}

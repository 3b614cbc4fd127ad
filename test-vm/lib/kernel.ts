// A kernel with AppArmor: the distribution's own for virtual machines, fetched from its package and not installed.

import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CommandFailed, run } from './command.ts';
import { complete, draftFolder, stateFolder } from './state.ts';

/** Depends on the package that holds the kernel of the day. */
const META_PACKAGE = 'linux-image-cloud-amd64';

export class NoKernel extends Error {}

/**
 * Path of a kernel image: that of KERNEL if given, else the one kept, else the package's.
 * @throws NoKernel with the reason.
 */
export function ensureKernel(): string {
  const given = process.env['KERNEL'];
  if (given !== undefined) return given;
  const folder = stateFolder('kernel');
  const kept = readdirSync(folder).find((name) => name.startsWith('vmlinuz-'));
  return kept === undefined ? fetchKernel(folder) : join(folder, kept);
}

function fetchKernel(folder: string): string {
  if (!existsSync('/usr/bin/apt-get')) throw new NoKernel(`no Debian package manager to fetch ${META_PACKAGE} with; KERNEL can name a kernel image with AppArmor`);
  const draft = draftFolder();
  try {
    const name = packageName();
    run('apt-get', ['download', '-qq', name], { cwd: draft });
    const [archive = ''] = readdirSync(draft);
    run('dpkg-deb', ['--extract', archive, 'content'], { cwd: draft });
    const image = readdirSync(join(draft, 'content/boot')).find((file) => file.startsWith('vmlinuz-'));
    if (image === undefined) throw new NoKernel(`${name} holds no kernel`);
    return complete(join(folder, image), (path) => cpSync(join(draft, 'content/boot', image), path));
  } catch (error) {
    throw error instanceof CommandFailed ? new NoKernel(`${META_PACKAGE} cannot be had: ${error.message}`) : error;
  } finally {
    rmSync(draft, { recursive: true });
  }
}

function packageName(): string {
  const ask = (): string | undefined => /^ {2}Depends: (linux-image-\S+)$/m.exec(run('apt-cache', ['depends', META_PACKAGE]))?.[1];
  const known = (() => {
    try {
      return ask();
    } catch {
      return undefined;
    }
  })();
  if (known !== undefined) return known;
  run('apt-get', ['update', '-qq']);
  const name = ask();
  if (name === undefined) throw new NoKernel(`${META_PACKAGE} is not in this system's package lists`);
  return name;
}

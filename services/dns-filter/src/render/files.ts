// The folder of the rendered files: for this user alone, because whoever can write the control socket commands the filter.
// Each file is replaced as a whole; a zone is checked before it takes the place of the old one.

import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RpzZone, unboundConf, type UnboundSettings } from '@sekisho/netguard/dns';

export interface FilterFiles {
  readonly confFile: string;
  /** Like `confFile`, about the zone that is not in place yet. */
  readonly checkFile: string;
  readonly controlSocket: string;
  /** Writes the zone beside the one in place. */
  stage(zone: RpzZone): void;
  /** Puts the staged zone in place. */
  install(): void;
  /** Unbound lets its group use the socket; the folder keeps everybody else out meanwhile. */
  closeSocket(): void;
}

export type FileSettings = Omit<UnboundSettings, 'zoneFile' | 'controlSocket'>;

/** Makes the folder and both configurations. @throws Error when the folder is somebody else's. */
export function prepareFiles(folder: string, settings: FileSettings): FilterFiles {
  const own = join(folder, 'unbound');
  makeOwn(folder, own);
  const zoneFile = join(own, 'rpz.zone');
  const nextFile = join(own, 'rpz.zone.next');
  const controlSocket = join(own, 'control');
  const confFile = join(own, 'unbound.conf');
  const checkFile = join(own, 'check.conf');
  replace(confFile, unboundConf({ ...settings, zoneFile, controlSocket }));
  replace(checkFile, unboundConf({ ...settings, zoneFile: nextFile, controlSocket }));
  return {
    confFile,
    checkFile,
    controlSocket,
    stage: ({ text }) => replace(nextFile, text),
    install: () => renameSync(nextFile, zoneFile),
    closeSocket: () => chmodSync(controlSocket, 0o600),
  };
}

function makeOwn(folder: string, own: string): void {
  mkdirSync(folder, { recursive: true });
  mkdirSync(own, { recursive: true, mode: 0o700 });
  const found = lstatSync(own);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) throw new Error(`${own} is not a folder of this user: remove it or choose another with SEKISHO_DNS_FILTER_FOLDER`);
  chmodSync(own, 0o700);
}

function replace(path: string, text: string): void {
  const fresh = `${path}.new`;
  rmSync(fresh, { force: true });
  writeFileSync(fresh, text, { mode: 0o600, flag: 'wx' });
  renameSync(fresh, path);
}

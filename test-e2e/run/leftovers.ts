// What a cluster that was taken down may have left on the machine. Nothing is the only right answer.

import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';

const GROUPS = '/sys/fs/cgroup';
const GROUP = 'sekisho';
const INTERNET = 'test-e2e/internet/main.ts';

/** @param folder where the cluster keeps its programs and files. */
export function leftovers(folder: string): readonly string[] {
  return [...processes(folder), ...mounts(folder), ...controlGroups()];
}

const processes = (folder: string): readonly string[] =>
  readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    const command = textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
    const isOurs = programOf(pid).startsWith(`${folder}/`) || command.includes(`${folder}/`) || command.includes(INTERNET);
    return isOurs ? [`process ${pid}: ${command.slice(0, 200)}`] : [];
  });

const mounts = (folder: string): readonly string[] =>
  textOf('/proc/self/mounts').split('\n').flatMap((line) => {
    const [, path = ''] = line.split(' ');
    return path.startsWith(`${folder}/`) ? [`mount ${path}`] : [];
  });

const controlGroups = (): readonly string[] =>
  readdirSync(GROUPS).map((controller) => `${GROUPS}/${controller}/${GROUP}`).filter((path) => existsSync(path)).map((path) => `control group ${path}`);

function programOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return '';
  }
}

/** Empty when it is gone meanwhile. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

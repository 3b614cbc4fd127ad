// Files: reading what is not a decoder's, changing anything at all.

import type { Attempt, Wall } from './attempt.ts';

const FILES: readonly Wall[] = ['landlock_files'];
/** Opening for reading is the one thing that the filter must allow. */
const BOTH: readonly Wall[] = ['landlock_files', 'seccomp'];
/** Landlock has no right for it. */
const FILTER: readonly Wall[] = ['seccomp'];
const READ = 'a byte is read';
const DONE = 'the call returns';
const OPEN = 'it is open for writing';

const reading: readonly Attempt[] = [
  { name: 'open_passwd', gain: 'any file that the user of the worker may read', told: READ, heldBy: FILES },
  { name: 'open_shadow', gain: 'files of root', told: READ, heldBy: FILES, needs: 'root', mayLack: true },
  { name: 'sa_token', gain: 'a token that is mounted into the pod', told: READ, heldBy: FILES },
  { name: 'redis_password', gain: 'the password of the worker at the work Redis', told: READ, heldBy: FILES },
  { name: 'openssl_conf_read', gain: 'configuration of the system', told: READ, heldBy: FILES, mayLack: true },
  { name: 'proc_sys_read', gain: 'settings of the kernel', told: READ, heldBy: FILES },
  { name: 'list_folder', gain: 'names of files', told: 'the folder opens', heldBy: FILES },
  { name: 'inotify_watch', gain: 'when others use which files', told: 'the watch stands', heldBy: ['seccomp'] },
  { name: 'fanotify_init', gain: 'the same, system-wide', told: 'there is a descriptor', heldBy: FILTER, mayLack: true },
  { name: 'name_to_handle', gain: 'handles of files, to open them past their path', told: DONE, heldBy: FILTER },
  { name: 'open_by_handle', gain: 'any file of the disk, past the root of the container', told: 'the file system is asked', heldBy: FILTER, needs: 'root' },
  { name: 'js_read', gain: 'redis_password by Node', told: READ, heldBy: FILES },
  { name: 'js_thread_read', gain: 'the same from a new thread, in case it is outside of the walls', told: READ, heldBy: FILES, alone: true },
];

const writing: readonly Attempt[] = [
  { name: 'write_tmp', gain: 'a post box between decoders of different sites; a full disk', told: OPEN, heldBy: BOTH },
  { name: 'write_shm', gain: 'the same in memory', told: OPEN, heldBy: BOTH, mayLack: true },
  { name: 'font_cache_write', gain: 'a font cache that the next decoder parses', told: OPEN, heldBy: BOTH },
  { name: 'unnamed_file', gain: 'a file without a name', told: OPEN, heldBy: BOTH, mayLack: true },
  { name: 'decoder_code_write', gain: 'code that the next decoder runs', told: OPEN, heldBy: BOTH },
  { name: 'reopen_for_writing', gain: 'the same through /proc/self/fd', told: OPEN, heldBy: BOTH },
  { name: 'proc_sys_write', gain: 'settings of the kernel, such as the program that gets core dumps', told: OPEN, heldBy: BOTH, needs: 'root', mayLack: true },
  { name: 'mkdir_tmp', gain: 'a post box', told: DONE, heldBy: BOTH },
  { name: 'unlink', gain: 'files of the worker are gone', told: DONE, heldBy: BOTH },
  { name: 'truncate', gain: 'files of the worker are empty', told: DONE, heldBy: BOTH },
  { name: 'rename', gain: 'files of the worker are others', told: DONE, heldBy: BOTH },
  { name: 'symlink', gain: 'the worker is led to other files', told: DONE, heldBy: BOTH },
  { name: 'link', gain: 'files that stay after they are removed', told: DONE, heldBy: BOTH },
  { name: 'mkfifo', gain: 'a worker that waits for ever', told: DONE, heldBy: BOTH },
  { name: 'mknod', gain: 'memory and disks as files', told: DONE, heldBy: BOTH, needs: 'root' },
  { name: 'chmod', gain: 'files of the worker open to everybody', told: DONE, heldBy: FILTER },
  { name: 'chown', gain: 'files of somebody else', told: DONE, heldBy: FILTER, needs: 'root' },
  { name: 'utimes', gain: 'false times, and a slow post box', told: DONE, heldBy: FILTER },
  { name: 'setxattr', gain: 'a post box in attributes', told: DONE, heldBy: FILTER, mayLack: true },
  { name: 'js_write', gain: 'write_tmp by Node', told: 'the file is written', heldBy: ['landlock_files', 'seccomp', 'limits'] },
];

export const FILE_ATTEMPTS: readonly Attempt[] = [...reading, ...writing];

// The kernel takes the decoder's filter, and does what the policy says: each call with and without it.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { compileStatic, ensureLauncher, launcherProblem } from '../../set-up/launcher.ts';
import { type Architecture, X32_BIT, numberOf } from './machine.ts';

const architecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';
const filter = join(dirname(dirname(dirname(import.meta.dirname))), `k8s/seccomp/decoder.${architecture}.bpf`);
const folder = mkdtempSync(join(tmpdir(), 'sekisho-seccomp-'));
const program = join(folder, 'call');
const problem = launcherProblem();
const RUN_MS = 20_000;

function outcome(command: string, args: readonly (string | number)[]): string {
  const { signal, stdout, stderr, error } = spawnSync(command, args.map(String), { env: {}, encoding: 'utf8', timeout: RUN_MS, killSignal: 'SIGKILL' });
  if (error !== undefined) throw error;
  return signal ?? (stdout === '' ? stderr : stdout).trim();
}

type Call = readonly [number: number | 'i386', ...args: readonly (string | number)[]];
const call = (name: string, ...args: readonly (string | number)[]): Call => [numberOf(architecture, name) ?? -1, ...args];
const compare = (of: Call) => ({ free: outcome(program, of), filtered: outcome(ensureLauncher(), ['--filter', filter, '--', program, ...of]) });

/** AT_FDCWD. */
const CWD = -100;
const [PRIVATE, PRIVATE_ANONYMOUS] = [0x2, 0x22];

const DENIED: readonly (readonly [what: string, call: Call, free: string, filtered: string])[] = [
  ['ptrace', call('ptrace', 0), 'ok', 'SIGSYS'],
  ['unshare', call('unshare', 0), 'ok', 'SIGSYS'],
  ['execveat', call('execveat', CWD, 'path', 0, 0, 0), 'ENOENT', 'SIGSYS'],
  ['setns', call('setns', -1, 0), 'EBADF', 'SIGSYS'],
  ['pidfd_open', call('pidfd_open', 1, 0), 'ok', 'SIGSYS'],
  ['process_vm_readv', call('process_vm_readv', 0, 0, 0, 0, 0, 1), 'EINVAL', 'SIGSYS'],
  ['clone3', call('clone3', 0, 0), 'EINVAL', 'ENOSYS'],
  ['openat2', call('openat2', CWD, 'path', 0, 0), 'EINVAL', 'ENOSYS'],
  ['a process', call('clone', 17), 'ok', 'EPERM'],
  ['a socket', call('socket', 2, 1, 0), 'ok', 'EPERM'],
  ['a file of memory', call('memfd_create', 'path', 0), 'ok', 'EPERM'],
  ['a signal', call('kill', 0, 0), 'ok', 'EPERM'],
  ['writing', call('openat', CWD, 'path', 1), 'ENOENT', 'EPERM'],
  ['making', call('openat', CWD, 'path', 0o100), 'ENOENT', 'EPERM'],
  ['removing', call('unlinkat', CWD, 'path', 0), 'ENOENT', 'EPERM'],
  ['a limit', call('prlimit64', 0, 4, 'page', 0), 'ok', 'EPERM'],
  ['executable memory', call('mmap', 0, 4_096, 5, PRIVATE_ANONYMOUS, -1, 0), 'ok', 'EPERM'],
  ['writable executable memory', call('mmap', 0, 4_096, 7, PRIVATE_ANONYMOUS, -1, 0), 'ok', 'EPERM'],
  ['a writable executable copy of a file', call('mmap', 0, 4_096, 7, PRIVATE, 'file', 0), 'ok', 'EPERM'],
  ['code made of data', call('mprotect', 'page', 4_096, 5), 'ok', 'EPERM'],
];

const ALLOWED: readonly (readonly [what: string, call: Call, outcome: string])[] = [
  ['reading', call('openat', CWD, 'path', 0), 'ENOENT'],
  ['memory', call('mmap', 0, 4_096, 3, PRIVATE_ANONYMOUS, -1, 0), 'ok'],
  ['code of a file', call('mmap', 0, 4_096, 5, PRIVATE, 'file', 0), 'ok'],
  ['memory that nobody may touch', call('mprotect', 'page', 4_096, 0), 'ok'],
  ['asking for a limit', call('prlimit64', 0, 7, 0, 'page'), 'ok'],
  ['another program', call('execve', 'path', 0, 0), 'ENOENT'],
];

(problem === undefined ? describe : describe.skip)(`decoder.${architecture}.bpf in the kernel${problem === undefined ? '' : `: ${problem}`}`, () => {
  if (problem === undefined) compileStatic(join(import.meta.dirname, 'testing/call.c'), program);
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(DENIED)('ends or refuses %s', (_what, of, free, filtered) => {
    expect(compare(of)).toEqual({ free, filtered });
  });
  it.each(ALLOWED)('lets %s pass', (_what, of, same) => {
    expect(compare(of)).toEqual({ free: same, filtered: same });
  });
  it.each<[string, Call]>([
    ['x32', [X32_BIT + (numberOf('x86_64', 'getpid') ?? -1)]],
    // getpid of i386. A kernel without its entry answers SIGSEGV in any case.
    ['i386', ['i386', 20]],
  ])('ends %s', (_what, of) => {
    const { free, filtered } = architecture === 'x86_64' ? compare(of) : { free: '', filtered: 'SIGSYS' };
    expect(free).not.toBe('SIGSYS');
    expect(filtered).toBe(free === 'SIGSEGV' ? 'SIGSEGV' : 'SIGSYS');
  });
});

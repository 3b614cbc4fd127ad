// The decoder's filter as it lies in the repository, rule by rule: what is just allowed and what is just refused. Numbers
// are written out here and not taken from the tables that the filter is made from.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { decode } from './assembler.ts';
import { RETURN } from './compile.ts';
import { run } from './interpreter.ts';
import { ARCHITECTURES, type Architecture, AUDIT_ARCH, numberOf } from './machine.ts';
import type { Action } from './policy.ts';

const root = dirname(dirname(dirname(import.meta.dirname)));
const filters = Object.fromEntries(ARCHITECTURES.map((architecture) => [architecture, decode(readFileSync(join(root, `k8s/seccomp/decoder.${architecture}.bpf`)))]));

type Case = readonly [name: string, args: readonly bigint[], what: string];
const HIGH = 1n << 32n;
/** Any value: an argument that no rule looks at. */
const X = 0xdead_beef_dead_beefn;
const [READ, WRITE, EXEC] = [1n, 2n, 4n];
const [SHARED, PRIVATE, ANONYMOUS, FIXED, DENYWRITE] = [1n, 2n, 0x20n, 0x10n, 0x800n];
const THREAD = 0x3d_0f_00n;
const CWD = 0xffff_ff9cn;
const CLOEXEC = 0o2_000_000n;

const ALLOWED: readonly Case[] = [
  ['mmap', [0n, 4_096n, 0n, PRIVATE | ANONYMOUS, X, 0n], 'a guard'],
  ['mmap', [0n, 4_096n, READ | WRITE, PRIVATE | ANONYMOUS, X, 0n], 'data'],
  ['mmap', [0n, 4_096n, READ | WRITE, PRIVATE, 3n, 0n], 'a copy of a file'],
  ['mmap', [X, 4_096n, READ | EXEC, PRIVATE | FIXED | DENYWRITE, 3n, 0n], 'code of a library'],
  ['mmap', [0n, 4_096n, EXEC, PRIVATE, 3n, 0n], 'code that cannot be read'],
  ['mprotect', [X, 4_096n, 0n], 'to nothing'],
  ['mprotect', [X, 4_096n, READ | WRITE], 'to data'],
  ['mremap', [X, 1n, 2n, 1n], 'that may move'],
  ['mremap', [X, 1n, 2n, 0n], 'in place'],
  ['madvise', [X, 4_096n, 4n], 'MADV_DONTNEED'],
  ['madvise', [X, 4_096n, 8n], 'MADV_FREE'],
  ['madvise', [X, 4_096n, 10n], 'MADV_DONTFORK'],
  ['madvise', [X, 4_096n, HIGH | 4n], 'whose upper half the kernel does not read'],
  ['clone', [THREAD, X, X, X, X], 'of a thread'],
  ['openat', [CWD, X, 0n], 'for reading'],
  ['openat', [CWD, X, CLOEXEC], 'for reading, closed on exec'],
  ['openat', [CWD, X, HIGH | CLOEXEC], 'whose upper half the kernel does not read'],
  ['fcntl', [0n, 1n], 'F_GETFD'],
  ['fcntl', [0n, 2n, 1n], 'F_SETFD'],
  ['fcntl', [0n, 3n], 'F_GETFL'],
  ['fcntl', [0n, 4n, 0n], 'F_SETFL'],
  ['ioctl', [0n, 0x5401n, X], 'TCGETS'],
  ['ioctl', [0n, 0x5421n, X], 'FIONBIO'],
  ['prctl', [15n, X], 'PR_SET_NAME'],
  ['prlimit64', [0n, 7n, 0n, X], 'that asks'],
  ['clock_gettime', [0n, X], 'of the day'],
  ['clock_gettime', [HIGH | 7n, X], 'since the start, with an upper half that the kernel does not read'],
  ['clock_nanosleep', [1n, 0n, X, X], 'by the steady clock'],
  ['prlimit64', [HIGH, 7n, 0n, X], 'whose upper half of the pid the kernel does not read'],
  ...['read', 'write', 'futex', 'epoll_pwait', 'execve', 'exit_group', 'restart_syscall'].map((name): Case => [name, [X, X, X, X, X, X], 'whatever']),
];

const REFUSED: readonly Case[] = [
  ['mmap', [0n, 4_096n, READ | EXEC, PRIVATE | ANONYMOUS, X, 0n], 'executable memory'],
  ['mmap', [0n, 4_096n, EXEC, PRIVATE | ANONYMOUS, X, 0n], 'memory to execute only'],
  ['mmap', [0n, 4_096n, READ | WRITE | EXEC, PRIVATE | ANONYMOUS, X, 0n], 'writable and executable memory'],
  ['mmap', [0n, 4_096n, READ | WRITE | EXEC, PRIVATE, 3n, 0n], 'a writable and executable copy of a file'],
  ['mmap', [0n, 4_096n, WRITE | EXEC, PRIVATE, 3n, 0n], 'the same, not readable'],
  ['mmap', [0n, 4_096n, READ | EXEC, SHARED, 3n, 0n], 'code that others may write'],
  ['mmap', [0n, 4_096n, READ | EXEC, 3n, 3n, 0n], 'code that others may write, by the checked form'],
  ['mmap', [0n, 4_096n, READ | EXEC, 0n, 3n, 0n], 'code of no type'],
  ['mmap', [0n, 4_096n, READ | EXEC, HIGH | PRIVATE | ANONYMOUS, X, 0n], 'executable memory with high flags'],
  ['mmap', [0n, 4_096n, HIGH | READ | WRITE, PRIVATE | ANONYMOUS, X, 0n], 'protection in the upper half'],
  ['mmap', [0n, 4_096n, HIGH | READ | EXEC, PRIVATE, 3n, 0n], 'code with protection in the upper half'],
  ['mmap', [0n, 4_096n, 8n, PRIVATE | ANONYMOUS, X, 0n], 'PROT_SEM'],
  ['mprotect', [X, 4_096n, EXEC], 'to code'],
  ['mprotect', [X, 4_096n, READ | EXEC], 'to readable code'],
  ['mprotect', [X, 4_096n, READ | WRITE | EXEC], 'to everything'],
  ['mprotect', [X, 4_096n, HIGH | READ], 'in the upper half'],
  ['mprotect', [X, 4_096n, 0x0100_0000n | READ], 'growing down'],
  ['pkey_mprotect', [X, 4_096n, READ, 0n], 'with a key'],
  ['mremap', [X, 1n, 2n, 3n, X], 'to a fixed place'],
  ['mremap', [X, 1n, 2n, 5n], 'that leaves the old one'],
  ['mremap', [X, 1n, 2n, HIGH | 1n], 'in the upper half'],
  ['madvise', [X, 4_096n, 9n], 'MADV_REMOVE'],
  ['madvise', [X, 4_096n, 11n], 'MADV_DOFORK'],
  ['madvise', [X, 4_096n, 100n], 'MADV_HWPOISON'],
  ['clone', [17n, 0n, 0n, 0n, 0n], 'of a process, as fork'],
  ['clone', [0x4111n, X], 'of a process, as vfork'],
  ['clone', [THREAD & ~0x1_00_00n, X], 'that is no thread'],
  ['clone', [THREAD & ~0x1_00n, X], 'with memory of its own'],
  ['clone', [THREAD | 0x1000_0000n, X], 'with a user namespace'],
  ['clone', [THREAD | 0x2_0000n, X], 'with a mount namespace'],
  ['clone', [THREAD | 0x11n, X], 'with a signal at its end'],
  ['clone', [HIGH | THREAD, X], 'in the upper half'],
  ['openat', [CWD, X, 1n], 'for writing'],
  ['openat', [CWD, X, 2n], 'for reading and writing'],
  ['openat', [CWD, X, 3n], 'of the fourth kind'],
  ['openat', [CWD, X, 0o100n], 'that makes a file'],
  ['openat', [CWD, X, 0o1_000n], 'that empties a file'],
  ['openat', [CWD, X, 0o2_000n], 'at the end'],
  ['openat', [CWD, X, 0x40_0000n], 'of a file without a name'],
  ['openat', [CWD, X, 0x20_0000n], 'of a place only (O_PATH)'],
  ['fcntl', [0n, 0n], 'F_DUPFD'],
  ['fcntl', [0n, 5n, X], 'F_GETLK'],
  ['fcntl', [0n, 8n, 1n], 'F_SETOWN'],
  ['fcntl', [0n, 1_031n, X], 'F_SETPIPE_SZ'],
  ['fcntl', [0n, 1_033n, X], 'F_ADD_SEALS'],
  ['ioctl', [0n, 0x5400n, X], 'just below TCGETS'],
  ['ioctl', [0n, 0x5402n, X], 'TCSETS'],
  ['ioctl', [0n, 0x5412n, X], 'TIOCSTI'],
  ['ioctl', [0n, 0x5420n, X], 'TIOCPKT'],
  ['prctl', [1n, 0n], 'PR_SET_PDEATHSIG'],
  ['prctl', [4n, 1n], 'PR_SET_DUMPABLE'],
  ['prctl', [14n], 'PR_GET_TIMERSLACK'],
  ['prctl', [16n, X], 'PR_GET_NAME'],
  ['prctl', [22n, 1n], 'PR_SET_SECCOMP'],
  ['prlimit64', [0n, 7n, X, 0n], 'that sets'],
  ['prlimit64', [0n, 7n, HIGH, 0n], 'that sets, with a pointer whose lower half is zero'],
  ['prlimit64', [0n, 7n, 1n, 0n], 'that sets, from the first byte'],
  ['prlimit64', [1n, 7n, 0n, X], 'of another process'],
  // ~PID << 3 | 2: the processor time of process 1, of the own process by another name, and of a thread.
  ['clock_gettime', [0xff_ff_ff_f2n, X], 'of another process'],
  ['clock_gettime', [0xff_ff_ff_fan, X], 'of a process by its number'],
  ['clock_gettime', [0xff_ff_ff_f6n, X], 'of a thread'],
  ['clock_gettime', [8n, X], 'that wakes the machine'],
  ['clock_getres', [0xff_ff_ff_f2n, X], 'of another process'],
  ['clock_nanosleep', [0xff_ff_ff_f2n, 0n, X, X], 'until another process has computed'],
  ...[
    'socket', 'socketpair', 'connect', 'sendmsg', 'sendto', 'bind', 'kill', 'tgkill', 'tkill', 'rt_sigqueueinfo', 'memfd_create', 'memfd_secret',
    'setpriority', 'setrlimit', 'sched_setaffinity', 'sched_setscheduler', 'personality', 'shmat', 'shmget', 'remap_file_pages', 'unlinkat', 'mkdirat',
    'renameat2', 'linkat', 'symlinkat', 'fchmodat', 'fchownat', 'truncate', 'ftruncate', 'fallocate', 'dup', 'dup3', 'ioprio_set', 'setuid', 'capset',
    'chdir', 'getppid', 'wait4', 'inotify_init1', 'fanotify_init', 'timerfd_create', 'splice', 'vmsplice', 'seccomp',
    'landlock_restrict_self', 'name_to_handle_at', 'migrate_pages', 'move_pages', 'mlock', 'msgget', 'mq_open', 'copy_file_range',
  ].map((name): Case => [name, [0n, 0n, 0n, 0n, 0n, 0n], 'at all']),
];

const KILLED = [
  'ptrace', 'process_vm_readv', 'process_vm_writev', 'pidfd_open', 'pidfd_getfd', 'pidfd_send_signal', 'execveat', 'bpf', 'perf_event_open', 'userfaultfd',
  'add_key', 'request_key', 'keyctl', 'mount', 'umount2', 'pivot_root', 'open_tree', 'move_mount', 'fsopen', 'fsconfig', 'fsmount', 'fspick', 'mount_setattr',
  'unshare', 'setns', 'open_by_handle_at', 'init_module', 'finit_module', 'delete_module', 'kexec_load', 'kexec_file_load', 'kcmp', 'chroot', 'reboot',
];
const ABSENT = ['clone3', 'io_uring_setup', 'io_uring_enter', 'io_uring_register', 'openat2', 'pkey_alloc'];

/** Calls that only one architecture has, with flags that differ from the other's. */
const OWN: Readonly<Record<Architecture, { readonly allowed: readonly Case[]; readonly refused: readonly Case[] }>> = {
  x86_64: {
    allowed: [
      ['openat', [CWD, X, 0o200_000n | 0o4_000n | CLOEXEC], 'of a directory'],
      ['openat', [CWD, X, 0o400_000n | 0o100_000n], 'without following a link, a large file'],
      ...['access', 'stat', 'readlink', 'arch_prctl'].map((name): Case => [name, [X, X, X], 'whatever']),
    ],
    refused: [
      ['openat', [CWD, X, 0o40_000n], 'past the page cache (O_DIRECT)'],
      ['openat', [CWD, X, 0x40_0000n | 0o200_000n], 'of a file without a name (O_TMPFILE)'],
      ['mmap', [0n, 4_096n, READ | EXEC | 0x10n, PRIVATE, 3n, 0n], 'a protection of arm64'],
      ...['open', 'creat', 'fork', 'vfork', 'unlink', 'rename', 'mkdir', 'dup2', 'poll', 'select', 'lstat', 'chmod', 'symlink', 'uselib', 'alarm', 'pipe', 'faccessat', 'readlinkat', 'nanosleep']
        .map((name): Case => [name, [0n, 0n, 0n], 'at all']),
    ],
  },
  arm64: {
    allowed: [
      ['openat', [CWD, X, 0o40_000n | 0o4_000n | CLOEXEC], 'of a directory'],
      ['openat', [CWD, X, 0o100_000n | 0o400_000n], 'without following a link, a large file'],
      ['mmap', [0n, 4_096n, READ | EXEC | 0x10n, PRIVATE | FIXED | DENYWRITE, 3n, 0n], 'code with branch targets, as its C library maps it'],
      ...['faccessat', 'readlinkat'].map((name): Case => [name, [X, X, X], 'whatever']),
    ],
    refused: [
      ['openat', [CWD, X, 0o200_000n], 'past the page cache (O_DIRECT)'],
      ['openat', [CWD, X, 0x40_0000n | 0o40_000n], 'of a file without a name (O_TMPFILE)'],
      ['mmap', [0n, 4_096n, READ | EXEC | 0x20n, PRIVATE, 3n, 0n], 'code with tags (PROT_MTE)'],
      ['mmap', [0n, 4_096n, READ | WRITE | 0x10n, PRIVATE | ANONYMOUS, X, 0n], 'data with branch targets'],
      ['mprotect', [X, 4_096n, READ | EXEC | 0x10n], 'to code with branch targets'],
      ...['mknodat', 'pselect6', 'ppoll', 'faccessat2', 'nanosleep', 'statfs'].map((name): Case => [name, [0n, 0n, 0n], 'at all']),
    ],
  },
};
const KILLED_OWN: Readonly<Record<Architecture, readonly string[]>> = { x86_64: ['ioperm', 'iopl', 'modify_ldt', 'create_module'], arm64: [] };

describe.each(ARCHITECTURES)('decoder.%s.bpf', (architecture) => {
  const verdict = (name: string, args: readonly bigint[] = []): Action | number | undefined => {
    const number = numberOf(architecture, name);
    if (number === undefined) throw new Error(`${architecture} has no ${name}`);
    const value = run(filters[architecture] ?? [], { architecture: AUDIT_ARCH[architecture], number, arguments: args });
    return (Object.keys(RETURN) as Action[]).find((action) => RETURN[action] === value) ?? value;
  };

  it.each([...ALLOWED, ...OWN[architecture].allowed])('lets %s %j pass: %s', (name, args) => {
    expect(verdict(name, args)).toBe('allow');
  });
  it.each([...REFUSED, ...OWN[architecture].refused])('refuses %s %j: %s', (name, args) => {
    expect(verdict(name, args)).toBe('EPERM');
  });
  it.each([...KILLED, ...KILLED_OWN[architecture]])('kills for %s', (name) => {
    expect(verdict(name)).toBe('kill');
  });
  it.each(ABSENT)('has no %s, so that callers take another way', (name) => {
    expect(verdict(name)).toBe('ENOSYS');
  });
});

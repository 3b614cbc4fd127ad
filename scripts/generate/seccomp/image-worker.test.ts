// The profile of the image-worker's pod as it lies in the chart: its form, what it lets pass and what not. Numbers are written
// out here and not taken from the tables that it is made from.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readPolicy } from './files.ts';
import { ARCHITECTURES, callsOf } from './machine.ts';
import { ociProfile } from './oci.ts';
import { parsePolicy } from './policy.ts';
import { arbitraryCall } from './testing/calls.ts';
import { evaluate } from './testing/evaluate.ts';
import { evaluateOci, ociSchema } from './testing/oci-evaluate.ts';

const root = dirname(dirname(dirname(import.meta.dirname)));
const text = readFileSync(join(root, 'charts/sekisho/files/seccomp/image-worker.json'), 'utf8');
const profile = ociSchema.parse(JSON.parse(text));
const policy = readPolicy(root, 'image-worker.policy');
const [EPERM, ENOSYS] = [1, 38];

type Case = readonly [name: string, args: readonly bigint[], what: string];
const HIGH = 1n << 32n;
const X = 0xdead_beef_dead_beefn;
const [UNIX, INET, INET6, NETLINK, PACKET, ALG, VSOCK] = [1n, 2n, 10n, 16n, 17n, 38n, 40n];
const FLAGS = 0o2_004_000n;

const ALLOWED: readonly Case[] = [
  ['socket', [INET, 1n | FLAGS, 0n], 'to Redis'],
  ['socket', [INET6, 1n | FLAGS, 0n], 'to Redis by IPv6'],
  ['socket', [INET, 2n | FLAGS, 0n], 'to the name server'],
  ['socket', [HIGH | INET, 1n, 0n], 'whose upper half the kernel does not read'],
  ['socketpair', [UNIX, 1n | FLAGS, 0n, X], 'for the pipes of a decoder'],
  ['clone', [0x3d_0f_00n, X], 'of a thread'],
  ['clone', [0x0120_0011n, 0n], 'of a decoder, as fork'],
  ['clone', [0x4111n, X], 'as vfork'],
  ['ioctl', [0n, 0x5401n, X], 'TCGETS'],
  ['ioctl', [0n, 0x5421n, X], 'FIONBIO'],
  ['ioctl', [0n, 0x541bn, X], 'FIONREAD'],
  ['prlimit64', [0n, 7n, X, 0n], 'of the launcher on itself'],
  ['setpriority', [0n, 0n, 10n], 'of the launcher on itself'],
  ['mmap', [0n, 4_096n, 7n, 0x22n, X, 0n], 'of code by V8'],
  ['mprotect', [X, 4_096n, 5n], 'of code by V8'],
  // Without these a decoder cannot lock itself up further.
  ...['seccomp', 'prctl', 'landlock_create_ruleset', 'landlock_add_rule', 'landlock_restrict_self', 'close_range', 'execve', 'kill', 'wait4', 'connect', 'bind', 'listen', 'accept4']
    .map((name): Case => [name, [X, X, X, X, X, X], 'whatever']),
];

const REFUSED: readonly Case[] = [
  ['socket', [UNIX, 1n, 0n], 'to a socket of the node or of nscd'],
  ['socket', [NETLINK, 3n, 0n], 'to the kernel'],
  ['socket', [PACKET, 3n, 768n], 'raw packets'],
  ['socket', [ALG, 5n, 0n], 'kernel cryptography'],
  ['socket', [VSOCK, 1n, 0n], 'to the hypervisor'],
  ['socket', [INET, 3n, 1n], 'raw'],
  ['socket', [INET, 3n, 0n], 'raw, without a protocol'],
  ['socket', [INET, 1n, 6n], 'with a protocol named'],
  ['socket', [INET, 1n, 262n], 'MPTCP'],
  ['socket', [INET, 1n, 132n], 'SCTP'],
  ['socketpair', [INET, 1n, 0n, X], 'of another family'],
  ['clone', [0x1000_0011n, 0n], 'with a user namespace'],
  ['clone', [0x2_0011n, 0n], 'with a mount namespace'],
  ['clone', [0x0200_0011n, 0n], 'with a control group namespace'],
  ['clone', [0x0400_0011n, 0n], 'with a host name namespace'],
  ['clone', [0x0800_0011n, 0n], 'with an IPC namespace'],
  ['clone', [0x2000_0011n, 0n], 'with a process namespace'],
  ['clone', [0x4000_0011n, 0n], 'with a network namespace'],
  ['ioctl', [0n, 0x5412n, X], 'TIOCSTI'],
  ['ioctl', [0n, 0x5402n, X], 'TCSETS'],
  ['ioctl', [0n, 0x8927n, X], 'SIOCGIFHWADDR'],
  ['prlimit64', [1n, 7n, 0n, X], 'of another process'],
  ['setpriority', [0n, 1n, 0n], 'of another process'],
  ...[
    'ptrace', 'process_vm_readv', 'process_vm_writev', 'keyctl', 'add_key', 'request_key', 'bpf', 'userfaultfd', 'perf_event_open', 'unshare', 'setns', 'mount',
    'umount2', 'pivot_root', 'chroot', 'open_by_handle_at', 'name_to_handle_at', 'execveat', 'memfd_create', 'pidfd_open', 'pidfd_getfd', 'personality',
    'init_module', 'kexec_load', 'reboot', 'setuid', 'setgid', 'capset', 'unlinkat', 'mkdirat', 'renameat2', 'linkat', 'symlinkat', 'mknodat', 'fchmodat',
    'fchownat', 'ftruncate', 'sendmsg', 'recvmsg', 'sched_setaffinity', 'ioprio_set', 'shmget', 'msgget', 'inotify_init1', 'fanotify_init', 'setrlimit', 'syslog',
  ].map((name): Case => [name, [0n, 0n, 0n, 0n, 0n, 0n], 'at all']),
];

describe('k8s/seccomp/image-worker.json', () => {
  it('is the file in the chart', () => {
    expect(readFileSync(join(root, 'k8s/seccomp/image-worker.json'), 'utf8')).toBe(text);
  });

  it('names only calls that exist', () => {
    const known = new Set(ARCHITECTURES.flatMap((architecture) => [...callsOf(architecture).keys()]));
    const names = profile.syscalls.flatMap((rule) => rule.names);
    expect(names.length).toBeGreaterThan(90);
    expect(names.filter((name) => !known.has(name))).toEqual([]);
  });

  it.each(ALLOWED)('lets %s %j pass: %s', (name, args) => {
    expect(evaluateOci(profile, name, args)).toBe('allow');
  });
  it.each(REFUSED)('refuses %s %j: %s', (name, args) => {
    expect(evaluateOci(profile, name, args)).toBe(EPERM);
  });
  it.each(['clone3', 'io_uring_setup', 'io_uring_enter', 'io_uring_register', 'openat2', 'pkey_alloc'])('has no %s, so that callers take another way', (name) => {
    expect(evaluateOci(profile, name, [0n])).toBe(ENOSYS);
  });

  it.each(ARCHITECTURES)('is on %s as its policy says', (architecture) => {
    const verdicts = { allow: 'allow', kill: 'kill', EPERM, ENOSYS } as const;
    fc.assert(fc.property(arbitraryCall(policy, architecture), (call) =>
      evaluateOci(profile, call.name, call.arguments) === verdicts[evaluate(policy, architecture, call)]), { numRuns: 3_000 });
  });
});

describe('ociProfile()', () => {
  const of = (condition: object, on?: readonly string[]) =>
    ociProfile(parsePolicy(JSON.stringify({ of: 'test', default: 'EPERM', rules: [{ why: 'test', action: 'allow', calls: ['openat'], on, when: [{ argument: 2, name: 'flags', bits: 32, ...condition }] }] })));

  it('refuses a rule that means something else on another architecture', () => {
    expect(of({ is: ['O_CLOEXEC'] }).syscalls).toHaveLength(1);
    expect(() => of({ is: ['O_DIRECTORY'] })).toThrow('openat differs');
    expect(() => of({ is: ['O_CLOEXEC'] }, ['x86_64'])).toThrow('openat is not the same');
  });

  it('refuses a mask that a number of JSON cannot hold', () => {
    expect(() => of({ bits: 64, only: ['O_CLOEXEC'] })).toThrow('does not fit');
  });
});

// The kernel and the machine: parts with a history of holes, and what only root may.

import type { Attempt, Wall } from './attempt.ts';

const FILTER: readonly Wall[] = ['seccomp'];
/** Landlock refuses whatever would change what a path means. */
const TREE: readonly Wall[] = ['landlock_files', 'seccomp'];
const OPENED = 'there is a descriptor';
const DONE = 'the call returns';
const PASSED = 'only its wrong argument is refused';

const surface: readonly Attempt[] = [
  { name: 'io_uring_setup', gain: 'calls past every filter', told: OPENED, heldBy: FILTER, needs: 'ioUring', mayLack: true },
  { name: 'io_uring_enter', gain: 'the same with a ring of others', told: PASSED, heldBy: FILTER, mayLack: true },
  { name: 'bpf', gain: 'programs in the kernel', told: OPENED, heldBy: FILTER, needs: 'bpf', mayLack: true },
  { name: 'perf_event_open', gain: 'counters that betray others, and a history of holes', told: OPENED, heldBy: FILTER, needs: 'perf', mayLack: true },
  { name: 'keyctl', gain: 'keys that processes of one user share', told: DONE, heldBy: FILTER, mayLack: true },
  { name: 'add_key', gain: 'a post box between decoders', told: DONE, heldBy: FILTER, mayLack: true },
  { name: 'request_key', gain: 'a program of the kernel that runs as root', told: 'the keyring is searched', heldBy: FILTER, mayLack: true },
  { name: 'unshare_user', gain: 'root in a namespace of its own', told: 'at most the number of threads is refused', heldBy: FILTER, alone: true },
  { name: 'setns', gain: 'namespaces of others', told: PASSED, heldBy: FILTER },
  { name: 'splice', gain: 'pages of files in pipes, as in Dirty Pipe', told: PASSED, heldBy: FILTER },
  { name: 'timer_create', gain: 'timers of the kernel, known for holes', told: DONE, heldBy: FILTER },
  { name: 'set_dumpable', gain: 'dumps and tracing that were switched off', told: DONE, heldBy: FILTER },
  { name: 'modify_ldt', gain: 'segments, known for holes', told: DONE, heldBy: FILTER, mayLack: true },
  { name: 'quotactl', gain: 'disk quotas', told: DONE, heldBy: FILTER, mayLack: true },
  { name: 'shmget', gain: 'a post box between decoders', told: DONE, heldBy: FILTER, mayLack: true },
  { name: 'msgget', gain: 'the same', told: DONE, heldBy: FILTER, mayLack: true },
  { name: 'semget', gain: 'the same, one bit at a time', told: DONE, heldBy: FILTER, mayLack: true },
  { name: 'mq_open', gain: 'the same', told: DONE, heldBy: TREE, mayLack: true },
  { name: 'syslog', gain: 'the log of the kernel, with addresses', told: DONE, heldBy: FILTER, needs: 'kernelLog' },
];

const machine: readonly Attempt[] = [
  { name: 'mount', gain: 'other files under known paths', told: PASSED, heldBy: TREE, needs: 'root' },
  { name: 'umount', gain: 'files below a mount', told: 'only that it is no mount is refused', heldBy: FILTER, needs: 'root' },
  { name: 'pivot_root', gain: 'another root', told: PASSED, heldBy: TREE, needs: 'root' },
  { name: 'pivot/chroot', gain: 'the same', told: DONE, heldBy: FILTER, needs: 'root', alone: true },
  { name: 'open_tree', gain: 'copies of mounts', told: OPENED, heldBy: FILTER, needs: 'root' },
  { name: 'fsopen', gain: 'file systems', told: OPENED, heldBy: FILTER, needs: 'root' },
  { name: 'kexec_load', gain: 'another kernel', told: PASSED, heldBy: FILTER, needs: 'root', mayLack: true },
  { name: 'init_module', gain: 'code in the kernel', told: PASSED, heldBy: FILTER, needs: 'root', mayLack: true },
  { name: 'finit_module', gain: 'the same', told: PASSED, heldBy: FILTER, needs: 'root', mayLack: true },
  { name: 'reboot', gain: 'the end of the machine', told: PASSED, heldBy: FILTER, needs: 'root' },
  { name: 'settimeofday', gain: 'a false clock, and with it false certificates', told: DONE, heldBy: FILTER, needs: 'root' },
  { name: 'sethostname', gain: 'a false name', told: PASSED, heldBy: FILTER, needs: 'root' },
  { name: 'swapon', gain: 'memory of others on a disk', told: PASSED, heldBy: FILTER, needs: 'root', mayLack: true },
  { name: 'acct', gain: 'a file that the kernel writes', told: PASSED, heldBy: FILTER, needs: 'root', mayLack: true },
  { name: 'iopl', gain: 'the ports of the machine', told: DONE, heldBy: FILTER, needs: 'root', alone: true, mayLack: true },
  { name: 'setuid', gain: 'root', told: DONE, heldBy: FILTER, needs: 'root' },
];

export const KERNEL_ATTEMPTS: readonly Attempt[] = [...surface, ...machine];

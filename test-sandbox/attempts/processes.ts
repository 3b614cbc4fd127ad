// The worker, other decoders, new processes.

import { type Attempt, LANDLOCK, type Wall } from './attempt.ts';

const FILES: readonly Wall[] = ['landlock_files'];
const FILTER: readonly Wall[] = ['seccomp'];
const TRACE: readonly Wall[] = [...LANDLOCK, 'seccomp'];
const SIGNAL: readonly Wall[] = ['landlock_scopes', 'seccomp'];
const READ = 'a byte is read';
const SENT = 'the kernel accepts it';
const DONE = 'the call returns';
const RAN = 'the program says that it runs';

const looking: readonly Attempt[] = [
  { name: 'parent_environ', gain: 'secrets in the environment of the worker', told: READ, heldBy: LANDLOCK },
  { name: 'parent_mem', gain: 'all of the worker', told: 'its memory is open for reading and writing', heldBy: [...LANDLOCK, 'seccomp'] },
  { name: 'parent_fd', gain: 'files that the worker has open', told: READ, heldBy: LANDLOCK },
  { name: 'parent_root', gain: 'files past the root of the own container', told: READ, heldBy: LANDLOCK },
  { name: 'parent_cwd', gain: 'the folder of the worker', told: 'the folder opens', heldBy: LANDLOCK },
  { name: 'parent_maps', gain: 'where code and data of the worker lie', told: READ, heldBy: LANDLOCK },
  { name: 'parent_cmdline', gain: 'arguments of the worker', told: READ, heldBy: FILES },
  { name: 'parent_timing', gain: 'when and how long the worker computes', told: READ, heldBy: FILES },
  { name: 'parent_cpu_clock', gain: 'the same to the nanosecond', told: DONE, heldBy: FILTER },
  { name: 'sibling_environ', gain: 'settings of another decoder', told: READ, heldBy: LANDLOCK },
  { name: 'sibling_picture', gain: 'the picture of another site', told: 'its bytes are found in the memory of the other decoder', heldBy: LANDLOCK },
  { name: 'sibling_mem_write', gain: 'a false picture for another site', told: 'the memory of the other decoder is open for writing', heldBy: [...LANDLOCK, 'seccomp'] },
  { name: 'proc_list', gain: 'all processes and their names', told: '/proc opens as a folder', heldBy: FILES },
  { name: 'self_environ', gain: 'where /proc opens for oneself', told: '/proc/self/environ opens', heldBy: FILES },
  { name: 'self_fd_list', gain: 'the same', told: '/proc/self/fd opens', heldBy: FILES },
];

const touching: readonly Attempt[] = [
  { name: 'kill_parent_term0', gain: 'whether a process is there', told: SENT, heldBy: SIGNAL },
  { name: 'kill_parent', gain: 'the end of the worker', told: SENT, heldBy: SIGNAL },
  { name: 'kill_sibling', gain: 'the end of other pictures', told: SENT, heldBy: SIGNAL },
  { name: 'kill_pid1', gain: 'the end of the container', told: SENT, heldBy: SIGNAL, needs: 'root' },
  { name: 'tgkill_parent', gain: 'kill_parent by another call', told: SENT, heldBy: SIGNAL },
  { name: 'queue_parent', gain: 'the same with a forged sender', told: SENT, heldBy: SIGNAL },
  { name: 'js_kill', gain: 'kill_parent by Node', told: SENT, heldBy: SIGNAL },
  { name: 'js_debug_process', gain: 'the debugger of the worker opens, and with it the worker', told: SENT, heldBy: SIGNAL },
  { name: 'pidfd_open', gain: 'a handle on the worker', told: 'there is a descriptor', heldBy: FILTER },
  { name: 'pidfd_send_signal', gain: 'kill_parent by handle', told: SENT, heldBy: SIGNAL },
  { name: 'pidfd_getfd', gain: 'descriptors of the worker', told: 'there is a descriptor', heldBy: TRACE },
  { name: 'ptrace_attach', gain: 'all of the worker', told: 'it is seized, and let go at once', heldBy: TRACE },
  { name: 'ptrace_sibling', gain: 'all of another decoder', told: 'it is seized, and let go at once', heldBy: TRACE },
  { name: 'process_vm_readv', gain: 'the memory of the worker', told: 'only the address is refused', heldBy: TRACE },
  { name: 'process_vm_writev', gain: 'the memory of another decoder', told: 'only the address is refused', heldBy: TRACE },
  { name: 'prlimit_parent', gain: 'limits of the worker', told: DONE, heldBy: FILTER },
  { name: 'sched_setaffinity_p', gain: 'the worker on one core', told: DONE, heldBy: FILTER },
  { name: 'setpriority_parent', gain: 'the worker last in every queue', told: DONE, heldBy: FILTER },
  { name: 'ioprio_parent', gain: 'the same for its disks', told: DONE, heldBy: FILTER },
  { name: 'nice_lower', gain: 'more of the processor than the worker', told: DONE, heldBy: FILTER, needs: 'root', alone: true },
  { name: 'sched_setscheduler', gain: 'all of a processor', told: DONE, heldBy: FILTER, needs: 'root' },
  { name: 'outlive_parent', gain: 'a decoder that goes on after its worker', told: DONE, heldBy: FILTER, alone: true },
  { name: 'setsid', gain: 'a way out of signals to the group', told: DONE, heldBy: FILTER, alone: true },
];

const starting: readonly Attempt[] = [
  { name: 'fork', gain: 'processes that nobody counts', told: 'the child is there', heldBy: FILTER },
  { name: 'fork_call', gain: 'the same by the old call', told: 'the child is there', heldBy: FILTER, mayLack: true },
  { name: 'clone3', gain: 'the same by the new call, whose arguments no filter sees', told: 'only its empty arguments are refused', heldBy: FILTER },
  { name: 'clone_user', gain: 'root in a namespace of its own', told: 'the child is there', heldBy: FILTER, needs: 'userNamespaces' },
  { name: 'execve_sh', gain: 'a shell', told: RAN, heldBy: FILES, alone: true },
  { name: 'execve_outside', gain: 'a program of the attacker', told: RAN, heldBy: FILES, alone: true },
  { name: 'execve_node', gain: 'walls that end with the program', told: 'a fresh node reads /etc/passwd', heldBy: FILES, alone: true },
  { name: 'execve_self_exe', gain: 'the same by /proc/self/exe', told: 'a fresh node reads /etc/passwd', heldBy: FILES, alone: true },
  { name: 'memfd_exec', gain: 'a program that is no file', told: RAN, heldBy: ['limits', 'landlock_files', 'seccomp'], alone: true },
  { name: 'execveat_sh', gain: 'a shell by another call', told: RAN, heldBy: ['landlock_files', 'seccomp'], alone: true },
  { name: 'setuid_program', gain: 'root', told: 'the program says that it is root', heldBy: ['no_new_privs', 'landlock_files'], needs: 'unprivileged', alone: true, mayLack: true },
  { name: 'js_spawn', gain: 'a shell by Node', told: 'it has run', heldBy: ['landlock_files', 'seccomp'] },
];

export const PROCESS_ATTEMPTS: readonly Attempt[] = [...looking, ...touching, ...starting];

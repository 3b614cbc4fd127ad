// What an attempt is. The rows beside this file are the table that the tests measure and the documentation prints.

/**
 * Walls around a decoder that can be taken away one by one. `seccomp` is the filter but for its rules on executable memory,
 * which are `wx`; `jitless` is Node's option that makes these rules possible.
 */
export const WALLS = [
  'no_new_privs', 'limits', 'descriptors', 'environment', 'landlock_files', 'landlock_tcp', 'landlock_scopes', 'seccomp', 'wx', 'jitless',
] as const;
export type Wall = (typeof WALLS)[number];

/** Without it the attempt fails on any machine: root, or a setting of the kernel. */
export type Need = 'root' | 'sysResource' | 'ioUring' | 'bpf' | 'perf' | 'userNamespaces' | 'kernelLog' | 'unprivileged';

export interface Attempt {
  readonly name: string;
  /** What success would give to an attacker. */
  readonly gain: string;
  /** How success is told. */
  readonly told: string;
  /** Each of these stops it without the others. */
  readonly heldBy: readonly Wall[];
  readonly needs?: Need;
  /** It changes its process, so it gets one of its own. */
  readonly alone?: true;
  /** A kernel or a machine may not have what it attacks. */
  readonly mayLack?: true;
}

/** A Landlock domain of any kind keeps its processes out of those outside. */
export const LANDLOCK: readonly Wall[] = ['landlock_files', 'landlock_tcp', 'landlock_scopes'];

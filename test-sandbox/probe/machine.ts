// What decides on this machine whether an attempt could succeed at all.

import { readFileSync } from 'node:fs';

export interface Machine {
  readonly root: boolean;
  readonly ioUring: boolean;
  readonly bpf: boolean;
  readonly perf: boolean;
  readonly userNamespaces: boolean;
  readonly kernelLog: boolean;
}

/** A setting of the kernel; undefined where it has none. */
function setting(name: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/sys/${name}`, 'latin1'));
  } catch {
    return undefined;
  }
}

export function readMachine(): Machine {
  const root = process.getuid?.() === 0;
  return {
    root,
    ioUring: (setting('kernel/io_uring_disabled') ?? 0) === 0 || (root && setting('kernel/io_uring_disabled') === 1),
    bpf: root || (setting('kernel/unprivileged_bpf_disabled') ?? 0) === 0,
    perf: root || (setting('kernel/perf_event_paranoid') ?? 2) <= 2,
    userNamespaces: root || ((setting('user/max_user_namespaces') ?? 0) > 0 && setting('kernel/unprivileged_userns_clone') !== 0
      && (setting('kernel/apparmor_restrict_unprivileged_userns') ?? 0) === 0),
    kernelLog: root || (setting('kernel/dmesg_restrict') ?? 1) === 0,
  };
}

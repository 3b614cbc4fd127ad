// What decides on this machine whether an attempt could succeed at all.

import { readFileSync } from 'node:fs';

export interface Machine {
  /** With every capability that an attempt could use: root of a container has few. */
  readonly root: boolean;
  /** To raise limits, which even root of a virtual machine may lack. */
  readonly sysResource: boolean;
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

/** Numbers of include/uapi/linux/capability.h: files, signals, ids, raw sockets, modules, ports, chroot, accounting, mounts, reboot, priorities, time, devices. */
const ROOT: readonly bigint[] = [0n, 1n, 2n, 5n, 7n, 13n, 16n, 17n, 18n, 20n, 21n, 22n, 23n, 25n, 27n];
const SYS_RESOURCE = 24n;

function hasCapability(number: bigint): boolean {
  const mask = /^CapEff:\t(?<mask>[0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.groups?.['mask'] ?? '0';
  return (BigInt(`0x${mask}`) & (1n << number)) !== 0n;
}

export function readMachine(): Machine {
  const root = ROOT.every(hasCapability);
  return {
    root,
    sysResource: hasCapability(SYS_RESOURCE),
    ioUring: (setting('kernel/io_uring_disabled') ?? 0) === 0 || (root && setting('kernel/io_uring_disabled') === 1),
    bpf: root || (setting('kernel/unprivileged_bpf_disabled') ?? 0) === 0,
    perf: root || (setting('kernel/perf_event_paranoid') ?? 2) <= 2,
    userNamespaces: root || ((setting('user/max_user_namespaces') ?? 0) > 0 && setting('kernel/unprivileged_userns_clone') !== 0
      && (setting('kernel/apparmor_restrict_unprivileged_userns') ?? 0) === 0),
    kernelLog: root || (setting('kernel/dmesg_restrict') ?? 1) === 0,
  };
}

// The containers of the machine, as the kubelet's runtime would get them from the chart: no_new_privs, read-only root,
// the profiles; and the weakened ones that the tests must notice. OCI runtime configuration.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './state.ts';

export interface Container {
  readonly name: string;
  /** Command of the container: one of guest/, or the service itself. */
  readonly args: readonly string[];
  /** Name of the loaded AppArmor profile; none: unconfined. */
  readonly profile?: string;
  /** The pod's seccomp profile. */
  readonly seccomp?: true;
  /** Root with every capability: whatever is refused then is refused by the layer in question and not by ownership. */
  readonly root?: true;
  /** Another file at the place of one of the image. */
  readonly instead?: { readonly of: string; readonly by: string };
  readonly env?: readonly string[];
}

/** The image's. */
const USER = 10_001;
const NAMESPACES = ['pid', 'mount', 'ipc', 'uts'];
const CAPABILITIES = [
  'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'NET_BIND_SERVICE', 'NET_ADMIN', 'NET_RAW', 'SYS_CHROOT', 'SYS_PTRACE',
  'SYS_ADMIN', 'SYS_NICE', 'SYS_RESOURCE', 'MKNOD', 'PERFMON', 'BPF', 'SYSLOG', 'SYS_MODULE', 'MAC_ADMIN',
].map((name) => `CAP_${name}`);

export function ociConfig(container: Container): object {
  const { name, args, profile, seccomp, root, instead, env = [] } = container;
  const user = root === true ? 0 : USER;
  const capabilities = root === true ? Object.fromEntries(['bounding', 'effective', 'permitted', 'inheritable'].map((set) => [set, CAPABILITIES])) : {};
  return {
    ociVersion: '1.0.2',
    root: { path: 'rootfs', readonly: true },
    hostname: name,
    process: {
      user: { uid: user, gid: user }, cwd: '/app', noNewPrivileges: true, args, capabilities,
      env: ['PATH=/usr/local/bin:/usr/bin', 'NODE_ENV=production', ...env],
      ...(profile === undefined ? {} : { apparmorProfile: profile }),
    },
    mounts: [
      mount('/proc', 'proc'),
      { ...mount('/dev', 'tmpfs'), options: ['nosuid', 'mode=755'] },
      { destination: '/tmp', type: 'bind', source: `/scratch/${name}`, options: ['bind', 'rw'] },
      ...(instead === undefined ? [] : [{ destination: instead.of, type: 'bind', source: instead.by, options: ['bind', 'ro'] }]),
    ],
    linux: { namespaces: NAMESPACES.map((type) => ({ type })), ...(seccomp === true ? { seccomp: podSeccomp() } : {}) },
  };
}

const mount = (destination: string, type: string): { readonly destination: string; readonly type: string; readonly source: string } => ({ destination, type, source: type });

/** As Kubernetes reads it from the node; the machine has one architecture only. */
function podSeccomp(): object {
  const profile = JSON.parse(readFileSync(join(ROOT, 'k8s/seccomp/image-worker.json'), 'utf8')) as Record<string, unknown>;
  return { ...profile, architectures: ['SCMP_ARCH_X86_64'] };
}

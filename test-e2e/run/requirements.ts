// What the cluster needs of a machine. Anything missing is a reason to skip the cases, said in one sentence.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { goToolsProblem } from '../../scripts/set-up/go-tools.ts';
import { MissingProgram, type Program, ensurePrograms } from '../../scripts/set-up/programs.ts';
import type { Engine } from './cases.ts';

const MEMORY_GIB_MIN = 3.5;
const GROUPS = ['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'blkio', 'pids'];
const PROGRAMS: readonly Program[] = ['containerd', 'runc', 'etcd', 'cni-plugins', 'nft', 'buildah', 'docker-registry', 'busybox', 'ip', 'openssl', 'gcc', 'libc.a'];

const works = (program: string, ...args: string[]): boolean => spawnSync(program, args, { stdio: 'ignore', timeout: 20_000 }).status === 0;
const inNewNetwork = (script: string): boolean => works('unshare', '--net', '--mount', '--pid', '--uts', '--fork', 'sh', '-ec', script);

/** Why there can be no cluster here; undefined: there can. Installs Debian packages that are missing. */
export function clusterProblem(): string | undefined {
  if (process.platform !== 'linux') return 'Linux is needed';
  if (process.getuid?.() !== 0) return 'root is needed';
  if (GROUPS.some((group) => !existsSync(`/sys/fs/cgroup/${group}`))) return 'control groups of version 1 are needed';
  if (!inNewNetwork('true')) return 'new namespaces cannot be made';
  if (totalmem() < MEMORY_GIB_MIN * 1024 ** 3) return `${MEMORY_GIB_MIN} GiB of memory are needed`;
  const problem = goToolsProblem() ?? programsProblem(PROGRAMS);
  if (problem !== undefined) return problem;
  if (!/\boverlay$/m.test(readFileSync('/proc/filesystems', 'utf8'))) return 'the kernel has no overlay file system';
  if (!inNewNetwork('ip link add b0 type bridge; ip link add v0 type veth peer name v1')) return 'the kernel has no bridges or no veth';
  if (!inNewNetwork("nft 'table inet t { chain c { type nat hook postrouting priority srcnat; ip saddr 10.0.0.0/8 masquerade; }; }'")) {
    return 'the kernel has no nftables with address translation';
  }
  return undefined;
}

export function engineProblem(engine: Engine): string | undefined {
  if (engine === 'netpol') return undefined;
  const problem = programsProblem(['clang-19', 'iptables']);
  if (problem !== undefined) return `Cilium: ${problem}`;
  return inNewNetwork('mount --make-rprivate /; mount -t bpf bpffs /sys/fs/bpf') ? undefined : 'Cilium: the kernel has no BPF file system';
}

function programsProblem(programs: readonly Program[]): string | undefined {
  try {
    ensurePrograms(programs);
    return undefined;
  } catch (error) {
    if (error instanceof MissingProgram) return error.message.replaceAll('\n', '; ');
    throw error;
  }
}

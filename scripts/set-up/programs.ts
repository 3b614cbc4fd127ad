// System programs that npm cannot bring. Found on PATH, else installed by Debian's or Ubuntu's package manager when we
// may (root or sudo without a password), else one clear sentence.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

interface Row {
  /** Any of these files. */
  readonly names: readonly string[];
  /** Where to look besides PATH. */
  readonly folders?: readonly string[];
  readonly package: string;
  readonly hint: string;
}

/** Debian 11 to what may come. */
const POSTGRES_FOLDERS = Array.from({ length: 12 }, (_, at) => `/usr/lib/postgresql/${13 + at}/bin`);

const PACKAGES = {
  'redis-server': { names: ['redis-server', 'valkey-server'], package: 'redis-server', hint: 'no Redis found: set SEKISHO_REDIS_URL or run: sudo apt install redis-server' },
  // Its programs lie outside of PATH, in a folder of each version.
  postgres: { names: ['initdb'], folders: POSTGRES_FOLDERS, package: 'postgresql', hint: 'no PostgreSQL found; run: sudo apt install postgresql' },
  openssl: { names: ['openssl'], package: 'openssl', hint: 'openssl not found; run: sudo apt install openssl' },
  chromium: { names: ['chromium', 'chromium-browser', 'google-chrome'], package: 'chromium', hint: 'no Chromium found; run: sudo apt install chromium' },
  wrk: { names: ['wrk'], package: 'wrk', hint: 'wrk not found; run: sudo apt install wrk' },
  nginx: { names: ['nginx'], package: 'nginx-light', hint: 'nginx not found; run: sudo apt install nginx-light' },
  tinyproxy: { names: ['tinyproxy'], package: 'tinyproxy', hint: 'tinyproxy not found; run: sudo apt install tinyproxy' },
  // The test cluster's.
  containerd: { names: ['containerd'], package: 'containerd', hint: 'containerd not found; run: sudo apt install containerd' },
  runc: { names: ['runc'], package: 'runc', hint: 'runc not found; run: sudo apt install runc' },
  etcd: { names: ['etcd'], package: 'etcd-server', hint: 'etcd not found; run: sudo apt install etcd-server' },
  'cni-plugins': { names: ['host-local'], package: 'containernetworking-plugins', hint: 'host-local not found; run: sudo apt install containernetworking-plugins' },
  nft: { names: ['nft'], package: 'nftables', hint: 'nft not found; run: sudo apt install nftables' },
  buildah: { names: ['buildah'], package: 'buildah', hint: 'buildah not found; run: sudo apt install buildah' },
  'docker-registry': { names: ['docker-registry'], package: 'docker-registry', hint: 'docker-registry not found; run: sudo apt install docker-registry' },
  busybox: { names: ['busybox'], package: 'busybox-static', hint: 'busybox not found; run: sudo apt install busybox-static' },
  ip: { names: ['ip'], package: 'iproute2', hint: 'ip not found; run: sudo apt install iproute2' },
  'clang-19': { names: ['clang-19'], package: 'clang-19', hint: 'clang-19 not found; run: sudo apt install clang-19' },
  iptables: { names: ['iptables'], package: 'iptables', hint: 'iptables not found; run: sudo apt install iptables' },
  // The DNS filter's; the package brings unbound-checkconf along.
  unbound: { names: ['unbound'], package: 'unbound', hint: 'unbound not found; run: sudo apt install unbound' },
  // The virtual machine's, and the parser of the AppArmor profile.
  apparmor_parser: { names: ['apparmor_parser'], package: 'apparmor', hint: 'apparmor_parser not found; run: sudo apt install apparmor' },
  'qemu-system-x86_64': { names: ['qemu-system-x86_64'], package: 'qemu-system-x86', hint: 'qemu-system-x86_64 not found; run: sudo apt install --no-install-recommends qemu-system-x86' },
  // Compilers of the decoder launcher, for this architecture and for the other; a compiler alone has no library to link.
  gcc: { names: ['gcc'], package: 'gcc', hint: 'gcc not found; run: sudo apt install gcc libc6-dev' },
  'libc.a': {
    names: ['libc.a'], folders: ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib'],
    package: 'libc6-dev', hint: 'the static C library is not there; run: sudo apt install libc6-dev',
  },
  'aarch64-linux-gnu-gcc': { names: ['aarch64-linux-gnu-gcc'], package: 'gcc-aarch64-linux-gnu', hint: 'aarch64-linux-gnu-gcc not found; run: sudo apt install gcc-aarch64-linux-gnu libc6-dev-arm64-cross' },
  'libc.a of arm64': { names: ['libc.a'], folders: ['/usr/aarch64-linux-gnu/lib'], package: 'libc6-dev-arm64-cross', hint: 'the static C library of arm64 is not there; run: sudo apt install libc6-dev-arm64-cross' },
  'x86_64-linux-gnu-gcc': { names: ['x86_64-linux-gnu-gcc'], package: 'gcc-x86-64-linux-gnu', hint: 'x86_64-linux-gnu-gcc not found; run: sudo apt install gcc-x86-64-linux-gnu libc6-dev-amd64-cross' },
  'libc.a of amd64': { names: ['libc.a'], folders: ['/usr/x86_64-linux-gnu/lib'], package: 'libc6-dev-amd64-cross', hint: 'the static C library of amd64 is not there; run: sudo apt install libc6-dev-amd64-cross' },
} as const satisfies Readonly<Record<string, Row>>;
export type Program = keyof typeof PACKAGES;

export class MissingProgram extends Error {}

/** Path of the first name found on PATH (and in sbin, which users' PATHs lack, and where network plugins lie). */
export function findProgram(program: Program): string | undefined {
  const { names, folders = [] }: Row = PACKAGES[program];
  const all = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/lib/cni', ...folders];
  const paths = names.flatMap((name) => all.map((folder) => join(folder, name)));
  return paths.find((path) => existsSync(path));
}

/**
 * Finds or installs each program.
 * @throws MissingProgram with the sentence what to do.
 */
export function ensurePrograms(programs: readonly Program[]): void {
  const missing = programs.filter((program) => findProgram(program) === undefined);
  if (missing.length === 0) return;
  const installer = installerPrefix();
  const hints = (): never => {
    throw new MissingProgram(missing.map((program) => PACKAGES[program].hint).join('\n'));
  };
  if (installer === undefined) hints();
  const packages = missing.map((program) => PACKAGES[program].package);
  process.stderr.write(`sekisho set-up: installing ${packages.join(', ')}\n`);
  const command = (args: readonly string[]): boolean => runQuietly([...(installer ?? []), ...args]);
  // A policy file keeps the packages from starting services of their own on the default ports.
  const guard = "test -e /usr/sbin/policy-rc.d || { printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; touch /usr/sbin/policy-rc.d.sekisho; }";
  const unguard = 'test -e /usr/sbin/policy-rc.d.sekisho && rm -f /usr/sbin/policy-rc.d /usr/sbin/policy-rc.d.sekisho; true';
  command(['sh', '-c', guard]);
  command(['apt-get', 'update', '-qq']);
  command(['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages]);
  command(['sh', '-c', unguard]);
  if (missing.some((program) => findProgram(program) === undefined)) hints();
}

function installerPrefix(): readonly string[] | undefined {
  if (!existsSync('/usr/bin/apt-get') || process.argv.includes('--no-setup')) return undefined;
  if (process.getuid?.() === 0) return [];
  return runQuietly(['sudo', '-n', 'true']) ? ['sudo', '-n'] : undefined;
}

function runQuietly(command: readonly string[]): boolean {
  const [program = '', ...args] = command;
  return spawnSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
}

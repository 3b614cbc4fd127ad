// A program of Debian for an image that runs nothing while it is built: its packages are fetched by apt, which checks
// Debian's signatures, and unpacked; of them only the program, its libraries and the licences stay. Apt gets folders of
// its own, so that the machine may be of another release or architecture than the image.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from './order.ts';
import { run } from './run.ts';
import type { Service } from './service.ts';

/** Of the base image, for which the libraries are made. */
const RELEASE = 'trixie';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const TRIPLETS: Readonly<Record<Architecture, string>> = { amd64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };
const NO_APT = 'apt-get and dpkg-deb are not installed: this image can be built on Debian and its relatives only';

interface DebianProgram {
  /** All that the base need not have; the C library is the base's. */
  readonly packages: readonly string[];
  readonly programs: readonly string[];
}

const PROGRAMS: Partial<Record<Service, DebianProgram>> = {
  'dns-filter': {
    packages: [
      'unbound', 'libcap2', 'libevent-2.1-7t64', 'libexpat1', 'libhiredis1.1.0', 'libnghttp2-14', 'libprotobuf-c1', 'libpython3.13', 'libssl3t64', 'libsystemd0', 'libzstd1', 'zlib1g',
    ],
    programs: ['usr/sbin/unbound', 'usr/sbin/unbound-checkconf'],
  },
};

/** Name and version of each package, written beside them. */
export const VERSIONS = 'versions';

/** Changes with the list of packages. */
export const debianKey = (service: Service): string => createHash('sha256').update(JSON.stringify([RELEASE, PROGRAMS[service]])).digest('hex').slice(0, 16);

export const hasDebianProgram = (service: Service): boolean => PROGRAMS[service] !== undefined;

/**
 * Fills `folder` with `root/`, to be copied to /, and VERSIONS.
 * @throws BuildProblem when a package cannot be had.
 */
export function stageDebianProgram(folder: string, service: Service, architecture: Architecture): void {
  const { packages, programs } = PROGRAMS[service] ?? { packages: [], programs: [] };
  const fetched = join(folder, 'fetched');
  const root = join(folder, 'root');
  const apt = aptIn(join(folder, 'apt'), architecture);
  mkdirSync(fetched);
  run('apt-get', [...apt, 'update'], { missing: NO_APT });
  run('apt-get', [...apt, 'download', ...packages.map((name) => `${name}:${architecture}`)], { cwd: fetched, missing: NO_APT });
  const archives = readdirSync(fetched).filter((name) => name.endsWith('.deb')).map((name) => join(fetched, name)).toSorted();
  const versions = archives.map((archive) => {
    run('dpkg-deb', ['--extract', archive, root], { missing: NO_APT });
    return run('dpkg-deb', ['--show', '--showformat=${Package} ${Version}', archive], { missing: NO_APT });
  });
  keep(root, (path) => programs.includes(path) || isLibrary(path, architecture) || /^usr\/share\/doc\/[^/]+\/copyright$/.test(path));
  for (const path of programs) if (!existsSync(join(root, path))) throw new Error(`the packages of ${service} hold no ${path}`);
  writeFileSync(join(folder, VERSIONS), `${versions.join('\n')}\n`);
  for (const path of ['apt', 'fetched']) rmSync(join(folder, path), { recursive: true });
}

/** The linker's own folder, so that no cache of it has to be written. */
const isLibrary = (path: string, architecture: Architecture): boolean => new RegExp(`^usr/lib/${TRIPLETS[architecture]}/[^/]+\\.so(?:\\.[\\d.]+)?$`).test(path);

/** Options that keep apt away from the machine's own lists; the rest of its configuration (proxies) stays. */
function aptIn(folder: string, architecture: Architecture): readonly string[] {
  for (const path of ['etc', 'state/lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, path), { recursive: true });
  const mirror = process.env['DEBIAN_MIRROR'] ?? 'http://deb.debian.org/debian';
  const security = process.env['DEBIAN_SECURITY_MIRROR'] ?? 'http://deb.debian.org/debian-security';
  const sources = [[mirror, RELEASE], [mirror, `${RELEASE}-updates`], [security, `${RELEASE}-security`]].map(([uri, suite]) => `deb [signed-by=${KEYRING}] ${uri} ${suite} main\n`);
  writeFileSync(join(folder, 'etc/sources.list'), sources.join(''));
  writeFileSync(join(folder, 'status'), '');
  const options = {
    'Dir::Etc::sourcelist': join(folder, 'etc/sources.list'), 'Dir::Etc::sourceparts': '/dev/null', 'Dir::Etc::preferencesparts': '/dev/null', 'Dir::State': join(folder, 'state'),
    'Dir::State::status': join(folder, 'status'), 'Dir::Cache': join(folder, 'cache'), 'APT::Architecture': architecture, 'APT::Architectures': architecture,
    'APT::Sandbox::User': 'root', 'Acquire::Languages': 'none', 'Acquire::Retries': '2',
  };
  return ['-qq', ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}

function keep(root: string, isKept: (path: string) => boolean, below = ''): void {
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) keep(root, isKept, path);
    else if (!isKept(path)) rmSync(join(root, path));
  }
  if (below !== '' && readdirSync(join(root, below)).length === 0) rmSync(join(root, below), { recursive: true });
}

// Whether the stack gets a DNS filter, and what it is told.

import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findProgram } from '../set-up/programs.ts';
import type { ServicePorts } from './ports.ts';
import { StackProblem } from './processes.ts';

const HOW_TO_GET_IT = 'sudo apt install unbound';

export type FilterChoice = { readonly start: true } | { readonly start: false; readonly why: string };

/**
 * Never installs anything: a name server of the distribution's own must not appear on a laptop because of a demo.
 * @throws StackProblem for `on` where Unbound is not installed.
 */
export function chooseDnsFilter(wanted: 'on' | 'off' | 'auto', isInstalled = findProgram('unbound') !== undefined): FilterChoice {
  if (wanted === 'off') return { start: false, why: 'SEKISHO_DNS_FILTER=off' };
  if (isInstalled) return { start: true };
  if (wanted === 'on') throw new StackProblem(`SEKISHO_DNS_FILTER is on and Unbound is not installed; run: ${HOW_TO_GET_IT}`);
  return { start: false, why: `Unbound is not installed; run: ${HOW_TO_GET_IT}` };
}

/** The resolvers that the others would have asked stand behind it. */
export function filterEnvironment(ports: ServicePorts, shared: Readonly<Record<string, string>>, stackFolder: string): Record<string, string> {
  const folder = join(stackFolder, 'dns-filter');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const upstreams = shared['SEKISHO_DNS_FILTER_UPSTREAMS'] ?? shared['SEKISHO_DNS_SERVERS'];
  const exempt = [shared['SEKISHO_UNSAFE_PUBLIC_CIDRS'] ?? '', ...allowedAddresses(shared['SEKISHO_UNSAFE_ALLOW_TARGETS'] ?? '')].filter((text) => text !== '');
  return {
    SEKISHO_DNS_FILTER_HOST: '127.0.0.1',
    SEKISHO_DNS_FILTER_PORT: String(ports.port),
    SEKISHO_OPS_PORT: String(ports.opsPort),
    SEKISHO_DNS_FILTER_FOLDER: folder,
    ...(upstreams === undefined ? {} : { SEKISHO_DNS_FILTER_UPSTREAMS: upstreams }),
    ...(exempt.length === 0 ? {} : { SEKISHO_UNSAFE_PUBLIC_CIDRS: exempt.join(',') }),
  };
}

/** DNS knows no ports: a name must be able to lead to an unsafe allow target, whose port the services then look at. */
const allowedAddresses = (targets: string): readonly string[] =>
  [...new Set(targets.split(',').map((target) => target.trim().replace(/:\d+$/, '').replace(/^\[|\]$/g, '')))];

const APPARMOR_FILES = { enabled: '/sys/module/apparmor/parameters/enabled', profile: '/etc/apparmor.d/usr.sbin.unbound' } as const;

/**
 * PATH for the filter. Debian confines /usr/sbin/unbound to its own folders by AppArmor, where a stack that runs as a
 * common user has no place for its files; a copy of the program is not confined.
 */
export function filterPath(path: string, stackFolder: string, options: { readonly program?: string | undefined; readonly isConfined?: boolean } = {}): string {
  const { program = findProgram('unbound'), isConfined = isConfinedHere() } = options;
  if (!isConfined || program === undefined) return path;
  const folder = join(stackFolder, 'bin');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  copyFileSync(program, join(folder, 'unbound'));
  return `${folder}${delimiter}${path}`;
}

function isConfinedHere(): boolean {
  try {
    return existsSync(APPARMOR_FILES.profile) && readFileSync(APPARMOR_FILES.enabled, 'utf8').startsWith('Y');
  } catch {
    return false;
  }
}

// Whether a tunnel may be tried at all: everything that can be said from the request line, before any resolver is asked.
// Pure.

import type { Code } from '@sekisho/contracts';
import type { HostMatcher } from '@sekisho/netguard';
import { parseAuthority } from '../authority/authority.ts';

export type Mode = 'enforce' | 'report';

export const TLS_PORT = 443;

export interface TunnelRules {
  readonly mode: Mode;
  /** Our own hosts and Services, as `ownHostSet` makes them. */
  readonly ownHosts: ReadonlySet<string>;
  /** Further ports, of unsafe allow targets. */
  readonly extraPorts: ReadonlySet<number>;
  /** Undefined: every host. */
  readonly allowedHosts: HostMatcher | undefined;
  readonly deniedHosts: HostMatcher | undefined;
}

export type Decision =
  | { readonly ok: true; readonly host: string; readonly port: number; readonly wouldDeny: readonly Code[] }
  | { readonly ok: false; readonly code: Code; readonly detail: string; readonly host?: string; readonly port?: number };

/** `report` lets ports and host lists pass and names them in `wouldDeny`; syntax, names and own hosts never. */
export function decideTunnel(text: string, rules: TunnelRules): Decision {
  const target = readTarget(text, rules.ownHosts);
  if (!target.ok) return target;
  const denied = policyCodes(target.host, target.port, rules);
  const [first] = denied;
  if (first === undefined || rules.mode === 'report') return { ...target, wouldDeny: denied };
  return { ok: false, code: first, detail: '', host: target.host, port: target.port };
}

/** For the SMTP listener: a fixed list instead of the port and the host lists. */
export function decideMail(text: string, rules: { readonly ownHosts: ReadonlySet<string>; readonly targets: ReadonlySet<string> }): Decision {
  const target = readTarget(text, rules.ownHosts);
  if (!target.ok || rules.targets.has(`${target.host}:${target.port}`)) return target;
  return { ok: false, code: 'SEKISHO_EGRESS_SMTP_TARGET', detail: '', host: target.host, port: target.port };
}

function readTarget(text: string, ownHosts: ReadonlySet<string>): Decision {
  const authority = parseAuthority(text);
  if (authority.kind === 'malformed') return { ok: false, code: 'SEKISHO_EGRESS_AUTHORITY', detail: authority.detail };
  const { host, port } = authority;
  // Before all else: a tunnel to ourselves is a loop whatever else is wrong with it.
  if (ownHosts.has(host)) return { ok: false, code: 'SEKISHO_EGRESS_OWN_HOST', detail: '', host, port };
  if (authority.kind === 'literal') return { ok: false, code: 'SEKISHO_EGRESS_LITERAL', detail: '', host, port };
  if (authority.kind === 'bad-name') return { ok: false, code: 'SEKISHO_EGRESS_NAME', detail: authority.detail, host, port };
  return { ok: true, host, port, wouldDeny: [] };
}

function policyCodes(host: string, port: number, rules: TunnelRules): readonly Code[] {
  const codes: Code[] = [];
  if (port !== TLS_PORT && !rules.extraPorts.has(port)) codes.push('SEKISHO_EGRESS_PORT');
  if (rules.deniedHosts?.(host) === true) codes.push('SEKISHO_EGRESS_HOST_DENIED');
  if (rules.allowedHosts?.(host) === false) codes.push('SEKISHO_EGRESS_HOST_NOT_ALLOWED');
  return codes;
}

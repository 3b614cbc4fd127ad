// The only reader of the environment.

import { checkHostName, clusterDenied, isCidr, isEndpoint, isHost, isNat64Prefix, openServicesProblem } from '@sekisho/netguard';
import { ConfigError, envFields, loadConfig, readFileNow } from '@sekisho/runtime';
import { z } from 'zod';
import { parseAuthority } from './authority/authority.ts';
import { CIDRS, CREDENTIALS, HOSTS } from './lists/lists.ts';
import type { Mode } from './policy/decide.ts';

const KiB = 1024;
const GiB = 1024 * 1024 * KiB;

export interface EgressConfig {
  readonly listenHost: string;
  readonly port: number;
  /** Undefined: no port for mail. */
  readonly smtpPort: number | undefined;
  /** `host:port` in lower case. */
  readonly smtpTargets: readonly string[];
  readonly opsHost: string;
  readonly opsPort: number;
  readonly publicUrl: URL;
  readonly ownHosts: readonly string[];
  readonly mode: Mode;
  readonly dnsServers: readonly string[];
  /** Networks and addresses denied from the environment; those of the file come on top. */
  readonly denyCidrs: readonly string[];
  readonly denyCidrsFile: string | undefined;
  readonly nat64Prefixes: readonly string[];
  readonly unsafeAllowTargets: readonly string[];
  readonly unsafePublicCidrs: readonly string[];
  readonly credentialsFile: string | undefined;
  readonly allowHostsFile: string | undefined;
  readonly denyHostsFile: string | undefined;
  readonly tunnelsMax: number;
  readonly hostTunnelsMax: number;
  readonly tunnelBytesMax: number;
  readonly logLevel: string;
  readonly shutdownDelayMs: number;
  readonly shutdownDrainMs: number;
}

const schema = z.object({
  SEKISHO_LISTEN_HOST: envFields.host('0.0.0.0'),
  SEKISHO_EGRESS_PORT: envFields.port(3128),
  // 0 is the fallback of a port that is off: `.optional()` would still give it.
  SEKISHO_EGRESS_SMTP_PORT: envFields.port(0).transform((port) => (port === 0 ? undefined : port)),
  SEKISHO_EGRESS_SMTP_TARGETS: envFields.each(isMailTarget, 'must be host:port with names of the public DNS, separated by commas'),
  SEKISHO_OPS_HOST: envFields.host('0.0.0.0'),
  SEKISHO_OPS_PORT: envFields.port(9090),
  SEKISHO_PUBLIC_URL: envFields.httpUrl(),
  SEKISHO_OWN_HOSTS: envFields.each(isHost, 'must be host names, separated by commas'),
  SEKISHO_EGRESS_MODE: z.enum(['enforce', 'report']).default('enforce'),
  SEKISHO_DNS_SERVERS: envFields.each(isEndpoint, 'must be ip:port, separated by commas'),
  SEKISHO_DENY_CIDRS: envFields.each(isCidr, 'must be address prefixes, separated by commas'),
  SEKISHO_DENY_CIDRS_FILE: envFields.filePath().optional(),
  SEKISHO_NODE_IPS: envFields.each(isCidr, 'must be addresses, separated by commas'),
  SEKISHO_NAT64_PREFIX: envFields.each(isNat64Prefix, 'must be NAT64 prefixes such as 64:ff9b::/96, separated by commas'),
  SEKISHO_UNSAFE_ALLOW_TARGETS: envFields.each(isEndpoint, 'must be ip:port, separated by commas'),
  SEKISHO_UNSAFE_PUBLIC_CIDRS: envFields.each(isCidr, 'must be address prefixes, separated by commas'),
  SEKISHO_EGRESS_CREDENTIALS_FILE: envFields.filePath().optional(),
  SEKISHO_EGRESS_ALLOW_HOSTS_FILE: envFields.filePath().optional(),
  SEKISHO_EGRESS_DENY_HOSTS_FILE: envFields.filePath().optional(),
  SEKISHO_EGRESS_TUNNELS_MAX: envFields.intBetween(1, 65_536, 1_024),
  SEKISHO_EGRESS_HOST_TUNNELS_MAX: envFields.intBetween(1, 65_536, 256),
  SEKISHO_EGRESS_TUNNEL_BYTES_MAX: envFields.intBetween(64 * KiB, 1024 * GiB, GiB),
  SEKISHO_LOG_LEVEL: envFields.logLevel(),
  SEKISHO_SHUTDOWN_DELAY_MS: envFields.intBetween(0, 60_000, 5_000),
  SEKISHO_SHUTDOWN_DRAIN_MS: envFields.intBetween(0, 600_000, 60_000),
});
type Values = z.output<typeof schema>;

/** @throws ConfigError with all problems. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): EgressConfig {
  const values = loadConfig(schema, { env, service: 'egress-proxy' });
  const problems = [...fileProblems(values), ...mailProblems(values)];
  if (problems.length > 0) throw new ConfigError('egress-proxy', problems);
  return {
    listenHost: values.SEKISHO_LISTEN_HOST,
    port: values.SEKISHO_EGRESS_PORT,
    smtpPort: values.SEKISHO_EGRESS_SMTP_PORT,
    smtpTargets: values.SEKISHO_EGRESS_SMTP_TARGETS.map((text) => text.toLowerCase()),
    opsHost: values.SEKISHO_OPS_HOST,
    opsPort: values.SEKISHO_OPS_PORT,
    publicUrl: values.SEKISHO_PUBLIC_URL,
    ownHosts: values.SEKISHO_OWN_HOSTS,
    mode: values.SEKISHO_EGRESS_MODE,
    dnsServers: values.SEKISHO_DNS_SERVERS,
    denyCidrs: denyCidrs(values, env['KUBERNETES_SERVICE_HOST']),
    denyCidrsFile: values.SEKISHO_DENY_CIDRS_FILE,
    nat64Prefixes: values.SEKISHO_NAT64_PREFIX,
    unsafeAllowTargets: values.SEKISHO_UNSAFE_ALLOW_TARGETS,
    unsafePublicCidrs: values.SEKISHO_UNSAFE_PUBLIC_CIDRS,
    credentialsFile: values.SEKISHO_EGRESS_CREDENTIALS_FILE,
    allowHostsFile: values.SEKISHO_EGRESS_ALLOW_HOSTS_FILE,
    denyHostsFile: values.SEKISHO_EGRESS_DENY_HOSTS_FILE,
    tunnelsMax: values.SEKISHO_EGRESS_TUNNELS_MAX,
    hostTunnelsMax: values.SEKISHO_EGRESS_HOST_TUNNELS_MAX,
    tunnelBytesMax: values.SEKISHO_EGRESS_TUNNEL_BYTES_MAX,
    logLevel: values.SEKISHO_LOG_LEVEL,
    shutdownDelayMs: values.SEKISHO_SHUTDOWN_DELAY_MS,
    shutdownDrainMs: values.SEKISHO_SHUTDOWN_DRAIN_MS,
  };
}

/** Written as it will be compared: a target that can never match would look like a setting. */
function isMailTarget(text: string): boolean {
  const target = parseAuthority(text);
  return target.kind === 'name' && checkHostName(target.host).ok && `${target.host}:${target.port}` === text.toLowerCase();
}

const mailProblems = (values: Values): readonly string[] =>
  values.SEKISHO_EGRESS_SMTP_PORT !== undefined && values.SEKISHO_EGRESS_SMTP_TARGETS.length === 0
    ? ['SEKISHO_EGRESS_SMTP_PORT is set without SEKISHO_EGRESS_SMTP_TARGETS']
    : [];

const FILES = [
  ['SEKISHO_DENY_CIDRS_FILE', CIDRS],
  ['SEKISHO_EGRESS_CREDENTIALS_FILE', CREDENTIALS],
  ['SEKISHO_EGRESS_ALLOW_HOSTS_FILE', HOSTS],
  ['SEKISHO_EGRESS_DENY_HOSTS_FILE', HOSTS],
] as const;

/** Looked at here as well, so that `--check-config` tells. */
function fileProblems(values: Values): readonly string[] {
  return FILES.flatMap(([name, form]) => {
    const path = values[name];
    if (path === undefined) return [];
    try {
      readFileNow<unknown>(path, form);
      return [];
    } catch (error) {
      return [`${name}: ${error instanceof Error ? error.message : String(error)}`];
    }
  });
}

function denyCidrs(values: Values, apiServer: string | undefined): readonly string[] {
  const networks = { named: values.SEKISHO_DENY_CIDRS, nodeIps: values.SEKISHO_NODE_IPS, apiServer };
  const path = values.SEKISHO_DENY_CIDRS_FILE;
  const open = openServicesProblem(networks, path === undefined ? [] : readFileNow(path, CIDRS));
  if (open !== undefined) throw new ConfigError('egress-proxy', [open]);
  return clusterDenied(networks);
}

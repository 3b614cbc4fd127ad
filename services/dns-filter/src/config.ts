// The only reader of the environment.

import { readFileSync } from 'node:fs';
import { clusterDenied, type Endpoint, isCidr, isEndpoint, isNat64Prefix, parseAddress, parseEndpoint } from '@sekisho/netguard';
import { ConfigError, envFields, loadConfig } from '@sekisho/runtime';
import { z } from 'zod';
import { readNameServers } from './upstreams/upstreams.ts';

const RESOLV_CONF = '/etc/resolv.conf';
/** More would only stretch the wait for a dead one. */
const UPSTREAMS_MAX = 8;

export interface DnsFilterConfig {
  readonly listen: Endpoint;
  readonly upstreams: readonly Endpoint[];
  readonly opsHost: string;
  readonly opsPort: number;
  /** Networks and addresses denied from the environment; those of the file come on top. */
  readonly denyCidrs: readonly string[];
  readonly denyCidrsFile: string | undefined;
  readonly nat64Prefixes: readonly string[];
  readonly unsafePublicCidrs: readonly string[];
  /** PATH, where the programs are looked for. */
  readonly programPath: string;
  /** Absolute, writable. */
  readonly folder: string;
  readonly logLevel: string;
}

const schema = z.object({
  SEKISHO_DNS_FILTER_HOST: envFields.host('127.0.0.1').refine(isLoopback, 'must be a loopback address: an open resolver serves attackers'),
  SEKISHO_DNS_FILTER_PORT: envFields.port(5353).refine((port) => port > 0, 'must not be 0'),
  SEKISHO_DNS_FILTER_UPSTREAMS: envFields.each(isEndpoint, 'must be ip:port, separated by commas'),
  // Short, for the address of a unix socket has at most 107 bytes.
  SEKISHO_DNS_FILTER_FOLDER: z.string().regex(/^\/[\w./-]{1,80}$/, 'must be a short absolute path of letters, digits, dots and hyphens').default('/run/sekisho/dns-filter'),
  SEKISHO_OPS_HOST: envFields.host('0.0.0.0'),
  SEKISHO_OPS_PORT: envFields.port(9094),
  SEKISHO_DENY_CIDRS: envFields.each(isCidr, 'must be address prefixes, separated by commas'),
  SEKISHO_DENY_CIDRS_FILE: envFields.filePath().optional(),
  SEKISHO_NODE_IPS: envFields.each(isCidr, 'must be addresses, separated by commas'),
  SEKISHO_NAT64_PREFIX: envFields.each(isNat64Prefix, 'must be NAT64 prefixes such as 64:ff9b::/96, separated by commas'),
  SEKISHO_UNSAFE_PUBLIC_CIDRS: envFields.each(isCidr, 'must be address prefixes, separated by commas'),
  SEKISHO_LOG_LEVEL: envFields.logLevel(),
});

/** @throws ConfigError with all problems. */
export function readConfig(env: NodeJS.ProcessEnv = process.env, resolvConf: string = RESOLV_CONF): DnsFilterConfig {
  const values = loadConfig(schema, { env, service: 'dns-filter' });
  const listen: Endpoint = { address: values.SEKISHO_DNS_FILTER_HOST, port: values.SEKISHO_DNS_FILTER_PORT };
  return {
    listen,
    upstreams: upstreamsOf(values.SEKISHO_DNS_FILTER_UPSTREAMS, listen, resolvConf),
    opsHost: values.SEKISHO_OPS_HOST,
    opsPort: values.SEKISHO_OPS_PORT,
    denyCidrs: clusterDenied({ named: values.SEKISHO_DENY_CIDRS, nodeIps: values.SEKISHO_NODE_IPS, apiServer: env['KUBERNETES_SERVICE_HOST'] }),
    denyCidrsFile: values.SEKISHO_DENY_CIDRS_FILE,
    nat64Prefixes: values.SEKISHO_NAT64_PREFIX,
    unsafePublicCidrs: values.SEKISHO_UNSAFE_PUBLIC_CIDRS,
    programPath: env['PATH'] ?? '',
    folder: values.SEKISHO_DNS_FILTER_FOLDER,
    logLevel: values.SEKISHO_LOG_LEVEL,
  };
}

function upstreamsOf(named: readonly string[], listen: Endpoint, resolvConf: string): readonly Endpoint[] {
  const upstreams = named.length > 0 ? named.flatMap((text) => parseEndpoint(text) ?? []) : readNameServers(readText(resolvConf));
  if (upstreams.length === 0) throw problem(`SEKISHO_DNS_FILTER_UPSTREAMS is not set and ${resolvConf} names no server`);
  if (upstreams.length > UPSTREAMS_MAX) throw problem(`SEKISHO_DNS_FILTER_UPSTREAMS: more than ${UPSTREAMS_MAX}`);
  if (upstreams.some(({ address, port }) => address === listen.address && port === listen.port)) {
    throw problem('SEKISHO_DNS_FILTER_UPSTREAMS: the filter would ask itself');
  }
  return upstreams;
}

const problem = (text: string): ConfigError => new ConfigError('dns-filter', [text]);

function isLoopback(text: string): boolean {
  const address = parseAddress(text);
  return address?.family === 4 ? address.bytes[0] === 127 : text === '::1';
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

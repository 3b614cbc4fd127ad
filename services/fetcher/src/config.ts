// The only reader of the environment.

import { readFileSync } from 'node:fs';
import { CIDR_LIST_BYTES_MAX, clusterDenied, isCidr, isEndpoint, isHost, isNat64Prefix, openServicesProblem, parseCidrList, type PlainHttp } from '@sekisho/netguard';
import { ConfigError, REDIS_URLS, envFields, loadConfig, readFileNow, readSecretFile } from '@sekisho/runtime';
import { z } from 'zod';

const MiB = 1024 * 1024;

export interface FetcherConfig {
  readonly listenHost: string;
  readonly port: number;
  readonly opsHost: string;
  readonly opsPort: number;
  /** Exact Host values; undefined: loopback names with the port listened on. */
  readonly hosts: readonly string[] | undefined;
  readonly token: Buffer;
  readonly publicUrl: URL;
  readonly ownHosts: readonly string[];
  readonly redisUrl: string;
  /** Byte budget of the work Redis. */
  readonly workBytesMax: number;
  readonly dnsServers: readonly string[];
  readonly plainHttp: PlainHttp;
  /** Networks and addresses denied from the environment; those of the file come on top. */
  readonly denyCidrs: readonly string[];
  readonly denyCidrsFile: string | undefined;
  readonly nat64Prefixes: readonly string[];
  readonly unsafeAllowTargets: readonly string[];
  readonly unsafePublicCidrs: readonly string[];
  /** PEM of further authorities. */
  readonly unsafeCa: string | undefined;
  readonly logLevel: string;
  /** Time between being unready and closing the port, so that every gateway notices, and for what still runs then. */
  readonly shutdownDelayMs: number;
  readonly shutdownDrainMs: number;
  readonly version: string;
}

const schema = z.object({
  SEKISHO_LISTEN_HOST: envFields.host('0.0.0.0'),
  SEKISHO_FETCHER_PORT: envFields.port(8081),
  SEKISHO_OPS_HOST: envFields.host('0.0.0.0'),
  SEKISHO_OPS_PORT: envFields.port(9090),
  SEKISHO_FETCHER_HOSTS: envFields.each((text) => /^[a-z0-9.:[\]-]{1,255}$/.test(text), 'must be host or host:port, in lower case, separated by commas'),
  SEKISHO_INTERNAL_TOKEN_FILE: envFields.filePath(),
  SEKISHO_PUBLIC_URL: envFields.httpUrl(),
  SEKISHO_OWN_HOSTS: envFields.each(isHost, 'must be host names, separated by commas'),
  SEKISHO_REDIS_URL: envFields.redisUrl().optional(),
  SEKISHO_REDIS_URL_FILE: envFields.filePath().optional(),
  SEKISHO_WORK_REDIS_URL: envFields.redisUrl().optional(),
  SEKISHO_WORK_REDIS_URL_FILE: envFields.filePath().optional(),
  SEKISHO_WORK_BYTES_MAX: envFields.intBetween(32 * MiB, 64 * 1024 * MiB, 256 * MiB),
  SEKISHO_DNS_SERVERS: envFields.each(isEndpoint, 'must be ip:port, separated by commas'),
  SEKISHO_FETCH_PLAIN_HTTP: z.enum(['upgrade', 'allow', 'deny']).default('upgrade'),
  SEKISHO_DENY_CIDRS: envFields.each(isCidr, 'must be address prefixes, separated by commas'),
  SEKISHO_DENY_CIDRS_FILE: envFields.filePath().optional(),
  SEKISHO_NODE_IPS: envFields.each(isCidr, 'must be addresses, separated by commas'),
  SEKISHO_NAT64_PREFIX: envFields.each(isNat64Prefix, 'must be NAT64 prefixes such as 64:ff9b::/96, separated by commas'),
  SEKISHO_UNSAFE_ALLOW_TARGETS: envFields.each(isEndpoint, 'must be ip:port, separated by commas'),
  SEKISHO_UNSAFE_PUBLIC_CIDRS: envFields.each(isCidr, 'must be address prefixes, separated by commas'),
  SEKISHO_UNSAFE_CA_FILE: envFields.filePath().optional(),
  SEKISHO_LOG_LEVEL: envFields.logLevel(),
  SEKISHO_SHUTDOWN_DELAY_MS: envFields.intBetween(0, 60_000, 5_000),
  SEKISHO_SHUTDOWN_DRAIN_MS: envFields.intBetween(0, 600_000, 60_000),
});
type Values = z.output<typeof schema>;

/** @throws ConfigError with all problems. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): FetcherConfig {
  const values = loadConfig(schema, { env, service: 'fetcher', fromFiles: REDIS_URLS });
  const redisUrl = values.SEKISHO_WORK_REDIS_URL ?? values.SEKISHO_REDIS_URL;
  if (redisUrl === undefined) throw problem('SEKISHO_WORK_REDIS_URL is not set');
  return {
    listenHost: values.SEKISHO_LISTEN_HOST,
    port: values.SEKISHO_FETCHER_PORT,
    opsHost: values.SEKISHO_OPS_HOST,
    opsPort: values.SEKISHO_OPS_PORT,
    hosts: values.SEKISHO_FETCHER_HOSTS.length === 0 ? undefined : values.SEKISHO_FETCHER_HOSTS,
    token: readSecretFile(values.SEKISHO_INTERNAL_TOKEN_FILE, 'SEKISHO_INTERNAL_TOKEN_FILE'),
    publicUrl: values.SEKISHO_PUBLIC_URL,
    ownHosts: values.SEKISHO_OWN_HOSTS,
    redisUrl,
    workBytesMax: values.SEKISHO_WORK_BYTES_MAX,
    dnsServers: values.SEKISHO_DNS_SERVERS,
    plainHttp: values.SEKISHO_FETCH_PLAIN_HTTP,
    denyCidrs: denyCidrs(values, env['KUBERNETES_SERVICE_HOST']),
    denyCidrsFile: values.SEKISHO_DENY_CIDRS_FILE,
    nat64Prefixes: values.SEKISHO_NAT64_PREFIX,
    unsafeAllowTargets: values.SEKISHO_UNSAFE_ALLOW_TARGETS,
    unsafePublicCidrs: values.SEKISHO_UNSAFE_PUBLIC_CIDRS,
    unsafeCa: readCa(values.SEKISHO_UNSAFE_CA_FILE),
    logLevel: values.SEKISHO_LOG_LEVEL,
    shutdownDelayMs: values.SEKISHO_SHUTDOWN_DELAY_MS,
    shutdownDrainMs: values.SEKISHO_SHUTDOWN_DRAIN_MS,
    version: readVersion(),
  };
}

const problem = (text: string): ConfigError => new ConfigError('fetcher', [text]);

function denyCidrs(values: Values, apiServer: string | undefined): readonly string[] {
  const networks = { named: values.SEKISHO_DENY_CIDRS, nodeIps: values.SEKISHO_NODE_IPS, apiServer };
  const open = openServicesProblem(networks, values.SEKISHO_DENY_CIDRS_FILE === undefined ? [] : fileCidrs(values.SEKISHO_DENY_CIDRS_FILE));
  if (open !== undefined) throw problem(open);
  return clusterDenied(networks);
}

function fileCidrs(path: string): readonly string[] {
  try {
    return readFileNow(path, { bytesMax: CIDR_LIST_BYTES_MAX, parse: parseCidrList });
  } catch (error) {
    throw problem(`SEKISHO_DENY_CIDRS_FILE: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readCa(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw problem('SEKISHO_UNSAFE_CA_FILE: the file cannot be read');
  }
}

function readVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const version = typeof parsed === 'object' && parsed !== null && 'version' in parsed ? parsed.version : undefined;
  return typeof version === 'string' ? version : '0.0.0';
}

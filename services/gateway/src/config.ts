// The only reader of the gateway's environment.

import { parseCidr } from '@sekisho/netguard';
import { REDIS_URLS, envFields, loadConfig, readSecretFile } from '@sekisho/runtime';
import { z } from 'zod';
import { type InboxConfig, inboxFields, readInboxConfig } from './inbox/inbox-config.ts';
import { checkLimitsFile } from './limits-file/limits-file.ts';

const MiB = 1024 * 1024;
const SELF_ORIGINS_MAX = 32;

const originMap = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'must be a JSON object of origins' });
      return z.NEVER;
    }
  })
  .pipe(z.record(z.string(), z.string()))
  .refine((map) => Object.keys(map).length <= SELF_ORIGINS_MAX, `must hold at most ${SELF_ORIGINS_MAX} origins`)
  .refine((map) => Object.entries(map).flat().every(isOrigin), 'must map http(s) origins to http(s) origins, without paths');

function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text.replace(/\/$/, '');
}

const schema = z.object({
  SEKISHO_PUBLIC_URL: envFields.httpUrl(),
  SEKISHO_OWN_HOSTS: envFields.list(),
  SEKISHO_MISSKEY_URL: envFields.httpUrl(),
  SEKISHO_REDIS_URL: envFields.redisUrl(),
  SEKISHO_REDIS_URL_FILE: envFields.filePath().optional(),
  SEKISHO_WORK_REDIS_URL: envFields.redisUrl().optional(),
  SEKISHO_WORK_REDIS_URL_FILE: envFields.filePath().optional(),
  SEKISHO_FETCHER_URL: envFields.httpUrl().default(new URL('http://127.0.0.1:8081')),
  SEKISHO_INTERNAL_TOKEN_FILE: envFields.filePath(),
  SEKISHO_CACHE_KEY_FILE: envFields.filePath(),
  SEKISHO_ISOLATION_KEY_FILE: envFields.filePath(),
  SEKISHO_GATEWAY_PORT: envFields.port(8080),
  SEKISHO_OPS_PORT: envFields.port(9090),
  SEKISHO_OPS_HOST: envFields.host('0.0.0.0'),
  SEKISHO_LISTEN_HOST: envFields.host('0.0.0.0'),
  SEKISHO_IMAGE_SLOTS: envFields.intBetween(1, 1_024, 2),
  SEKISHO_WORK_BYTES_MAX: envFields.intBetween(32 * MiB, 64 * 1024 * MiB, 256 * MiB),
  SEKISHO_FETCH_PLAIN_HTTP: z.enum(['upgrade', 'allow', 'deny']).default('upgrade'),
  SEKISHO_TRUSTED_PROXIES: envFields.list().refine((list) => list.every((text) => parseCidr(text) !== undefined), 'must be address prefixes, separated by commas'),
  SEKISHO_TRUSTED_PROXIES_FILE: envFields.filePath().optional(),
  SEKISHO_MEDIA_SELF_ORIGINS: originMap.optional(),
  SEKISHO_MEDIA_STORAGE_BASES: envFields.list(),
  SEKISHO_MEDIA_ACCESS: z.enum(['open', 'site']).default('open'),
  SEKISHO_MEDIA_BLOCKED_HOSTS_FILE: envFields.filePath().optional(),
  SEKISHO_LIMITS_FILE: envFields.filePath().optional(),
  ...inboxFields,
  SEKISHO_CACHE_EPOCH: envFields.intBetween(0, 1_000_000_000, 1),
  SEKISHO_CACHE_MEMORY_BYTES: envFields.intBetween(MiB, 64 * 1024 * MiB, 128 * MiB),
  SEKISHO_CACHE_REDIS_BYTES: envFields.intBetween(MiB, 1024 * 1024 * MiB, 256 * MiB),
  SEKISHO_SHUTDOWN_DELAY_MS: envFields.intBetween(0, 60_000, 5_000),
  SEKISHO_SHUTDOWN_DRAIN_MS: envFields.intBetween(0, 600_000, 60_000),
  SEKISHO_LOG_LEVEL: envFields.logLevel(),
});

export interface GatewayConfig {
  readonly publicUrl: URL;
  readonly ownHosts: readonly string[];
  readonly misskeyUrl: URL;
  readonly redisUrl: string;
  readonly workRedisUrl: string;
  readonly fetcherUrl: URL;
  readonly internalToken: string;
  readonly cacheKey: Buffer;
  readonly isolationKey: Buffer;
  readonly host: string;
  readonly port: number;
  readonly opsHost: string;
  readonly opsPort: number;
  readonly imageSlots: number;
  readonly workBytesMax: number;
  readonly plainHttp: 'upgrade' | 'allow' | 'deny';
  readonly trustedProxies: readonly string[];
  readonly trustedProxiesFile: string | undefined;
  /** Origin as users see it to the origin that is read for it. */
  readonly selfOrigins: ReadonlyMap<string, string>;
  readonly storageBases: readonly string[];
  readonly mediaAccess: 'open' | 'site';
  readonly blockedHostsFile: string | undefined;
  readonly limitsFile: string | undefined;
  readonly inbox: InboxConfig;
  readonly cacheEpoch: number;
  readonly cacheMemoryBytes: number;
  readonly cacheRedisBytes: number;
  readonly shutdownDelayMs: number;
  readonly shutdownDrainMs: number;
  readonly logLevel: string;
}

/** @throws ConfigError with all problems at once. */
export function readGatewayConfig(env: NodeJS.ProcessEnv = process.env): GatewayConfig {
  const given = loadConfig(schema, { env, service: 'gateway', fromFiles: [...REDIS_URLS, 'SEKISHO_MISSKEY_QUEUE_REDIS_URL'] });
  const publicUrl = given.SEKISHO_PUBLIC_URL;
  if (given.SEKISHO_LIMITS_FILE !== undefined) checkLimitsFile(given.SEKISHO_LIMITS_FILE);
  const selfOrigins = given.SEKISHO_MEDIA_SELF_ORIGINS ?? { [publicUrl.origin]: given.SEKISHO_MISSKEY_URL.origin };
  return {
    publicUrl,
    ownHosts: given.SEKISHO_OWN_HOSTS,
    misskeyUrl: given.SEKISHO_MISSKEY_URL,
    redisUrl: given.SEKISHO_REDIS_URL,
    workRedisUrl: given.SEKISHO_WORK_REDIS_URL ?? given.SEKISHO_REDIS_URL,
    fetcherUrl: given.SEKISHO_FETCHER_URL,
    internalToken: readSecretFile(given.SEKISHO_INTERNAL_TOKEN_FILE, 'SEKISHO_INTERNAL_TOKEN_FILE').toString('latin1'),
    cacheKey: readSecretFile(given.SEKISHO_CACHE_KEY_FILE, 'SEKISHO_CACHE_KEY_FILE'),
    isolationKey: readSecretFile(given.SEKISHO_ISOLATION_KEY_FILE, 'SEKISHO_ISOLATION_KEY_FILE'),
    host: given.SEKISHO_LISTEN_HOST,
    port: given.SEKISHO_GATEWAY_PORT,
    opsHost: given.SEKISHO_OPS_HOST,
    opsPort: given.SEKISHO_OPS_PORT,
    imageSlots: given.SEKISHO_IMAGE_SLOTS,
    workBytesMax: given.SEKISHO_WORK_BYTES_MAX,
    plainHttp: given.SEKISHO_FETCH_PLAIN_HTTP,
    trustedProxies: given.SEKISHO_TRUSTED_PROXIES,
    trustedProxiesFile: given.SEKISHO_TRUSTED_PROXIES_FILE,
    selfOrigins: new Map(Object.entries(selfOrigins).map(([from, to]) => [new URL(from).origin, new URL(to).origin])),
    storageBases: given.SEKISHO_MEDIA_STORAGE_BASES,
    mediaAccess: given.SEKISHO_MEDIA_ACCESS,
    blockedHostsFile: given.SEKISHO_MEDIA_BLOCKED_HOSTS_FILE,
    limitsFile: given.SEKISHO_LIMITS_FILE,
    inbox: readInboxConfig(given, publicUrl),
    cacheEpoch: given.SEKISHO_CACHE_EPOCH,
    cacheMemoryBytes: given.SEKISHO_CACHE_MEMORY_BYTES,
    cacheRedisBytes: given.SEKISHO_CACHE_REDIS_BYTES,
    shutdownDelayMs: given.SEKISHO_SHUTDOWN_DELAY_MS,
    shutdownDrainMs: given.SEKISHO_SHUTDOWN_DRAIN_MS,
    logLevel: given.SEKISHO_LOG_LEVEL,
  };
}

/** URL of the state Redis alone, for the moderator's commands. @throws ConfigError with all problems at once. */
export function readStateRedisUrl(env: NodeJS.ProcessEnv = process.env): string {
  const { SEKISHO_REDIS_URL, SEKISHO_REDIS_URL_FILE } = schema.shape;
  return loadConfig(z.object({ SEKISHO_REDIS_URL, SEKISHO_REDIS_URL_FILE }), { env, service: 'gateway', fromFiles: REDIS_URLS }).SEKISHO_REDIS_URL;
}

// What a user may set for the local stack, with the defaults of a laptop.

import { isEndpoint } from '@sekisho/netguard';
import { ConfigError, envFields, loadConfig } from '@sekisho/runtime';
import { z } from 'zod';

const schema = z.object({
  SEKISHO_GATEWAY_PORT: envFields.port(8080),
  SEKISHO_FETCHER_PORT: envFields.port(8081),
  SEKISHO_GATEWAY_OPS_PORT: envFields.port(9090),
  SEKISHO_FETCHER_OPS_PORT: envFields.port(9091),
  SEKISHO_IMAGE_WORKER_OPS_PORT: envFields.port(9092),
  SEKISHO_EGRESS_PORT: envFields.port(3128),
  SEKISHO_EGRESS_PROXY_OPS_PORT: envFields.port(9093),
  SEKISHO_DNS_FILTER: z.enum(['on', 'off', 'auto']).default('auto'),
  // 5353, its port in a pod, is that of multicast DNS on a desktop.
  SEKISHO_DNS_FILTER_PORT: envFields.port(5354),
  SEKISHO_DNS_FILTER_OPS_PORT: envFields.port(9094),
  // Looked at here too: with a DNS filter it is the filter that gets it, under another name.
  SEKISHO_DNS_SERVERS: envFields.each(isEndpoint, 'must be ip:port, separated by commas'),
  SEKISHO_LISTEN_HOST: envFields.host('127.0.0.1'),
  SEKISHO_PUBLIC_URL: envFields.httpUrl().optional(),
  SEKISHO_MISSKEY_URL: envFields.httpUrl().optional(),
  SEKISHO_REDIS_URL: envFields.redisUrl().optional(),
});
export type StackOptions = z.output<typeof schema>;

/** Variables handed on to the services as they are. */
const HANDED_ON = [
  'SEKISHO_OWN_HOSTS', 'SEKISHO_DECODER_ISOLATION', 'SEKISHO_DECODER_SLOTS', 'SEKISHO_IMAGE_SLOTS', 'SEKISHO_SANDBOX', 'SEKISHO_DNS_SERVERS',
  'SEKISHO_FETCH_PLAIN_HTTP', 'SEKISHO_DENY_CIDRS', 'SEKISHO_DENY_CIDRS_FILE', 'SEKISHO_UNSAFE_ALLOW_TARGETS', 'SEKISHO_UNSAFE_CA_FILE',
  'SEKISHO_TRUSTED_PROXIES', 'SEKISHO_MEDIA_ACCESS', 'SEKISHO_MEDIA_BLOCKED_HOSTS_FILE', 'SEKISHO_LIMITS_FILE', 'SEKISHO_MEDIA_SELF_ORIGINS',
  'SEKISHO_MEDIA_STORAGE_BASES', 'SEKISHO_CACHE_EPOCH', 'SEKISHO_CACHE_MEMORY_BYTES', 'SEKISHO_CACHE_REDIS_BYTES', 'SEKISHO_LOG_LEVEL',
  'SEKISHO_NAT64_PREFIX', 'SEKISHO_DNS_FILTER_UPSTREAMS', 'SEKISHO_EGRESS_MODE', 'SEKISHO_EGRESS_SMTP_PORT', 'SEKISHO_EGRESS_SMTP_TARGETS',
  'SEKISHO_EGRESS_CREDENTIALS_FILE', 'SEKISHO_EGRESS_ALLOW_HOSTS_FILE', 'SEKISHO_EGRESS_DENY_HOSTS_FILE', 'SEKISHO_EGRESS_TUNNELS_MAX',
  'SEKISHO_EGRESS_HOST_TUNNELS_MAX', 'SEKISHO_EGRESS_TUNNEL_BYTES_MAX', 'SEKISHO_INBOX_MODE', 'SEKISHO_INBOX_LD_SIGNATURES', 'SEKISHO_INBOX_RELAYS',
  'SEKISHO_INBOX_DATE_SKEW_S', 'SEKISHO_INBOX_RULES_FILE', 'SEKISHO_INBOX_CAPTURE_PERCENT', 'SEKISHO_INBOX_VERIFY', 'SEKISHO_INBOX_VERIFY_UNAVAILABLE',
  'SEKISHO_INBOX_ACTOR_KEY_FILE',
] as const;

/** @throws ConfigError with all problems at once. */
export const readOptions = (env: NodeJS.ProcessEnv): StackOptions => {
  // Each service checks its own part again; here a typo must already stop the start.
  const options = loadConfig(schema, { env, service: 'local-stack' });
  const ports = [
    options.SEKISHO_GATEWAY_PORT, options.SEKISHO_FETCHER_PORT, options.SEKISHO_GATEWAY_OPS_PORT,
    options.SEKISHO_FETCHER_OPS_PORT, options.SEKISHO_IMAGE_WORKER_OPS_PORT, options.SEKISHO_EGRESS_PORT, options.SEKISHO_EGRESS_PROXY_OPS_PORT,
    ...(options.SEKISHO_DNS_FILTER === 'off' ? [] : [options.SEKISHO_DNS_FILTER_PORT, options.SEKISHO_DNS_FILTER_OPS_PORT]),
  ];
  if (new Set(ports).size !== ports.length) throw new ConfigError('local-stack', ['two services would listen on the same port']);
  return options;
};

export const handedOn = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(HANDED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));

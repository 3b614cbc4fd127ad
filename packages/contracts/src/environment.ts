// Every SEKISHO_ variable of every service. A service's own schema parses its part; this table is what makes a typo
// an error ("did you mean") and what docs/reference/environment.md is generated from.

export type ServiceName = 'gateway' | 'fetcher' | 'image-worker' | 'egress-proxy' | 'dns-filter' | 'local-stack';

export interface EnvironmentRow {
  readonly services: readonly ServiceName[];
  /** Default as a user would write it, or what happens without it. */
  readonly fallback: string;
  readonly meaning: string;
  readonly secret?: true;
}

const row = (services: readonly ServiceName[], fallback: string, meaning: string, secret?: true): EnvironmentRow =>
  secret === undefined ? { services, fallback, meaning } : { services, fallback, meaning, secret };
const ALL = ['gateway', 'fetcher', 'image-worker'] as const;

export const ENVIRONMENT = {
  SEKISHO_PUBLIC_URL: row(['gateway', 'fetcher', 'egress-proxy'], '`http://localhost:8080` in the local stack', 'URL of the instance as users see it. Its host is ours: a target there is a loop.'),
  SEKISHO_OWN_HOSTS: row(['gateway', 'fetcher', 'egress-proxy'], 'none', 'Further host names that are ours, comma separated.'),
  SEKISHO_MISSKEY_URL: row(['gateway', 'local-stack'], 'demo upstream in the local stack', 'Where Misskey listens.'),
  SEKISHO_REDIS_URL: row(['gateway', 'fetcher', 'image-worker', 'local-stack'], 'embedded in the local stack', 'State Redis (gateway), and work Redis where that is not set.', true),
  SEKISHO_REDIS_URL_FILE: row(ALL, 'none', 'File with the value of `SEKISHO_REDIS_URL`, instead of that.', true),
  SEKISHO_WORK_REDIS_URL: row(ALL, '`SEKISHO_REDIS_URL`', 'Work Redis: queue, picture bytes, admission.', true),
  SEKISHO_WORK_REDIS_URL_FILE: row(ALL, 'none', 'File with the value of `SEKISHO_WORK_REDIS_URL`, instead of that.', true),
  SEKISHO_WORK_BYTES_MAX: row(['gateway', 'fetcher', 'local-stack'], '268435456', 'Bytes of pictures on their way in the work Redis; at most half of its maxmemory.'),
  SEKISHO_FETCHER_URL: row(['gateway'], '`http://127.0.0.1:8081`', 'Where the fetcher listens.'),
  SEKISHO_INTERNAL_TOKEN_FILE: row(['gateway', 'fetcher'], 'made by the local stack', 'File with the shared token of the internal port, at least 32 bytes.', true),
  SEKISHO_CACHE_KEY_FILE: row(['gateway'], 'made by the local stack', 'File with the HMAC key of cache entries, at least 32 bytes, the same in all replicas.', true),
  SEKISHO_ISOLATION_KEY_FILE: row(['gateway'], 'made by the local stack', 'File with the HMAC key of isolation tokens, at least 32 bytes, the same in all replicas.', true),
  SEKISHO_GATEWAY_PORT: row(['gateway', 'local-stack'], '8080', 'Public port.'),
  SEKISHO_FETCHER_PORT: row(['fetcher', 'local-stack'], '8081', 'Internal port for the gateway.'),
  SEKISHO_FETCHER_HOSTS: row(['fetcher', 'local-stack'], '`127.0.0.1:<port>,localhost:<port>`', 'Values of the Host header under which the gateway reaches the fetcher; any other is refused.'),
  SEKISHO_OPS_PORT: row([...ALL, 'egress-proxy', 'dns-filter'], '9090; dns-filter 9094', 'Port of /metrics, /healthz and /readyz.'),
  SEKISHO_OPS_HOST: row([...ALL, 'egress-proxy', 'dns-filter'], '`0.0.0.0`; `127.0.0.1` in the local stack', 'Address the ops port binds to.'),
  SEKISHO_LISTEN_HOST: row(['gateway', 'fetcher', 'egress-proxy', 'local-stack'], '`0.0.0.0`; `127.0.0.1` in the local stack', 'Address the service port binds to.'),
  SEKISHO_GATEWAY_OPS_PORT: row(['local-stack'], '9090', 'Ops port of the gateway in the local stack.'),
  SEKISHO_FETCHER_OPS_PORT: row(['local-stack'], '9091', 'Ops port of the fetcher in the local stack.'),
  SEKISHO_IMAGE_WORKER_OPS_PORT: row(['local-stack'], '9092', 'Ops port of the image-worker in the local stack.'),
  SEKISHO_EGRESS_PROXY_OPS_PORT: row(['local-stack'], '9093', 'Ops port of the egress-proxy in the local stack.'),
  SEKISHO_DNS_FILTER_OPS_PORT: row(['local-stack'], '9094', 'Ops port of the dns-filter in the local stack.'),
  SEKISHO_DECODER_ISOLATION: row(['image-worker', 'local-stack'], '`site`', '`site`: a decoder process serves one source and at most 8 pictures; `image`: one picture.'),
  SEKISHO_DECODER_SLOTS: row(['image-worker', 'local-stack'], 'number of cores', 'Pictures decoded at once by one image-worker.'),
  SEKISHO_IMAGE_SLOTS: row(['gateway', 'local-stack'], '2', 'Pictures decoded at once by all image-workers together; sets the waiting lines.'),
  SEKISHO_SANDBOX: row(['image-worker', 'local-stack'], '`require`; `best-effort` in the local stack', '`require`: no start without launcher, Landlock and seccomp; `best-effort`: decoders get the walls there are.'),
  SEKISHO_DNS_SERVERS: row(['fetcher', 'egress-proxy', 'local-stack'], 'system resolvers', '`ip:port,…` used for every name a stranger chose.'),
  SEKISHO_FETCH_PLAIN_HTTP: row(['gateway', 'fetcher', 'local-stack'], '`upgrade`', '`upgrade`: http on port 80 is fetched as https; `allow`; `deny`.'),
  SEKISHO_DENY_CIDRS: row(['fetcher', 'egress-proxy', 'dns-filter', 'local-stack'], 'none', 'Networks of your own that are never fetched from, comma separated.'),
  SEKISHO_DENY_CIDRS_FILE: row(['fetcher', 'egress-proxy', 'dns-filter'], 'none', 'File with such networks, one per line; re-read on change.'),
  SEKISHO_NODE_IPS: row(['fetcher', 'egress-proxy', 'dns-filter'], 'none', 'Addresses of the node and the pod (downward API), denied as targets.'),
  SEKISHO_NAT64_PREFIX: row(['fetcher', 'egress-proxy', 'dns-filter'], 'none', 'Prefix of the NAT64 translator of an IPv6-only cluster, `64:ff9b::/96` or your own (/32 to /96), several separated by commas; the IPv4 address inside is what is judged.'),
  SEKISHO_UNSAFE_ALLOW_TARGETS: row(['fetcher', 'egress-proxy', 'local-stack'], 'none', '`ip:port,…` treated as public. For tests and development only.'),
  SEKISHO_UNSAFE_PUBLIC_CIDRS: row(['fetcher', 'egress-proxy', 'dns-filter'], 'none', 'Prefixes taken out of the address table. For cluster tests only.'),
  SEKISHO_UNSAFE_CA_FILE: row(['fetcher', 'local-stack'], 'none', 'PEM file of further certificate authorities. For tests and development only.'),
  SEKISHO_TRUSTED_PROXIES: row(['gateway', 'local-stack'], 'none', 'CIDRs whose X-Forwarded-For is believed; the rightmost untrusted address is the client.'),
  SEKISHO_TRUSTED_PROXIES_FILE: row(['gateway'], 'none', 'File with further such CIDRs, one per line; re-read on change.'),
  SEKISHO_MEDIA_SELF_ORIGINS: row(['gateway'], 'public URL to Misskey URL', 'JSON map of origins whose /files/ the gateway reads itself.'),
  SEKISHO_MEDIA_STORAGE_BASES: row(['gateway'], 'none', 'URL prefixes of the instance\'s object storage, comma separated; `origin` is served for them.'),
  SEKISHO_MEDIA_ACCESS: row(['gateway', 'local-stack'], '`open`', '`site`: only requests from pages of the instance.'),
  SEKISHO_MEDIA_BLOCKED_HOSTS_FILE: row(['gateway', 'local-stack'], 'none', 'File with host suffixes that are refused, one per line; re-read on change.'),
  SEKISHO_CACHE_EPOCH: row(['gateway', 'local-stack'], '1', 'Raise to empty all caches.'),
  SEKISHO_CACHE_MEMORY_BYTES: row(['gateway', 'local-stack'], '134217728', 'Byte budget of the result cache in memory.'),
  SEKISHO_CACHE_REDIS_BYTES: row(['gateway', 'local-stack'], '268435456', 'Byte budget of the result cache in Redis.'),
  SEKISHO_INBOX_MODE: row(['gateway', 'local-stack'], '`enforce`', '`observe`: activities are judged and logged, only what would hang Misskey is refused; `enforce`; `enqueue`: sanitised copies go straight into Misskey\'s queue.'),
  SEKISHO_INBOX_LD_SIGNATURES: row(['gateway', 'local-stack'], '`strict`', 'Activities delivered by somebody else with a signature of their own: `strict`: under strict rules; `reject`; `pass`.'),
  SEKISHO_INBOX_RELAYS: row(['gateway', 'local-stack'], 'none', 'Actor URLs of relays whose deliveries for others are taken, comma separated.'),
  SEKISHO_INBOX_DATE_SKEW_S: row(['gateway', 'local-stack'], '300', 'Seconds that the date of a signature may lie from now, 30 to 300.'),
  SEKISHO_INBOX_RULES_FILE: row(['gateway', 'local-stack'], 'none', 'YAML file with rules and host lists, followed while the gateway runs; see docs/inbox-rules.md.'),
  SEKISHO_INBOX_CAPTURE_PERCENT: row(['gateway', 'local-stack'], '0', 'Share of judged requests kept, redacted, in a capped stream that `npm run rules -- replay` reads.'),
  SEKISHO_INBOX_VERIFY: row(['gateway', 'local-stack'], '`off`', '`on`: signatures are checked with keys fetched through the fetcher.'),
  SEKISHO_INBOX_VERIFY_UNAVAILABLE: row(['gateway', 'local-stack'], '`pass`', 'When a key cannot be fetched: `pass`: Misskey decides; `retry`: 503, the sender tries again.'),
  SEKISHO_INBOX_ACTOR_KEY_FILE: row(['gateway', 'local-stack'], 'none; the local stack makes one where it is needed', 'PEM file with the RSA private key that signs key fetches; needed for SEKISHO_INBOX_VERIFY=on.', true),
  SEKISHO_MISSKEY_QUEUE_REDIS_URL: row(['gateway'], 'none', 'Redis of Misskey\'s job queue, for the mode `enqueue`.', true),
  SEKISHO_MISSKEY_QUEUE_REDIS_URL_FILE: row(['gateway'], 'none', 'File with the value of `SEKISHO_MISSKEY_QUEUE_REDIS_URL`, instead of that.', true),
  SEKISHO_MISSKEY_QUEUE_PREFIX: row(['gateway'], 'host of SEKISHO_PUBLIC_URL', 'Redis prefix in Misskey\'s configuration, without `:queue`.'),
  SEKISHO_MISSKEY_DATABASE_URL_FILE: row(['gateway'], 'none', 'File with the `postgres://` URL of Misskey\'s database, for rules about who is followed here; a role that reads four columns is enough, see docs/inbox-rules.md.', true),
  SEKISHO_MISSKEY_VERSION: row(['gateway'], 'none', 'Version of Misskey, for the mode `enqueue`, which knows the job format of some versions only.'),
  SEKISHO_EGRESS_PORT: row(['egress-proxy', 'local-stack'], '3128', 'CONNECT port for Misskey (`proxy` in its configuration).'),
  SEKISHO_EGRESS_SMTP_PORT: row(['egress-proxy'], 'off', 'CONNECT port for mail (`proxySmtp` in Misskey); only SEKISHO_EGRESS_SMTP_TARGETS, no look at TLS.'),
  SEKISHO_EGRESS_SMTP_TARGETS: row(['egress-proxy'], 'none', '`host:port,…` that the SMTP port reaches; the addresses must be public all the same.'),
  SEKISHO_EGRESS_MODE: row(['egress-proxy', 'local-stack'], '`enforce`', '`report`: port, host lists and TLS checks are logged, not enforced; addresses, own hosts and syntax always are.'),
  SEKISHO_EGRESS_CREDENTIALS_FILE: row(['egress-proxy'], 'none: no credentials are asked for', 'File with lines `user:password` for Basic authentication; re-read on change.', true),
  SEKISHO_EGRESS_ALLOW_HOSTS_FILE: row(['egress-proxy'], 'none', 'File with the only host suffixes tunnels may go to, one per line; re-read on change.'),
  SEKISHO_EGRESS_DENY_HOSTS_FILE: row(['egress-proxy'], 'none', 'File with host suffixes that are refused, one per line; re-read on change.'),
  SEKISHO_EGRESS_TUNNELS_MAX: row(['egress-proxy'], '1024', 'Tunnels open at once, those that connect included.'),
  SEKISHO_EGRESS_HOST_TUNNELS_MAX: row(['egress-proxy'], '256', 'Tunnels open at once to one host; as many as Misskey opens.'),
  SEKISHO_EGRESS_TUNNEL_BYTES_MAX: row(['egress-proxy'], '1073741824', 'Bytes one tunnel may carry, both directions together.'),
  SEKISHO_SHUTDOWN_DELAY_MS: row(['gateway', 'fetcher', 'egress-proxy', 'local-stack'], '5000; 0 in the local stack', 'Time between being unready and closing the port, so that load balancers notice.'),
  SEKISHO_SHUTDOWN_DRAIN_MS: row(['gateway', 'fetcher', 'egress-proxy', 'image-worker', 'local-stack'], '60000; image-worker 10500, local stack 1000', 'Time that running answers and pictures get when a service stops.'),
  SEKISHO_LIMITS_FILE: row(['gateway', 'local-stack'], 'built-in', 'YAML file with other limits, followed while the gateway runs; see docs/configure.md.'),
  SEKISHO_DNS_FILTER: row(['local-stack'], '`auto`', '`on`, `off`, `auto`: start the DNS filter; `auto` does where Unbound is installed.'),
  SEKISHO_DNS_FILTER_HOST: row(['dns-filter'], '`127.0.0.1`', 'Loopback address the DNS filter answers on; nobody else may ask it.'),
  SEKISHO_DNS_FILTER_PORT: row(['dns-filter', 'local-stack'], '5353; 5354 in the local stack', 'UDP and TCP port of the DNS filter.'),
  SEKISHO_DNS_FILTER_UPSTREAMS: row(['dns-filter'], 'name servers of `/etc/resolv.conf`', '`ip:port,…` the DNS filter forwards to; it asks nobody else.'),
  SEKISHO_DNS_FILTER_FOLDER: row(['dns-filter'], '`/run/sekisho/dns-filter`', 'Writable folder for the rendered files and the control socket, in memory where possible.'),
  SEKISHO_LOG_LEVEL: row(['gateway', 'fetcher', 'egress-proxy', 'dns-filter', 'image-worker', 'local-stack'], '`info`', '`debug`, `info`, `warn` or `error`.'),
} as const satisfies Record<string, EnvironmentRow>;

export type EnvironmentName = keyof typeof ENVIRONMENT;
export const ENVIRONMENT_NAMES = Object.keys(ENVIRONMENT) as readonly EnvironmentName[];

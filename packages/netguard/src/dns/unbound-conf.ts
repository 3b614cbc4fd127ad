// The configuration of Unbound as the DNS filter: it forwards, refuses and counts, and asks nobody but its upstreams. Pure.
// There is no private-address: it would strip private records before the response policy sees them, so that mixed answers
// would pass half and nothing would be counted. There is no ratelimit: forwarders are exempt from it.

import { parseCidr, type Prefix } from '../address.ts';
import { formatPrefix } from '../address-text.ts';
import type { Endpoint } from '../endpoint.ts';
import { DENIED_SUFFIXES } from '../names.ts';
import { subtract } from './prefix.ts';
import { RPZ_ZONE_NAME } from './rpz-zone.ts';

/** Queries per second from one client; the clients of a sidecar share one address. */
export const CLIENT_QUERIES_PER_SECOND_MAX = 1_000;
/** A TXT record that the filter itself answers, so that being ready depends on no upstream. */
export const READY_NAME = 'ready.dns-filter.sekisho.internal';
export const READY_TEXT = 'ready';
const READY_ZONE = 'dns-filter.sekisho.internal.';
/**
 * Time for an upstream's first answer, milliseconds; it doubles once, so that a question nobody answers ends after three
 * times this, within the 5 s that a resolution gets. Adaptive times would take a fast cache for a fast resolver and give
 * up on slow names.
 */
const UPSTREAM_MS = 1_500;

/** RFC 5737: never an upstream. */
const NOBODY = '192.0.2.1';

export interface UnboundSettings {
  /** On loopback: only the own pod or host may ask. */
  readonly listen: Endpoint;
  readonly upstreams: readonly Endpoint[];
  /** Absolute paths without quotes. */
  readonly zoneFile: string;
  readonly controlSocket: string;
  readonly clientQueriesPerSecondMax?: number;
}

/** @throws TypeError when an upstream is no address or a path cannot be quoted. */
export function unboundConf(settings: UnboundSettings): string {
  return `${[
    '# Unbound as the DNS filter, from packages/netguard/src/dns/unbound-conf.ts. Do not edit.',
    'server:', ...server(settings).map(indent),
    'remote-control:', ...control(settings).map(indent),
    'forward-zone:', ...forward(settings).map(indent),
    ...DENIED_SUFFIXES.flatMap(({ suffix }) => ['forward-zone:', ...nowhere(suffix).map(indent)]),
    'rpz:', ...policy(settings).map(indent),
  ].join('\n')}\n`;
}

const server = (settings: UnboundSettings): readonly string[] => [
  '# A child of its supervisor: in the foreground, logging to it, without a user to become.',
  'use-syslog: no', 'logfile: ""', 'verbosity: 1', 'log-servfail: yes', 'username: ""', 'chroot: ""', 'directory: ""', 'pidfile: ""',
  '# One thread: a new policy holds for all queries from one moment on.',
  'num-threads: 1',
  `interface: ${settings.listen.address}@${settings.listen.port}`,
  'access-control: 127.0.0.0/8 allow', 'access-control: ::1/128 allow',
  '# Policy before cache and forwarding; no validator, since resolvers in between often break DNSSEC.',
  'module-config: "respip iterator"',
  'deny-any: yes',
  '# The built-in zone would answer with loopback addresses.',
  'local-zone: "localhost." always_nxdomain',
  `local-zone: "${READY_ZONE}" static`, `local-data: '${READY_NAME}. 10 IN TXT "${READY_TEXT}"'`,
  'hide-identity: yes', 'hide-version: yes', 'hide-trustanchor: yes', 'minimal-responses: yes', 'prefetch: yes',
  'extended-statistics: yes', 'statistics-cumulative: yes',
  '# Limits.',
  'msg-cache-size: 8m', 'rrset-cache-size: 16m', 'cache-max-ttl: 3600', 'cache-max-negative-ttl: 300', 'max-udp-size: 1232',
  'edns-buffer-size: 1232', 'incoming-num-tcp: 64', 'num-queries-per-thread: 1024', 'unwanted-reply-threshold: 10000000',
  `ip-ratelimit: ${settings.clientQueriesPerSecondMax ?? CLIENT_QUERIES_PER_SECOND_MAX}`, 'ip-ratelimit-factor: 0',
  '# A name that never gets an answer must neither hold its client nor give the upstream a bad name: what is learnt of an',
  '# upstream is forgotten after a second, before doubled waits add up and it is written off for 15 minutes.',
  `infra-cache-min-rtt: ${UPSTREAM_MS}`, `unknown-server-time-limit: ${UPSTREAM_MS}`, 'infra-host-ttl: 1', 'outbound-msg-retry: 1',
  '# All clients share one address: a limit per address, and silence after 1.9 s, would hit them all.',
  'wait-limit: 0', 'discard-timeout: 0',
  '# Nobody but the upstreams is ever asked, whatever name servers an answer names.',
  'do-not-query-localhost: no', ...notUpstreams(settings.upstreams).map((prefix) => `do-not-query-address: ${formatPrefix(prefix)}`),
];

const control = ({ controlSocket }: UnboundSettings): readonly string[] => [
  'control-enable: yes', `control-interface: ${quoted(controlSocket)}`, 'control-use-cert: no',
];

const forward = ({ upstreams }: UnboundSettings): readonly string[] => [
  'name: "."', 'forward-first: no', ...upstreams.map(({ address, port }) => `forward-addr: ${address}@${port}`),
];

/**
 * Internal names lead to a server that must not be asked. The policy refuses them when they are asked for, but not always
 * when a cached CNAME leads to them.
 */
const nowhere = (suffix: string): readonly string[] => [`name: "${suffix}."`, 'forward-first: no', `forward-addr: ${NOBODY}`];

const policy = ({ zoneFile }: UnboundSettings): readonly string[] => [
  `name: "${RPZ_ZONE_NAME}"`, `zonefile: ${quoted(zoneFile)}`, 'rpz-log: yes', 'rpz-log-name: "sekisho"',
];

const EVERYTHING: readonly Prefix[] = ['0.0.0.0/0', '::/0'].flatMap((cidr) => parseCidr(cidr) ?? []);

function notUpstreams(upstreams: readonly Endpoint[]): readonly Prefix[] {
  if (upstreams.length === 0) throw new TypeError('no upstream');
  const holes = upstreams.map(({ address }) => {
    const prefix = address.includes('/') ? undefined : parseCidr(address);
    if (prefix === undefined || address === NOBODY) throw new TypeError(`no address: ${JSON.stringify(address)}`);
    return prefix;
  });
  return EVERYTHING.flatMap((whole) => subtract(whole, holes));
}

function quoted(path: string): string {
  if (!/^\/[\w./-]+$/.test(path)) throw new TypeError(`no path for a configuration file: ${JSON.stringify(path)}`);
  return `"${path}"`;
}

const indent = (line: string): string => `  ${line}`;

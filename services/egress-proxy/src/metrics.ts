import { CODE_NAMES, type Code } from '@sekisho/contracts';
import { createMetrics, type Metrics } from '@sekisho/runtime';
import { TLS_VERSION_NAMES, type TlsVersionName } from './tls/versions.ts';

/** The network's or a peer's doing; everything else is policy. */
const FAULTS: ReadonlySet<Code> = new Set([
  'SEKISHO_EGRESS_UNRESOLVED', 'SEKISHO_EGRESS_DNS', 'SEKISHO_EGRESS_DNS_TIMEOUT', 'SEKISHO_EGRESS_CONNECT', 'SEKISHO_EGRESS_CONNECT_TIMEOUT',
  'SEKISHO_EGRESS_CLIENT_TIMEOUT', 'SEKISHO_EGRESS_SERVER_TIMEOUT', 'SEKISHO_EGRESS_IDLE', 'SEKISHO_EGRESS_LIFE',
  'SEKISHO_EGRESS_CLIENT_GONE', 'SEKISHO_EGRESS_SERVER_GONE', 'SEKISHO_EGRESS_STOPPING', 'SEKISHO_INTERNAL',
]);

export const isFault = (code: Code): boolean => FAULTS.has(code);

const isOurs = (code: Code): boolean => code.startsWith('SEKISHO_EGRESS_') || code === 'SEKISHO_INTERNAL';
const DENY_CODES = CODE_NAMES.filter((code) => isOurs(code) && !isFault(code));
const FAULT_CODES = CODE_NAMES.filter((code) => isOurs(code) && isFault(code));

const LIST_NAMES = ['deny_networks', 'allow_hosts', 'deny_hosts', 'credentials'] as const;
export type ListName = (typeof LIST_NAMES)[number];

export interface EgressMetrics {
  readonly registry: Metrics;
  connect(result: 'established' | 'denied' | 'failed'): void;
  /** Before or after the 200. */
  ended(code: Code): void;
  wouldDeny(code: Code): void;
  tlsVersion(side: 'client' | 'server', version: TlsVersionName): void;
  bytes(way: 'up' | 'down', count: number): void;
  phase(phase: 'dns' | 'connect', seconds: number): void;
  reload(list: ListName, result: 'ok' | 'failed'): void;
  watch(read: () => Gauges): void;
}

export interface Gauges {
  readonly tunnels: number;
  readonly hosts: number;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createEgressMetrics(registry: Metrics = createMetrics('egress-proxy')): EgressMetrics {
  const connects = registry.counter({ name: 'connect_total', help: 'Requests by their answer.', labels: { result: ['established', 'denied', 'failed'] } });
  const denied = registry.counter({ name: 'denied_total', help: 'Requests and tunnels that the policy ended.', labels: { reason: DENY_CODES } });
  const failed = registry.counter({ name: 'failed_total', help: 'Requests and tunnels that the network, a peer or a time limit ended.', labels: { reason: FAULT_CODES } });
  const would = registry.counter({ name: 'would_deny_total', help: 'Verdicts that the mode report did not enforce.', labels: { reason: DENY_CODES.concat(FAULT_CODES) } });
  const versions = registry.counter({
    name: 'tls_version_total', help: 'Newest TLS version offered by clients and version chosen by servers.', labels: { side: ['client', 'server'], version: TLS_VERSION_NAMES },
  });
  const bytes = registry.counter({ name: 'bytes_total', help: 'Bytes through tunnels, hellos included, counted when a tunnel ends.', labels: { dir: ['up', 'down'] } });
  const dns = registry.histogram({ name: 'dns_seconds', help: 'Time until a name was resolved, or was given up.', buckets: SECONDS });
  const connected = registry.histogram({ name: 'connect_seconds', help: 'Time from the addresses to a TCP connection, or until it was given up.', buckets: SECONDS });
  const reloads = registry.counter({
    name: 'list_reloads_total', help: 'Readings of a changed file.', labels: { list: LIST_NAMES, result: ['ok', 'failed'] },
  });
  return {
    registry,
    connect: (result) => connects.inc({ result }),
    ended: (reason) => (isFault(reason) ? failed : denied).inc({ reason }),
    wouldDeny: (reason) => would.inc({ reason }),
    tlsVersion: (side, version) => versions.inc({ side, version }),
    bytes: (dir, count) => bytes.inc({ dir }, count),
    phase: (phase, seconds) => (phase === 'dns' ? dns : connected).observe(seconds),
    reload: (list, result) => reloads.inc({ list, result }),
    watch: (read) => watchGauges(registry, read),
  };
}

function watchGauges(registry: Metrics, read: () => Gauges): void {
  const tunnels = registry.gauge({ name: 'tunnels', help: 'Tunnels open now, those that connect included.' });
  const hosts = registry.gauge({ name: 'tunnel_hosts', help: 'Different hosts that tunnels are open to.' });
  registry.beforeScrape(() => {
    const now = read();
    tunnels.set(now.tunnels);
    hosts.set(now.hosts);
  });
}

import { createMetrics, type Metrics } from '@sekisho/runtime';
import { increase, type Stats, sumOf } from './control/stats.ts';

const TYPES = ['A', 'AAAA', 'HTTPS', 'SVCB', 'ANY', 'other'] as const;
const RCODES = ['NOERROR', 'NXDOMAIN', 'SERVFAIL', 'REFUSED', 'NOTIMPL', 'FORMERR', 'other'] as const;
const [TYPE_KEY, RCODE_KEY] = ['num.query.type.', 'num.answer.rcode.'];
/** Counted besides the code of the answer. */
const NO_RCODE = `${RCODE_KEY}nodata`;

export interface DnsFilterMetrics {
  readonly registry: Metrics;
  /** Newest numbers of Unbound. */
  stats(stats: Stats): void;
  statsFailed(): void;
  restart(): void;
  reload(result: 'ok' | 'failed'): void;
  droppedLine(): void;
  /** Gauges that are read at each scrape. */
  watch(read: () => Gauges): void;
}

export interface Gauges {
  readonly up: boolean;
  readonly addressRules: number;
}

export function createDnsFilterMetrics(registry: Metrics = createMetrics('dns-filter')): DnsFilterMetrics {
  const traffic = trafficCounters(registry);
  const statsFailures = registry.counter({ name: 'stats_failures_total', help: 'Readings of the numbers of Unbound that failed; the counters stand still meanwhile.' });
  const restarts = registry.counter({ name: 'restarts_total', help: 'Starts of Unbound after it fell.' });
  const reloads = registry.counter({ name: 'deny_list_reloads_total', help: 'Readings of the file of denied networks.', labels: { result: ['ok', 'failed'] } });
  const dropped = registry.counter({ name: 'dropped_log_lines_total', help: 'Lines of Unbound above the rate that is forwarded.' });
  const waiting = registry.gauge({ name: 'waiting_questions', help: 'Questions that wait for an upstream.' });
  let before: Stats = new Map();
  return {
    registry,
    stats: (now) => {
      traffic(now, increase(before, now));
      waiting.set(now.get('total.requestlist.current.all') ?? 0);
      before = now;
    },
    statsFailed: () => statsFailures.inc(),
    restart: () => restarts.inc(),
    reload: (result) => reloads.inc({ result }),
    droppedLine: () => dropped.inc(),
    watch: (read) => watchGauges(registry, read),
  };
}

/** Unbound's own counters as counters of ours, by what they grew. */
function trafficCounters(registry: Metrics): (now: Stats, grew: (key: string) => number) => void {
  const queries = registry.counter({
    name: 'queries_total', labels: { type: TYPES },
    help: 'Questions by type. The services ask A and AAAA only: hints in HTTPS and SVCB answers pass the filter.',
  });
  const answers = registry.counter({ name: 'answers_total', help: 'Answers by their code.', labels: { rcode: RCODES } });
  const refused = registry.counter({
    name: 'refused_answers_total', labels: { reason: ['address', 'name'] },
    help: 'Answers refused because of an address in them (rpz-nodata), and questions for internal names (rpz-nxdomain).',
  });
  const lookups = registry.counter({ name: 'cache_lookups_total', help: 'Looks into the cache.', labels: { result: ['hit', 'miss'] } });
  const dropped = registry.counter({
    name: 'dropped_queries_total', labels: { reason: ['rate', 'overload', 'client'] },
    help: 'Questions left without an answer: above the rate, too many at once, or from an address that may not ask.',
  });
  const sent = registry.counter({ name: 'upstream_queries_total', help: 'Questions sent to the upstreams.' });
  const failures = registry.counter({ name: 'upstream_failures_total', help: 'Questions that no upstream answered usably (SERVFAIL).' });
  const spoofed = registry.counter({ name: 'unwanted_replies_total', help: 'Replies nobody waited for; many of them are an attempt to poison the cache.' });
  const typeKeys: ReadonlySet<string> = new Set(TYPES.map((type) => TYPE_KEY + type));
  const rcodeKeys: ReadonlySet<string> = new Set([NO_RCODE, ...RCODES.map((rcode) => RCODE_KEY + rcode)]);
  return (now, grew) => {
    for (const type of TYPES) queries.inc({ type }, type === 'other' ? sumOf(now.keys(), TYPE_KEY, typeKeys, grew) : grew(TYPE_KEY + type));
    for (const rcode of RCODES) answers.inc({ rcode }, rcode === 'other' ? sumOf(now.keys(), RCODE_KEY, rcodeKeys, grew) : grew(RCODE_KEY + rcode));
    refused.inc({ reason: 'address' }, grew('num.rpz.action.rpz-nodata'));
    refused.inc({ reason: 'name' }, grew('num.rpz.action.rpz-nxdomain'));
    lookups.inc({ result: 'hit' }, grew('total.num.cachehits'));
    lookups.inc({ result: 'miss' }, grew('total.num.cachemiss'));
    dropped.inc({ reason: 'rate' }, grew('total.num.queries_ip_ratelimited'));
    dropped.inc({ reason: 'overload' }, grew('total.requestlist.exceeded'));
    dropped.inc({ reason: 'client' }, grew('unwanted.queries'));
    sent.inc({}, grew('num.query.udpout') + grew('num.query.tcpout'));
    failures.inc({}, grew(`${RCODE_KEY}SERVFAIL`));
    spoofed.inc({}, grew('unwanted.replies'));
  };
}

function watchGauges(registry: Metrics, read: () => Gauges): void {
  const up = registry.gauge({ name: 'unbound_up', help: '1 while Unbound answers with the policy in place.' });
  const rules = registry.gauge({ name: 'address_rules', help: 'Rules about addresses in the policy in place.' });
  registry.beforeScrape(() => {
    const now = read();
    up.set(now.up ? 1 : 0);
    rules.set(now.addressRules);
  });
}

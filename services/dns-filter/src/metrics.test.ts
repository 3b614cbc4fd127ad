import { expect, it } from '@jest/globals';
import { createDnsFilterMetrics } from './metrics.ts';

const series = async (metrics: ReturnType<typeof createDnsFilterMetrics>): Promise<string[]> =>
  (await metrics.registry.render()).split('\n').filter((line) => /^sekisho_dns_filter_(?!process_|nodejs_)/.test(line)).map((line) => line.replace('sekisho_dns_filter_', ''));

it('createDnsFilterMetrics() counts what grew, also over a restart of Unbound', async () => {
  const metrics = createDnsFilterMetrics();
  metrics.watch(() => ({ up: true, addressRules: 27 }));
  const first = new Map([
    ['num.query.type.A', 5], ['num.query.type.MX', 1], ['num.query.type.SRV', 2], ['num.answer.rcode.SERVFAIL', 1], ['num.answer.rcode.nodata', 4],
    ['num.answer.rcode.YXDOMAIN', 3], ['num.rpz.action.rpz-nodata', 3], ['num.rpz.action.rpz-nxdomain', 2], ['num.query.udpout', 6], ['num.query.tcpout', 1],
    ['total.num.cachehits', 4], ['total.num.queries_ip_ratelimited', 9], ['total.requestlist.current.all', 7],
  ]);
  metrics.stats(first);
  metrics.stats(new Map([...first, ['num.query.type.A', 8]]));
  metrics.stats(new Map([['num.query.type.A', 2]]));
  metrics.restart();
  metrics.reload('failed');
  metrics.droppedLine();
  metrics.statsFailed();
  expect(await series(metrics)).toEqual(expect.arrayContaining([
    'queries_total{type="A"} 10', 'queries_total{type="HTTPS"} 0', 'queries_total{type="other"} 3', 'answers_total{rcode="SERVFAIL"} 1', 'answers_total{rcode="other"} 3',
    'refused_answers_total{reason="address"} 3', 'refused_answers_total{reason="name"} 2', 'cache_lookups_total{result="hit"} 4', 'dropped_queries_total{reason="rate"} 9',
    'upstream_queries_total 7', 'upstream_failures_total 1', 'waiting_questions 0', 'unbound_up 1', 'address_rules 27', 'restarts_total 1',
    'deny_list_reloads_total{result="failed"} 1', 'dropped_log_lines_total 1', 'stats_failures_total 1',
  ]));
});

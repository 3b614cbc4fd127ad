// What a values file opens by itself: the addresses it names, and who may reach public ones. Read here a second time, apart
// from the templates, so that a slip in one of the two shows.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCidr } from '@sekisho/netguard';
import { parse } from 'yaml';
import { CHART, type RenderOptions } from './helm.ts';
import type { Outside } from './policy-checks.ts';
import { publicRanges } from './ranges.ts';

type Tree = Readonly<Record<string, unknown>>;

interface Peered {
  readonly networkPolicyPeers: readonly { readonly ipBlock?: { readonly cidr: string } }[];
}
interface Values {
  readonly networkPolicy: { readonly enabled: boolean; readonly dns: { readonly nodeLocalCIDRs: readonly string[] } };
  readonly cluster: { readonly denyCIDRs: readonly string[]; readonly apiServerCIDRs: readonly string[]; readonly nat64Prefixes: readonly string[] };
  readonly gateway: { readonly inbox: { readonly mode: string; readonly enqueue: Peered & { readonly address: string }; readonly database: Peered & { readonly address: string; readonly existingSecret: string } } };
  readonly egress: { readonly ports: readonly number[]; readonly extraBlockedCIDRs: readonly string[] };
  readonly unsafe: { readonly iUnderstand: boolean; readonly publicCIDRs: readonly string[] };
  readonly fetcher: { readonly plainHttp: string; readonly dnsServers: readonly string[] };
  readonly egressProxy: { readonly enabled: boolean; readonly dnsServers: readonly string[]; readonly smtp: { readonly targets: readonly string[] } };
  readonly dnsFilter: { readonly enabled: boolean; readonly upstreams: readonly string[] };
  readonly redis: { readonly evaluation: { readonly enabled: boolean } } & Readonly<Record<'state' | 'work', Peered & { readonly address: string }>>;
  readonly misskey: Peered & {
    readonly mode: string;
    readonly url: string;
    readonly unprotectedEgress: { readonly enabled: boolean };
    readonly managed: Readonly<Record<'database' | 'redis', Peered & { readonly host: string }>> & {
      readonly proxy: string;
      readonly proxyNetworkPolicyPeers: Peered['networkPolicyPeers'];
      readonly networkPolicyEgress: readonly { readonly peers: Peered['networkPolicyPeers'] }[];
    };
  };
}

/** Values as the templates see them: the chart's own, the file's on top, then the others. */
export function readValues({ valuesFile, values }: RenderOptions = {}): Values {
  const files = [join(CHART, 'values.yaml'), ...(valuesFile === undefined ? [] : [valuesFile])];
  return [...files.map((file): unknown => parse(readFileSync(file, 'utf8'))), values].reduce(overlay) as Values;
}

export function outsideOf(values: Values): Outside {
  const { fetcher, egressProxy, egress, unsafe, cluster, misskey } = values;
  const free = misskey.mode === 'managed' && misskey.unprotectedEgress.enabled ? ['misskey-web', 'misskey-queue'] : [];
  return {
    publicFor: ['fetcher', ...(egressProxy.enabled ? ['egress-proxy'] : []), ...free],
    publicPorts: {
      fetcher: fetcher.plainHttp === 'allow' ? [...new Set([80, ...egress.ports])] : egress.ports,
      'egress-proxy': [...new Set([443, ...egressProxy.smtp.targets.map((target) => Number(target.replace(/^.*:/, '')))])],
      'misskey-web': [80, 443],
      'misskey-queue': [80, 443],
    },
    public: publicRanges({
      unsafePublic: unsafe.iUnderstand ? unsafe.publicCIDRs : [],
      denied: [...cluster.denyCIDRs, ...egress.extraBlockedCIDRs],
      nat64: cluster.nat64Prefixes,
    }),
    given: givenBlocks(values),
  };
}

function givenBlocks({ networkPolicy, redis, misskey, gateway, fetcher, egressProxy, dnsFilter, cluster }: Values): Outside['given'] {
  const { nodeLocalCIDRs: dns } = networkPolicy.dns;
  const role = (name: 'state' | 'work'): readonly string[] => (redis.evaluation.enabled ? [] : blocksOf(redis[name].address, redis[name].networkPolicyPeers));
  const resolvers = (own: readonly string[]): readonly string[] => (dnsFilter.enabled ? dnsFilter.upstreams : own).flatMap((server) => blocksOf(server, []));
  const { managed } = misskey;
  const database = blocksOf(managed.database.host, managed.database.networkPolicyPeers);
  const { mode, enqueue, database: asked } = gateway.inbox;
  const queue = mode === 'enqueue' ? blocksOf(enqueue.address, enqueue.networkPolicyPeers) : [];
  const rules = asked.existingSecret === '' ? [] : [...blocksOf(asked.address, asked.networkPolicyPeers), ...(asked.address === '' && misskey.mode === 'managed' ? database : [])];
  const further = managed.networkPolicyEgress.flatMap(({ peers }) => blocksOf('', peers));
  const own = [...dns, ...database, ...blocksOf(managed.redis.host, managed.redis.networkPolicyPeers), ...blocksOf(managed.proxy, managed.proxyNetworkPolicyPeers), ...further];
  return {
    gateway: [...dns, ...(misskey.mode === 'external' ? blocksOf(misskey.url, misskey.networkPolicyPeers) : []), ...role('state'), ...role('work'), ...queue, ...rules],
    fetcher: [...dns, ...role('work'), ...resolvers(fetcher.dnsServers)],
    'egress-proxy': [...dns, ...resolvers(egressProxy.dnsServers)],
    'image-worker': [...dns, ...role('work')],
    'misskey-web': own,
    'misskey-queue': own,
    'misskey-migration': [...dns, ...database],
    secrets: cluster.apiServerCIDRs,
    test: [...dns, ...resolvers([])],
  };
}

/** Blocks of the peers, else the address itself. */
function blocksOf(text: string, peers: Peered['networkPolicyPeers']): readonly string[] {
  if (peers.length > 0) return peers.flatMap(({ ipBlock }) => ipBlock?.cidr ?? []);
  const bare = text.replace(/^[a-z]+:\/\//, '').replace(/^\[([^\]]*)\](?::\d+)?$/, '$1').replace(/^([0-9.]+):\d+$/, '$1');
  return parseCidr(bare) === undefined ? [] : [bare];
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

function overlay(under: unknown, over: unknown): unknown {
  if (!isTree(under) || !isTree(over)) return over === undefined ? under : over;
  const keys = new Set([...Object.keys(under), ...Object.keys(over)]);
  return Object.fromEntries([...keys].map((key) => [key, overlay(under[key], over[key])]));
}

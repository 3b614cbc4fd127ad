// Expands every rule that the chart renders, for every pod that it renders, without a cluster.

import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { componentOf, COMPONENTS, type KubeObject, parseDocuments, podsOf } from './documents.ts';
import { outsideOf, readValues } from './given.ts';
import { render, type RenderOptions, variant, VARIANTS } from './helm.ts';
import type { Endpoint } from './policy.ts';
import { arrows, denyProblems, outsideProblems } from './policy-checks.ts';
import { ipv4Cidr, ipv6Cidr } from './testing/cidrs.ts';

const NAMESPACE = 'web';
/** The required values, with a Misskey that is a Service: its pods are an arrow of their own. */
const VALUES = { publicUrl: 'https://social.example', misskey: { url: 'http://misskey.social.svc:3000' } };
const DEFAULT: RenderOptions = { values: VALUES, namespace: NAMESPACE };

const release = (component: string, instance = 'sekisho'): Record<string, string> =>
  ({ 'app.kubernetes.io/name': 'sekisho', 'app.kubernetes.io/instance': instance, 'app.kubernetes.io/component': component });
const other = (name: string, namespace: string, labels: Record<string, string>): Endpoint =>
  ({ name, namespace, namespaceLabels: { 'kubernetes.io/metadata.name': namespace }, labels });

/** Pods that are not ours: whom we ask, who asks us, and those that look like ours. */
const WORLD = [
  other('kube-dns', 'kube-system', { 'k8s-app': 'kube-dns' }),
  other('kube-proxy', 'kube-system', { 'k8s-app': 'kube-proxy' }),
  other('their-misskey', 'social', { app: 'misskey' }),
  other('their-search', 'social', { app: 'search' }),
  other('meilisearch', 'search', { app: 'meilisearch' }),
  other('their-redis', 'databases', { app: 'misskey-redis' }),
  other('ingress', 'ingress-nginx', { app: 'ingress-nginx' }),
  other('prometheus', 'monitoring', { app: 'prometheus' }),
  other('grafana', 'monitoring', { app: 'grafana' }),
  other('neighbour', NAMESPACE, { app: 'neighbour' }),
  other('twin', NAMESPACE, release('gateway', 'other')),
  other('copycat', 'elsewhere', release('gateway')),
] as const;

const DNS = 'kube-dns TCP/53 UDP/53';
const fromAnyone = WORLD.map(({ name }) => `${name} -> gateway TCP/8080`);

/** DESIGN section 2 for the services that exist; a pair that is not here is refused. */
const DEFAULTS = [
  ...fromAnyone,
  'test -> gateway TCP/8080',
  'gateway -> fetcher TCP/8081',
  'gateway -> redis-state TCP/6379',
  'gateway -> redis-work TCP/6379',
  'fetcher -> redis-work TCP/6379',
  'image-worker -> redis-work TCP/6379',
  'test -> egress-proxy TCP/3128',
  ...['gateway', 'fetcher', 'image-worker', 'egress-proxy', 'test'].map((name) => `${name} -> ${DNS}`),
];
const EXTERNAL = [
  ...DEFAULTS,
  ...['their-misskey', 'their-search'].flatMap((name) => [`gateway -> ${name} TCP/3000`, `${name} -> egress-proxy TCP/3128`]),
];

const NAMED = [
  'ingress -> gateway TCP/8080',
  'test -> gateway TCP/8080',
  ...['gateway', 'image-worker'].map((name) => `prometheus -> ${name} TCP/9090`),
  ...['fetcher', 'egress-proxy'].map((name) => `prometheus -> ${name} TCP/9090 TCP/9094`),
  'their-misskey -> egress-proxy TCP/3128',
  'test -> egress-proxy TCP/3128',
  'gateway -> fetcher TCP/8081',
  'gateway -> their-misskey TCP/3000',
  'gateway -> their-redis TCP/6379-6380',
  'fetcher -> their-redis TCP/6380',
  'image-worker -> their-redis TCP/6380',
  ...['gateway', 'fetcher', 'image-worker', 'egress-proxy', 'test'].map((name) => `${name} -> ${DNS}`),
];

const MANAGED = [
  ...DEFAULTS,
  'gateway -> misskey-web TCP/3000',
  ...['misskey-web', 'misskey-queue'].map((name) => `${name} -> egress-proxy TCP/3128`),
  ...['misskey-web', 'misskey-queue'].map((name) => `${name} -> their-redis TCP/5432 TCP/6379`),
  ...['misskey-web', 'misskey-queue'].map((name) => `${name} -> meilisearch TCP/7700`),
  'misskey-migration -> their-redis TCP/5432',
  ...['misskey-web', 'misskey-queue', 'misskey-migration'].map((name) => `${name} -> ${DNS}`),
];

const inNamespace = (name: string): RenderOptions => ({ ...variant(name), namespace: NAMESPACE });

/** Adds a pod for each component that the values do not render, so that its place in the table is judged, too. */
function withAll(objects: readonly KubeObject[]): readonly KubeObject[] {
  const present = new Set(podsOf(objects).map(({ metadata }) => componentOf(metadata)));
  const missing = COMPONENTS.filter((component) => !present.has(component));
  return [...objects, ...missing.flatMap((component) => parseDocuments(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: component, labels: release(component) }, spec: { containers: [] } })))];
}

describe('defaults', () => {
  let objects: readonly KubeObject[];
  beforeAll(() => {
    objects = render(DEFAULT);
  });

  it('have the pods of every service', () => {
    const components = podsOf(objects).map(({ metadata }) => componentOf(metadata));
    expect(components).toEqual(expect.arrayContaining(['gateway', 'fetcher', 'image-worker', 'egress-proxy', 'redis-state', 'redis-work', 'secrets']));
  });

  it('allow exactly the arrows of the design', () => {
    expect(arrows(withAll(objects), NAMESPACE, WORLD)).toEqual(EXTERNAL.toSorted());
  });

  it('deny every pod by default and let only fetcher and egress-proxy out, to public addresses', () => {
    expect(denyProblems(objects, NAMESPACE)).toEqual([]);
    expect(outsideProblems(withAll(objects), NAMESPACE, outsideOf(readValues()))).toEqual([]);
  });

  it('are the same for a release of another name', () => {
    const named = render({ ...DEFAULT, release: 'stage' });
    expect(denyProblems(named, NAMESPACE)).toEqual([]);
    expect(arrows(named, NAMESPACE, WORLD).filter((line) => line.startsWith('gateway'))).toEqual(EXTERNAL.filter((line) => line.startsWith('gateway')).toSorted());
  });
});

describe('cluster.denyCIDRs', () => {
  it('is taken out exactly, whatever its ranges and spellings', () => {
    for (const seed of [1, 2, 3]) {
      const denyCIDRs = [...new Set([...fc.sample(ipv4Cidr, { seed, numRuns: 40 }), ...fc.sample(ipv6Cidr, { seed, numRuns: 40 })])];
      const options = { ...DEFAULT, values: { ...VALUES, cluster: { denyCIDRs } } };
      const objects = render(options);
      expect(outsideProblems(objects, NAMESPACE, outsideOf(readValues(options)))).toEqual([]);
      expect(outsideProblems(objects, NAMESPACE, outsideOf(readValues()))).not.toEqual([]);
    }
  });
});

describe('cluster.nat64Prefixes', () => {
  const nat64Prefixes = ['64:ff9b::/96', 'fd00:64::/64', '2a00:1234::/32'];

  it('are blocks of what is public inside them, whatever is denied', () => {
    for (const seed of [1, 2]) {
      const denyCIDRs = [...new Set([...fc.sample(ipv4Cidr, { seed, numRuns: 40 }), ...fc.sample(ipv6Cidr, { seed, numRuns: 20 }), '64:ff9b::808:0/112', '2a00:1234:808::/48'])];
      const options = { ...DEFAULT, values: { ...VALUES, cluster: { nat64Prefixes, denyCIDRs } } };
      expect(outsideProblems(render(options), NAMESPACE, outsideOf(readValues(options)))).toEqual([]);
    }
  });

  it('miss no row of the address table', () => {
    const options = { ...DEFAULT, values: { ...VALUES, cluster: { nat64Prefixes } } };
    const outside = outsideOf(readValues(options));
    const objects = render(options);
    const blocksOf = (all: readonly KubeObject[]): { cidr: string; except: string[] }[] => {
      const fetcher = all.find(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'sekisho-fetcher')?.spec as unknown as Shaped;
      return (fetcher.egress ?? []).flatMap(({ to = [] }) => to.flatMap(({ ipBlock }) => ipBlock ?? [])).slice(2);
    };
    expect(blocksOf(objects).map(({ cidr, except }) => [cidr, except.length])).toEqual([['64:ff9b::/96', 19], ['fd00:64::/72', 19], ['2a00:1234::/32', 19]]);
    for (const block of [0, 1, 2]) {
      for (let row = 0; row < 19; row += 1) {
        const changed = structuredClone(objects);
        blocksOf(changed)[block]?.except.splice(row, 1);
        expect(outsideProblems(changed, NAMESPACE, outside)).not.toEqual([]);
      }
    }
  });
});

describe('variants', () => {
  it.each(VARIANTS.map(({ name }) => name))('%s', (name) => {
    const options = inNamespace(name);
    const values = readValues(options);
    const objects = render(options);
    if (!values.networkPolicy.enabled) {
      expect(objects.filter(({ kind }) => kind === 'NetworkPolicy')).toEqual([]);
      return;
    }
    expect(denyProblems(objects, NAMESPACE)).toEqual([]);
    expect(outsideProblems(objects, NAMESPACE, outsideOf(values))).toEqual([]);
  });

  it('allow the peers that are named and nobody else', () => {
    expect(arrows(withAll(render(inNamespace('network-policy'))), NAMESPACE, WORLD)).toEqual(NAMED.toSorted());
  });

  it('let a managed Misskey reach what its values name, the gateway alone reach it', () => {
    expect(arrows(withAll(render(inNamespace('unprotected-egress'))), NAMESPACE, WORLD)).toEqual(MANAGED.toSorted());
  });

  it('let the egress-proxy of a managed Misskey out to mail servers too, and Misskey to its mail port', () => {
    const lines = arrows(withAll(render(inNamespace('egress-managed'))), NAMESPACE, WORLD);
    expect(lines.filter((line) => line.includes('egress-proxy'))).toEqual([
      `egress-proxy -> ${DNS}`, ...['misskey-queue', 'misskey-web'].map((name) => `${name} -> egress-proxy TCP/3128-3129`), 'test -> egress-proxy TCP/3128',
    ].toSorted());
  });

  it('let the gateway to the Redis of Misskey\'s queue where it writes into that, and to its database where rules ask it', () => {
    const lines = arrows(withAll(render(inNamespace('inbox-enqueue'))), NAMESPACE, WORLD);
    expect(lines).toEqual([...EXTERNAL, 'gateway -> their-redis TCP/5432 TCP/6379'].toSorted());
  });

  it('keep a managed Misskey from public addresses without unprotectedEgress', () => {
    const options = { ...inNamespace('unprotected-egress'), values: { misskey: { unprotectedEgress: { enabled: false } } } };
    const outside = outsideOf(readValues(options));
    expect(outside.publicFor).toEqual(['fetcher', 'egress-proxy']);
    expect(outsideProblems(withAll(render(options)), NAMESPACE, outside)).toEqual([]);
  });
});

interface Shaped {
  podSelector: { matchLabels?: Record<string, string> };
  ingress?: { from?: unknown[]; ports?: unknown[] }[];
  egress?: { to?: { ipBlock?: { cidr: string; except: string[] } }[]; ports?: unknown[] }[];
}

describe('the checks', () => {
  let objects: readonly KubeObject[];
  beforeAll(() => {
    objects = withAll(render(DEFAULT));
  });
  const outside = outsideOf(readValues());

  /** Problems after one change to one policy. */
  function problemsWith(policy: string, change: (spec: Shaped) => void): readonly string[] {
    const changed = structuredClone(objects);
    const found = changed.find(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === `sekisho-${policy}`);
    change(found?.spec as unknown as Shaped);
    return problemsOf(changed);
  }
  const problemsOf = (changed: readonly KubeObject[]): readonly string[] => {
    const lines = arrows(changed, NAMESPACE, WORLD);
    const wrong = [...lines.filter((line) => !EXTERNAL.includes(line)), ...EXTERNAL.filter((line) => !lines.includes(line))];
    return [...denyProblems(changed, NAMESPACE), ...outsideProblems(changed, NAMESPACE, outside), ...wrong];
  };
  const publicRule = (spec: Shaped): NonNullable<Shaped['egress']>[number] => spec.egress?.find(({ to }) => to?.[0]?.ipBlock !== undefined) ?? {};

  it('find nothing without a change', () => {
    expect(problemsOf(objects)).toEqual([]);
  });

  it.each(['fetcher', 'egress-proxy'])('miss no row of the address table: %s', (policy) => {
    let rows = 0;
    for (const block of [0, 1]) {
      problemsWith(policy, (spec) => {
        rows += publicRule(spec).to?.[block]?.ipBlock?.except.length ?? 0;
      });
      for (let row = 0; row < (block === 0 ? 19 : 5); row += 1) {
        expect(problemsWith(policy, (spec) => publicRule(spec).to?.[block]?.ipBlock?.except.splice(row, 1))).not.toEqual([]);
      }
    }
    expect(rows).toBe(24);
  });

  it.each<[string, string, (spec: Shaped) => void]>([
    ['an exception too many', 'fetcher', (spec) => publicRule(spec).to?.[0]?.ipBlock?.except.push('8.8.8.0/24')],
    ['IPv6 forgotten', 'fetcher', (spec) => publicRule(spec).to?.pop()],
    ['all IPv6 instead of 2000::/3', 'fetcher', (spec) => Object.assign(publicRule(spec).to?.[1]?.ipBlock ?? {}, { cidr: '::/0' })],
    ['every port of public addresses', 'fetcher', (spec) => Object.assign(publicRule(spec), { ports: [] })],
    ['one port more', 'fetcher', (spec) => publicRule(spec).ports?.push({ protocol: 'TCP', port: 22 })],
    ['plain http by the egress-proxy', 'egress-proxy', (spec) => publicRule(spec).ports?.push({ protocol: 'TCP', port: 80 })],
    ['any pod of the namespace at the egress-proxy', 'egress-proxy', (spec) => Object.assign(spec.ingress?.[0] ?? {}, { from: [{ podSelector: {} }] })],
    ['no peers left in a rule', 'image-worker', (spec) => Object.assign(spec.egress?.[0] ?? {}, { to: [] })],
    ['the fetcher rules for every pod', 'fetcher', (spec) => Object.assign(spec, { podSelector: {} })],
    ['the fetcher rules for every pod of the release', 'fetcher', (spec) => delete spec.podSelector.matchLabels?.['app.kubernetes.io/component']],
    ['any pod of the namespace at the state Redis', 'redis-state', (spec) => Object.assign(spec.ingress?.[0] ?? {}, { from: [{ podSelector: {} }] })],
    ['any namespace at the work Redis', 'redis-work', (spec) => Object.assign(spec.ingress?.[0] ?? {}, { from: [{ namespaceSelector: {} }] })],
    ['the gateway of another release at the fetcher', 'fetcher', (spec) => Object.assign(spec.ingress?.[0] ?? {}, { from: [{ podSelector: { matchLabels: { 'app.kubernetes.io/component': 'gateway' } } }] })],
    ['the worker at the state Redis', 'redis-state', (spec) => Object.assign(spec, { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'sekisho' } } })],
    ['a forgotten arrow', 'gateway', (spec) => spec.egress?.pop()],
    ['a port of a Service instead of the pod', 'gateway', (spec) => Object.assign(spec.ingress?.[0] ?? {}, { ports: [{ protocol: 'TCP', port: 80 }] })],
    ['a default deny for another release', 'default-deny', (spec) => Object.assign(spec, { podSelector: { matchLabels: release('gateway', 'other') } })],
    ['a default deny for one direction', 'default-deny', (spec) => Object.assign(spec, { policyTypes: ['Ingress'] })],
  ])('see %s', (_title, policy, change) => {
    expect(problemsWith(policy, change)).not.toEqual([]);
  });

  it('see a missing policy', () => {
    const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy');
    expect(policies.length).toBeGreaterThanOrEqual(6);
    for (const policy of policies) expect(problemsOf(objects.filter((object) => object !== policy))).not.toEqual([]);
  });

  it('see a pod without labels and one on the network of its node', () => {
    const pod = (spec: string, labels: Record<string, string>): readonly KubeObject[] => parseDocuments(`{apiVersion: v1, kind: Pod, metadata: {name: x, labels: ${JSON.stringify(labels)}}, spec: ${spec}}`);
    expect(denyProblems([...objects, ...pod('{containers: []}', {})], NAMESPACE)).toEqual(['Pod/x: no default deny selects it']);
    expect(denyProblems([...objects, ...pod('{containers: [], hostNetwork: true}', release('test'))], NAMESPACE)).toHaveLength(1);
  });
});

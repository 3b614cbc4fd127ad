// The NetworkPolicies are the table of arrows of the design: what it names works, every other pair is refused, seen from
// inside the real pods (from twins with the same labels where the image has no Node.js). First everything is tried without
// policies: there every single target answers, so that a refusal later is never a port on which nobody listens.

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { clientPod } from './lib/client-pod.ts';
import { type Pod, apply, list, podsOf, remove } from './lib/cluster.ts';
import { context } from './lib/context.ts';
import { until } from './lib/deadline.ts';
import { tryHelm } from './lib/helm.ts';
import { describeWithInternet } from './lib/internet.ts';
import { MISSKEY_NAMESPACE, startMisskey } from './lib/misskey/misskey.ts';
import { sourceFiles, twinPod } from './lib/node-pod.ts';
import { type Listener, startListener } from './lib/policy/listener.ts';
import { type NamedTarget, type Reach, policiesEnforced, reachOf } from './lib/policy/probe.ts';
import { outsideTargets, podsByComponent, releaseTargets } from './lib/policy/targets.ts';
import { QUICK_END, type Sekisho, dropNamespaces, installSekisho, removeNamespace } from './lib/sekisho.ts';

const NAMESPACE = 'e2e-policy';
const STRANGER_NAMESPACE = 'e2e-policy-stranger';
const MONITOR_NAMESPACE = 'e2e-policy-monitor';
const RELEASE = 'sekisho';
const FILES = 'twin-files';
const DNS = ['dns by tcp', 'dns by udp'] as const;

/** The table: who reaches what. All else is refused. */
const FROM_WITHIN: Readonly<Record<string, readonly string[]>> = {
  gateway: ['misskey:3000', 'fetcher:8081', 'redis-state:6379', 'redis-work:6379', ...DNS],
  fetcher: ['redis-work:6379', 'internet:443', ...DNS],
  'image-worker': ['redis-work:6379', ...DNS],
  'egress-proxy': ['internet:443', ...DNS],
  'redis-state': [],
  'redis-work': [],
  test: ['gateway:8080', 'egress-proxy:3128', ...DNS],
  // Whatever is added to the release without a policy of its own.
  unknown: [],
};
const TWINS = ['redis-state', 'redis-work', 'test', 'unknown'] as const;
const OPS = ['gateway:9090', 'fetcher:9090', 'fetcher:9094', 'image-worker:9090', 'egress-proxy:9090', 'egress-proxy:9094'] as const;
/** Into the release. The stranger has the monitor's labels, but not its namespace. */
const FROM_OUTSIDE: Readonly<Record<string, readonly string[]>> = {
  stranger: ['gateway:8080'],
  neighbour: ['gateway:8080'],
  misskey: ['gateway:8080', 'egress-proxy:3128'],
  monitor: ['gateway:8080', ...OPS],
};
const MONITORING = { role: 'monitoring' } as const;
const inNamespace = (name: string): Readonly<Record<string, unknown>> => ({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } });
const QUIET = { resources: { requests: { cpu: '20m', memory: '64Mi' } } };
const POLICY_TEST = ['test', RELEASE, '-n', NAMESPACE, '--filter', `name=${RELEASE}-test-policy`, '--logs', '--timeout', '150s'] as const;

const CHANGE_MS = 20_000;

interface Source {
  readonly pod: Pod;
  readonly targets: readonly NamedTarget[];
  readonly allowed: readonly string[];
}
let sekisho: Sekisho;
let stranger: Listener;
let neighbour: Listener;
let sources: ReadonlyMap<string, Source> = new Map();

async function startTwins(): Promise<Readonly<Record<string, Pod>>> {
  await apply(sourceFiles(FILES, NAMESPACE, 'test-e2e/lib/in-pod'));
  const twins = await Promise.all(TWINS.map(async (component) => {
    const labels = { 'app.kubernetes.io/name': 'sekisho', 'app.kubernetes.io/instance': RELEASE, 'app.kubernetes.io/component': component };
    await apply(twinPod({ name: `twin-${component}`, namespace: NAMESPACE, labels, files: FILES, args: ['-e', 'setInterval(() => {}, 1 << 30)'] }));
    const pod = await until(async () => (await podsOf(NAMESPACE)).find(({ name, phase, ips }) => name === `twin-${component}` && phase === 'Running' && ips.length > 0), { what: `twin of ${component}`, timeoutMs: 60_000 });
    return [component, pod] as const;
  }));
  return Object.fromEntries(twins);
}

async function findSources(): Promise<ReadonlyMap<string, Source>> {
  const twins = await startTwins();
  const pods = await podsByComponent(sekisho);
  const [misskey] = await podsOf(MISSKEY_NAMESPACE, 'app=misskey');
  const monitor = (await clientPod({ name: 'monitor', namespace: MONITOR_NAMESPACE, labels: MONITORING })).pod;
  if (misskey === undefined) throw new Error('no Misskey');
  const outside = await outsideTargets({ misskey, stranger, neighbour });
  const within = Object.entries(FROM_WITHIN).map(([name, allowed]): [string, Source] => {
    const pod = twins[name] ?? pods[name as keyof typeof pods][0];
    if (pod === undefined) throw new Error(`no pod of ${name}`);
    return [name, { pod, allowed, targets: [...releaseTargets(pods, pod), ...outside] }];
  });
  const callers = { stranger: stranger.pod, neighbour: neighbour.pod, misskey, monitor };
  const from = Object.entries(callers).map(([name, pod]): [string, Source] => [name, { pod, allowed: FROM_OUTSIDE[name] ?? [], targets: releaseTargets(pods) }]);
  return new Map([...within, ...from]);
}

const lookAll = async (names: Iterable<string> = sources.keys()): Promise<Readonly<Record<string, Reach>>> =>
  Object.fromEntries(await Promise.all([...names].map(async (name) => {
    const source = sources.get(name);
    if (source === undefined) throw new Error(`no source ${name}`);
    return [name, await reachOf(source.pod, source.targets)] as const;
  })));

/** What `lookAll` gives where exactly this is allowed; undefined: everything. */
const expected = (allowedOf: (name: string, source: Source) => readonly string[] | undefined, names: Iterable<string> = sources.keys()): Readonly<Record<string, Reach>> =>
  Object.fromEntries([...names].map((name) => {
    const source = sources.get(name);
    if (source === undefined) throw new Error(`no source ${name}`);
    const all = [...new Set(source.targets.map((target) => target.name))].toSorted();
    const allowed = allowedOf(name, source) ?? all;
    return [name, { open: allowed.toSorted(), refused: all.filter((target) => !allowed.includes(target)), odd: [] }];
  }));

/** Waits until a change is in force, and then looks once more: what holds has to hold. */
async function settled(wanted: Readonly<Record<string, Reach>>): Promise<Readonly<Record<string, Reach>>> {
  const names = Object.keys(wanted);
  const isSame = (seen: Readonly<Record<string, Reach>>): boolean => JSON.stringify(seen) === JSON.stringify(wanted);
  await policiesEnforced();
  await until(async () => isSame(await lookAll(names)), { what: 'the change of policies', timeoutMs: CHANGE_MS, everyMs: 500 }).catch(() => undefined);
  return await lookAll(names);
}

const pairsOf = (reach: Readonly<Record<string, Reach>>): string => {
  const count = (key: keyof Reach): number => Object.values(reach).reduce((sum, { [key]: names }) => sum + names.length, 0);
  return `${count('open')} pairs open, ${count('refused')} refused, ${[...sources.values()].reduce((sum, { targets }) => sum + targets.length, 0)} connections tried`;
};
const say = (line: string): void => void process.stderr.write(`policies on ${context().engine}: ${line}\n`);

describeWithInternet('the table of arrows', () => {
  beforeAll(async () => {
    await Promise.all([NAMESPACE, STRANGER_NAMESPACE, MONITOR_NAMESPACE].map(removeNamespace));
    const [misskey, ...listeners] = await Promise.all([
      startMisskey(),
      startListener({ name: 'stranger', namespace: STRANGER_NAMESPACE, labels: MONITORING }),
      startListener({ name: 'neighbour', namespace: NAMESPACE }),
    ]);
    [stranger, neighbour] = listeners;
    sekisho = await installSekisho({
      release: RELEASE, namespace: NAMESPACE, misskey,
      values: {
        gateway: { ...QUIET, ...QUICK_END }, fetcher: { ...QUIET, ...QUICK_END }, imageWorker: QUIET,
        egressProxy: { enabled: true, ...QUIET, ...QUICK_END }, dnsFilter: { enabled: true },
        // Both families: what listens on one only would be refused on the other by nobody.
        cluster: { listenHost: '::', ipFamilyPolicy: 'PreferDualStack' },
        networkPolicy: { enabled: false, monitoringFrom: [{ ...inNamespace(MONITOR_NAMESPACE), podSelector: { matchLabels: MONITORING } }] },
      },
    });
    sources = await findSources();
  }, 300_000);
  afterAll(async () => {
    await dropNamespaces(NAMESPACE, STRANGER_NAMESPACE, MONITOR_NAMESPACE);
  });

  it('is nothing without policies: every target answers everybody', async () => {
    const wanted = expected(() => undefined);
    const seen = await settled(wanted);
    say(`without them ${pairsOf(seen)}`);
    expect(seen).toEqual(wanted);
  });

  it('holds with policies: each arrow works, every other pair is refused', async () => {
    await sekisho.upgrade({ networkPolicy: { enabled: true } });
    const wanted = expected((_, { allowed }) => allowed);
    const seen = await settled(wanted);
    say(`with them ${pairsOf(seen)}`);
    expect(seen).toEqual(wanted);
    // The same pods as before: nothing was refused because it was new.
    await sekisho.waitReady();
  });

  it('lets nobody but the named peers and the tests to the gateway once somebody is named', async () => {
    await sekisho.upgrade({ networkPolicy: { enabled: true, ingressFrom: [inNamespace(MONITOR_NAMESPACE)] } });
    const names = ['stranger', 'neighbour', 'misskey', 'monitor', 'test'];
    const wanted = expected((name, { allowed }) => (name === 'monitor' || name === 'test' ? allowed : allowed.filter((target) => !target.startsWith('gateway:'))), names);
    expect(await settled(wanted)).toEqual(wanted);
  });

  it('is what helm test looks at: it passes, and fails with a sentence on a network that ignores policies', async () => {
    const enforced = await tryHelm(POLICY_TEST);
    expect({ code: enforced.code, output: enforced.output }).toEqual({ code: 0, output: expect.stringContaining('is out of reach') });
    expect(enforced.output).not.toContain('FAILED');
    const policies = await list({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', namespace: NAMESPACE });
    expect(policies.length).toBeGreaterThanOrEqual(6);
    // A network that ignores policies looks the same as one without them.
    await remove(...policies);
    const ignored = await tryHelm(POLICY_TEST);
    say(`helm test without policies: ${ignored.output.split('\n').filter((line) => line.includes('FAILED: ')).length} checks failed`);
    expect(ignored.code).not.toBe(0);
    expect(ignored.output).toContain('does not enforce NetworkPolicies');
  }, 400_000);
});

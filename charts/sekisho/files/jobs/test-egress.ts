// helm test: the way out leads to public places only. The egress-proxy refuses tunnels into the cluster and to metadata,
// and the DNS filter, which runs beside this test as it runs beside the services, keeps private addresses to itself.

import { Resolver } from 'node:dns/promises';
import { request } from 'node:http';
import { isIPv6 } from 'node:net';
import { type Patience, type Place, type PodTest, type Report, type TestPlan, addressesOf, lookUntil, runPodTest } from './test-report.ts';

const ANSWER_MS = 15_000;
const DNS_MS = 3_000;
/** A new pod may be without its policy for about a second, and its name server without a cache. */
const SOON: Patience = { withinMs: 20_000, pauseMs: 1_000 };
/** Answers without an address. Names of the cluster are not even asked for: SERVFAIL. */
const NOTHING = new Set(['ENODATA', 'ENOTFOUND', 'ESERVFAIL', 'EREFUSED']);
/** What the filter answers by itself (READY_NAME of packages/netguard). */
const READY_NAME = 'ready.dns-filter.sekisho.internal';

type Env = Readonly<Record<string, string | undefined>>;

export const testEgressWithin = (soon: Patience): PodTest => async (plan, report, env) => {
  const { egressProxy, dnsFilter } = plan;
  if (egressProxy !== undefined) await judgeProxy(egressProxy, plan, { report, env, soon });
  if (dnsFilter !== undefined) await judgeFilter(dnsFilter, plan, { report, soon });
};

interface Judging {
  readonly report: Report;
  readonly env: Env;
  readonly soon: Patience;
}

async function judgeProxy(proxy: NonNullable<TestPlan['egressProxy']>, plan: TestPlan, { report, env, soon }: Judging): Promise<void> {
  // Without a user and a password nobody gets as far as the targets.
  const wanted = proxy.hasCredentials ? 407 : 403;
  const { POD_IP: pod = '', NODE_IP: node = '', KUBERNETES_SERVICE_HOST: api = '' } = env;
  const addresses = ['169.254.169.254', pod, node, api].filter((address) => address !== '').map((address) => (isIPv6(address) ? `[${address}]` : address));
  const [first = '', ...others] = [nameInside(plan), `${proxy.host}.${plan.clusterDomain}`, ...addresses].map((host) => `${host}:443`);
  const isRight = (said: string): boolean => said.startsWith(`${wanted} `) && said.includes('SEKISHO_EGRESS_');
  const judge = (authority: string, said: string): boolean => report.check(isRight(said), `the egress-proxy refuses a tunnel to ${authority} (${said})`);
  if (!judge(first, await lookUntil(async () => await tunnelTo(first, proxy), isRight, soon))) return;
  for (const authority of others) judge(authority, await tunnelTo(authority, proxy));
}

/** Status and Proxy-Status of a CONNECT, or why there was no answer. */
async function tunnelTo(authority: string, { host, port }: Place): Promise<string> {
  return await new Promise((resolve) => {
    const sent = request({ host, port, method: 'CONNECT', path: authority, agent: false, signal: AbortSignal.timeout(ANSWER_MS) });
    sent.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.once('connect', ({ statusCode, headers }, socket) => {
      socket.destroy();
      resolve(`${statusCode} ${String(headers['proxy-status'] ?? '')}`.trim());
    });
    sent.end();
  });
}

async function judgeFilter(filter: Place, plan: TestPlan, { report, soon }: Omit<Judging, 'env'>): Promise<void> {
  const name = nameInside(plan);
  const known = await lookUntil(async () => await addressesOf(name), ({ length }) => length > 0, soon);
  if (!report.check(known.length > 0, `the control: the cluster's DNS knows ${name} (${known.join(', ') || 'no address'})`)) {
    report.say('note: without it nothing can be judged; does the DNS of the cluster answer pods of this namespace (networkPolicy.dns)?');
    return;
  }
  const ready = await lookUntil(async () => await resolverAt(filter).resolveTxt(READY_NAME).then(() => 'ready', codeOf), (answer) => answer === 'ready', soon);
  if (!report.check(ready === 'ready', `the DNS filter answers (${ready})`)) return;
  const said = await answerOf(filter, name);
  report.check(NOTHING.has(said), `the DNS filter gives away no address of ${name} (${said})`);
}

/** Addresses of both families, or the code of the answer. */
async function answerOf(filter: Place, name: string): Promise<string> {
  const resolver = resolverAt(filter);
  const answers = await Promise.all([resolver.resolve4(name), resolver.resolve6(name)].map(async (answer) => await answer.then((all) => all.join(', '), codeOf)));
  return answers.find((answer) => !NOTHING.has(answer)) ?? answers[0] ?? '';
}

function resolverAt({ host, port }: Place): Resolver {
  const resolver = new Resolver({ timeout: DNS_MS, tries: 1 });
  resolver.setServers([`${isIPv6(host) ? `[${host}]` : host}:${port}`]);
  return resolver;
}

const codeOf = (error: NodeJS.ErrnoException): string => error.code ?? error.message;

const nameInside = ({ clusterDomain }: TestPlan): string => `kubernetes.default.svc.${clusterDomain}`;

if (import.meta.main) await runPodTest(testEgressWithin(SOON));

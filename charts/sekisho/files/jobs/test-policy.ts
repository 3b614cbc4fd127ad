// helm test: NetworkPolicies are really enforced. A network that ignores them says nothing and lets everything through,
// so this pod tries what its policy does not allow; it must fail on such a cluster. That an open door opens (the control)
// shows that a refusal comes from the policy and not from a network that is down.

import { connect } from 'node:net';
import { type Place, type PodTest, addressesOf, lookUntil, runPodTest } from './test-report.ts';

/** Some networks drop silently, others refuse; the wait is the same for both. */
const CONNECT_MS = 3_000;
/** A new pod may be without its policy for about a second, in both directions. */
const SETTLE_MS = 20_000;
const PAUSE_MS = 500;
/** Refusals in a row that count. */
const CONFIRM = 2;
const CONNECTED = 'connected';

type Door = Pick<Place, 'host' | 'port'>;

export interface PolicyTimes {
  readonly connectMs: number;
  readonly settleMs: number;
}

export const testPolicyWithin = (times: PolicyTimes): PodTest => async (plan, report, env) => {
  const control = await opensSoon(plan.gatewayPods, times);
  if (!report.check(control === CONNECTED, `the control: the gateway's port ${plan.gatewayPods.port} is open (${control})`)) {
    report.say('note: without it nothing can be judged; does the DNS of the cluster answer pods of this namespace (networkPolicy.dns)?');
    return;
  }
  const places = [...(await sureToListen(plan.gatewayPods, env)), ...plan.closed];
  // Side by side: on a network without policies each takes the whole settling time, and the pod has a deadline.
  const seen = await Promise.all(places.map(async (place) => ({ place, ...(await closesSoon(place, times)) })));
  let open = 0;
  for (const { place, closed, said } of seen) {
    if (!report.check(closed, `${place.what} is out of reach (${place.host}:${place.port}: ${said})`)) open += 1;
  }
  if (open > 0) {
    report.say('This cluster\'s network does not enforce NetworkPolicies, or another policy of this namespace allows more: a service that is taken over can reach everything the cluster can.');
    report.say('Install a network that enforces them (Cilium, Calico, Antrea, kube-router), or look for a broader policy: kubectl get networkpolicies. networkPolicy.enabled: false turns policies and this test off.');
  }
};

/** Closed ports would pass for refused ones, so these come first: a gateway that is ready has its ops port open, and there is always an API server. */
async function sureToListen(gateway: { readonly host: string; readonly opsPort: number }, env: Readonly<Record<string, string | undefined>>): Promise<readonly Place[]> {
  const [pod] = await addressesOf(gateway.host);
  const api = env['KUBERNETES_SERVICE_HOST'];
  return [
    ...(pod === undefined ? [] : [{ what: 'the ops port of a gateway', host: pod, port: gateway.opsPort }]),
    ...(api === undefined ? [] : [{ what: 'the API server', host: api, port: Number(env['KUBERNETES_SERVICE_PORT'] ?? 443) }]),
  ];
}

const opensSoon = async (door: Door, { connectMs, settleMs }: PolicyTimes): Promise<string> =>
  await lookUntil(async () => await attempt(door, connectMs), (said) => said === CONNECTED, { withinMs: settleMs, pauseMs: PAUSE_MS });

async function closesSoon(door: Door, { connectMs, settleMs }: PolicyTimes): Promise<{ readonly closed: boolean; readonly said: string }> {
  let inRow = 0;
  const look = async (): Promise<{ readonly closed: boolean; readonly said: string }> => {
    const said = await attempt(door, connectMs);
    inRow = said === CONNECTED ? 0 : inRow + 1;
    return { closed: inRow >= CONFIRM, said };
  };
  return await lookUntil(look, ({ closed }) => closed, { withinMs: settleMs, pauseMs: PAUSE_MS });
}

/** CONNECTED, or why not. */
async function attempt({ host, port }: Door, connectMs: number): Promise<string> {
  const [address] = await addressesOf(host);
  if (address === undefined) return 'its name has no address';
  return await new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const done = (said: string): void => {
      resolve(said);
      socket.destroy();
    };
    socket.setTimeout(connectMs, () => done(`no answer within ${connectMs / 1_000} s`));
    socket.once('connect', () => done(CONNECTED));
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  });
}

if (import.meta.main) await runPodTest(testPolicyWithin({ connectMs: CONNECT_MS, settleMs: SETTLE_MS }));

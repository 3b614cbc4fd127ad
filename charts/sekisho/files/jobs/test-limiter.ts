// helm test: the replicas share one limiter. A picture is charged 250 units before it is fetched, of the 60,000 that a
// client has, and a client's fetches from one host wait in a line (4 at once, 15 a second after the first 150). So one
// host that does not exist and 250 requests at a time to replica A use the whole budget up for a while, at the price of
// a few names that the resolver does not know; replica B must refuse the same client meanwhile, and no longer after it.

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, type Target, ask, picturePath, words } from './test-http.ts';
import { type PodTest, type Report, type TestPlan, addressesOf, lookUntil, runPodTest } from './test-report.ts';

/** Below the 256 requests that a gateway has at the fetcher at once. */
const AT_ONCE = 250;
/** On a busy node it takes a while until that many requests are open at the same time. */
const HOLD_MS = 50_000;
const REFUSALS_WANTED = 3;
const PROBE_PAUSE_MS = 100;
const REPLICAS_MS = 30_000;
const RECOVER_MS = 15_000;

export interface Replica {
  readonly host: string;
  readonly port: number;
}

export interface Pair {
  readonly first: Replica;
  readonly second: Replica;
  /** How long the load goes on at most. */
  readonly holdMs?: number;
}

export const testLimiter: PodTest = async (plan, report) => {
  const [first, second] = await replicas(plan);
  if (first === undefined || second === undefined) {
    if (plan.replicas < 2) report.skip('there is one gateway only, so there is nothing to share; with gateway.replicas of 2 or more this checks that all know the same budget');
    else report.check(false, `${plan.gatewayPods.host} has fewer than two addresses, but ${plan.replicas} gateways are wanted: kubectl get pods shows why they are not ready`);
    return;
  }
  const { port } = plan.gatewayPods;
  await judgeReplicas(plan, report, { first: { host: first, port }, second: { host: second, port } });
};

export async function judgeReplicas(plan: TestPlan, report: Report, { first, second, holdMs = HOLD_MS }: Pair): Promise<void> {
  const [here, there] = [first, second].map(({ host, port }) => `${host}:${port}`);
  const probe = prober(plan, second);
  const before = await probe();
  if (!report.check(before.status !== 429, `gateway ${there} serves this client before the load (${words(before)})`)) return;
  const load = startLoad(plan, first);
  const refusals = await countRefusals(probe, holdMs);
  await load.stop();
  report.check(refusals >= REFUSALS_WANTED, `gateway ${there} refuses this client with 429 while ${here} holds its budget (${refusals} refusals, ${load.refused()} at ${here})`);
  if (refusals < REFUSALS_WANTED) report.say('note: have both gateways the same Redis in SEKISHO_REDIS_URL? Where gateway.limits gives a client more than 60,000 this test cannot tell');
  const after = await lookUntil(probe, ({ status }) => status !== 429, { withinMs: RECOVER_MS, pauseMs: 500 });
  report.check(after.status !== 429, `gateway ${there} serves this client again after the load (${words(after)})`);
}

const replicas = async ({ gatewayPods, replicas: wanted }: TestPlan): Promise<readonly string[]> =>
  await lookUntil(async () => await addressesOf(gatewayPods.host), ({ length }) => length >= 2, { withinMs: wanted < 2 ? 0 : REPLICAS_MS, pauseMs: 1_000 });

const unknownHost = ({ unknownDomain }: TestPlan): string => `${randomBytes(6).toString('hex')}.${unknownDomain}`;

const pictureAt = (plan: TestPlan, { host, port }: Replica, picture: string): Target =>
  ({ host, port, publicUrl: plan.publicUrl, path: picturePath(`https://${picture}`) });

/** Another host each time: it must not wait in the line of the load. */
const prober = (plan: TestPlan, replica: Replica) => async (): Promise<Answer> =>
  await ask(pictureAt(plan, replica, `${unknownHost(plan)}/x.png`));

interface Load {
  /** Requests that A refused itself. */
  refused(): number;
  stop(): Promise<void>;
}

function startLoad(plan: TestPlan, replica: Replica): Load {
  const host = unknownHost(plan);
  const leaving = new AbortController();
  let refused = 0;
  const lane = async (at: number): Promise<void> => {
    for (let round = 0; !leaving.signal.aborted; round += 1) {
      const answer = await ask(pictureAt(plan, replica, `${host}/${at}-${round}.png`), leaving.signal).catch(() => undefined);
      if (answer !== undefined && answer.status !== 429) continue;
      if (answer !== undefined) refused += 1;
      await delay(500, undefined, { signal: leaving.signal }).catch(() => undefined);
    }
  };
  const lanes = Array.from({ length: AT_ONCE }, async (_, at) => await lane(at));
  return {
    refused: () => refused,
    stop: async () => {
      leaving.abort();
      await Promise.all(lanes);
    },
  };
}

async function countRefusals(probe: () => Promise<Answer>, holdMs: number): Promise<number> {
  const until = Date.now() + holdMs;
  let refusals = 0;
  while (refusals < REFUSALS_WANTED && Date.now() < until) {
    const answer = await probe().catch(() => undefined);
    if (answer?.status === 429) refusals += 1;
    await delay(PROBE_PAUSE_MS);
  }
  return refusals;
}

if (import.meta.main) await runPodTest(testLimiter);

// What a pod of any image with Node.js can reach, and what that says about policies.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Pod, exec } from '../cluster.ts';
import { root } from '../context.ts';
import type { Attempts, Outcomes, Target } from '../in-pod/connect.ts';

/** Cilium is silent; the small engine says no at once, over IPv6 after a second. */
const CONNECT_MS = 2_500;
/** Exec, and Node.js that starts, on a busy machine. */
const OVERHEAD_MS = 20_000;
/** From the call that changes a policy to the last connection let through the slowest engine took 0.7 s. */
const ENFORCED_MS = 1_500;
/** A closed port is ECONNREFUSED and must never pass for a refusal. */
const REFUSED: ReadonlySet<string> = new Set(['timeout', 'ETIMEDOUT', 'EHOSTUNREACH']);
/** UDP has no such difference: the resolver says ECONNREFUSED for both. That the server answers is the control's to show. */
const UNANSWERED: ReadonlySet<string> = new Set(['ETIMEOUT', 'ECONNREFUSED', 'ECANCELLED']);

export interface NamedTarget extends Target {
  /** Several addresses and ports may share one: they are allowed or refused together. */
  readonly name: string;
}

export interface Reach {
  /** Names all of whose targets connected. */
  readonly open: readonly string[];
  /** Names all of whose targets were refused by a policy. */
  readonly refused: readonly string[];
  /** What is neither, with address, port and outcome. */
  readonly odd: readonly string[];
}

/** Side by side, by the program as text: a product's pod has no files of the tests. */
async function outcomesFrom(pod: Pick<Pod, 'name' | 'namespace'>, targets: readonly Target[]): Promise<Outcomes> {
  const program = readFileSync(join(root, 'test-e2e/lib/in-pod/connect.ts'), 'utf8');
  const attempts: Attempts = { targets, timeoutMs: CONNECT_MS };
  const argv = ['/usr/local/bin/node', '--input-type=module-typescript', '-e', program, 'connect', JSON.stringify(attempts)];
  const { code, stdout, stderr } = await exec(pod, argv, { timeoutMs: CONNECT_MS + OVERHEAD_MS });
  if (code !== 0) throw new Error(`node ended with ${code} in ${pod.name}: ${stderr.slice(-2_000)}`);
  return JSON.parse(stdout) as Outcomes;
}

/** Returns when a change of policies is in force. */
export const policiesEnforced = async (): Promise<void> => await delay(ENFORCED_MS);

export async function reachOf(pod: Pick<Pod, 'name' | 'namespace'>, targets: readonly NamedTarget[]): Promise<Reach> {
  return judge(targets, await outcomesFrom(pod, targets));
}

/** Pure. */
export function judge(targets: readonly NamedTarget[], outcomes: Outcomes): Reach {
  const verdicts = targets.map((target, at) => ({ target, outcome: outcomes[at] ?? 'no answer' }));
  const open: string[] = [];
  const refused: string[] = [];
  const odd: string[] = [];
  for (const name of new Set(targets.map((target) => target.name))) {
    const all = verdicts.filter(({ target }) => target.name === name);
    if (all.every(({ outcome }) => outcome === 'connected')) open.push(name);
    else if (all.every(isRefused)) refused.push(name);
    else odd.push(...all.map(({ target: { host, port }, outcome }) => `${name} ${host} ${port}: ${outcome}`));
  }
  return { open: open.toSorted(), refused: refused.toSorted(), odd };
}

const isRefused = ({ target, outcome }: { readonly target: Target; readonly outcome: string }): boolean =>
  (target.question === undefined ? REFUSED : UNANSWERED).has(outcome);

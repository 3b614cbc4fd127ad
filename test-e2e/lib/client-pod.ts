// A client: a pod in a namespace of its own that asks, connects and loads on behalf of a case.

import { randomUUID } from 'node:crypto';
import { type Pod, apply, exec, namespace, readyPodOf } from './cluster.ts';
import type { Question, Reply } from './in-pod/ask.ts';
import type { Outcomes, Target } from './in-pod/connect.ts';
import type { Answer, Crowd } from './in-pod/crowd.ts';
import type { Load, LoadResult, Loads } from './in-pod/load.ts';
import { type NodePod, nodeDeployment, sourceFiles } from './node-pod.ts';
import { deployment, waitReady } from './ready.ts';
import { until } from './deadline.ts';

/** Exec, and Node.js that starts, on a busy machine. */
const OVERHEAD_MS = 15_000;
/** As in-pod/ask.ts has it. */
const ASK_MS = 20_000;
/** Silent refusals of Cilium end with the caller's own limit. */
const CONNECT_MS = 2_500;
/** Node.js processes in one client at a time: each takes 50 MiB of its 512. */
const PROCESSES_MAX = 6;

export interface Client {
  readonly pod: Pod;
  ask(url: string, question?: Omit<Question, 'url'>): Promise<Reply>;
  /** At the same moment, answers in the order of the questions. */
  askAll(questions: readonly Question[]): Promise<readonly Reply[]>;
  /** Side by side; `connected`, `timeout` or an error's code of each. */
  connect(targets: readonly Target[], timeoutMs?: number): Promise<Outcomes>;
  load(url: string | readonly string[], load: Omit<Load, 'urls'>): Promise<LoadResult>;
  /** Several until they are told to stop, `durationMs` at most. */
  startLoads(loads: readonly Load[]): RunningLoads;
  /** All at the same moment; the answers in the order of the questions. */
  crowd(crowd: Crowd): Promise<readonly Answer[]>;
  /** What the first frame holds that comes back, `error` or `timeout`. */
  webSocket(url: string, text: string, timeoutMs?: number): Promise<string>;
  /** Runs JavaScript; what it prints. */
  run(script: string, timeoutMs?: number): Promise<string>;
}

export interface RunningLoads {
  /** Ends them; what runs is waited for. In the order of the loads. */
  stop(): Promise<readonly LoadResult[]>;
}

export type ClientOptions = Partial<Pick<NodePod, 'name' | 'namespace' | 'labels' | 'seccompProfile' | 'cpu'>>;

export async function clientPod(options: ClientOptions = {}): Promise<Client> {
  const { name = 'client', namespace: inNamespace = 'e2e-client', ...rest } = options;
  const files = `${name}-files`;
  await apply(
    namespace(inNamespace),
    sourceFiles(files, inNamespace, 'test-e2e/lib/in-pod'),
    nodeDeployment({ ...rest, name, namespace: inNamespace, files, args: ['-e', 'setInterval(() => {}, 1 << 30)'] }),
  );
  await waitReady(deployment(inNamespace, name));
  const pod = await until(() => readyPodOf(inNamespace, `app=${name}`), { what: `pod of ${name}`, timeoutMs: 30_000 });
  return clientOf(pod);
}

function clientOf(pod: Pod): Client {
  const turn = turns(PROCESSES_MAX);
  const node = async (args: readonly string[], timeoutMs: number): Promise<string> => await turn(async () => {
    const { code, stdout, stderr } = await exec(pod, ['/usr/local/bin/node', ...args], { timeoutMs: timeoutMs + OVERHEAD_MS });
    if (code !== 0) throw new Error(`node ended with ${code} in ${pod.name}: ${stderr.slice(-2_000)}`);
    return stdout;
  });
  const call = async (script: string, argument: unknown, timeoutMs: number): Promise<unknown> =>
    JSON.parse(await node([`/work/${script}.ts`, JSON.stringify(argument)], timeoutMs)) as unknown;
  const askAll: Client['askAll'] = async (questions) =>
    await call('ask', questions, Math.max(...questions.map(({ timeoutMs = ASK_MS }) => timeoutMs))) as Reply[];
  return {
    pod,
    ask: async (url, question = {}) => {
      const [reply] = await askAll([{ url, ...question }]);
      if (reply === undefined) throw new Error('no reply');
      return reply;
    },
    askAll,
    connect: async (targets, timeoutMs = CONNECT_MS) => await call('connect', { targets, timeoutMs }, timeoutMs) as Outcomes,
    load: async (url, order) => await call('load', { urls: typeof url === 'string' ? [url] : url, ...order }, order.durationMs + (order.timeoutMs ?? 10_000)) as LoadResult,
    startLoads: (loads) => {
      const order: Loads = { id: randomUUID(), loads };
      const longestMs = Math.max(...loads.map(({ durationMs, timeoutMs = 10_000 }) => durationMs + timeoutMs));
      const results = call('load', order, longestMs) as Promise<readonly LoadResult[]>;
      results.catch(() => undefined);
      return {
        stop: async () => {
          await call('end-load', { loadId: order.id }, 5_000);
          return await results;
        },
      };
    },
    crowd: async (crowd) => await call('crowd', crowd, crowd.timeoutMs) as readonly Answer[],
    webSocket: async (url, text, timeoutMs = 10_000) => await call('websocket', { url, text, timeoutMs }, timeoutMs) as string,
    run: async (script, timeoutMs = 20_000) => await node(['--input-type=module', '-e', script], timeoutMs),
  };
}

/** Lets at most so many pieces of work run at a time; the others wait, each with its own limit inside. */
function turns(max: number): <Value>(work: () => Promise<Value>) => Promise<Value> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= max) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

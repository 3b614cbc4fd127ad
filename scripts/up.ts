// npm run up: the whole stack on this machine, with a demo unless SEKISHO_MISSKEY_URL says where a Misskey is.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describeStartProblem } from '@sekisho/runtime';
import { demoEnvironment, startDemo } from './local-stack/demo.ts';
import { type FilterChoice, chooseDnsFilter } from './local-stack/dns-filter.ts';
import { type StackOptions, handedOn, readOptions } from './local-stack/options.ts';
import { PortTaken, assertPortFree, assertUdpPortFree } from './local-stack/ports.ts';
import { StackProblem } from './local-stack/processes.ts';
import { type Stack, type StackSpec, startStack } from './local-stack/stack.ts';
import { launcherProblem } from './set-up/launcher.ts';
import { MissingProgram, ensurePrograms } from './set-up/programs.ts';

const root = dirname(import.meta.dirname);
const HOST = '127.0.0.1';
const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function assertPorts(options: StackOptions, filter: FilterChoice): Promise<void> {
  await assertPortFree(options.SEKISHO_LISTEN_HOST, options.SEKISHO_GATEWAY_PORT, 'SEKISHO_GATEWAY_PORT');
  const local = [
    'SEKISHO_FETCHER_PORT', 'SEKISHO_EGRESS_PORT', 'SEKISHO_GATEWAY_OPS_PORT', 'SEKISHO_FETCHER_OPS_PORT', 'SEKISHO_IMAGE_WORKER_OPS_PORT',
    'SEKISHO_EGRESS_PROXY_OPS_PORT', ...(filter.start ? ['SEKISHO_DNS_FILTER_PORT', 'SEKISHO_DNS_FILTER_OPS_PORT'] as const : []),
  ] as const;
  for (const name of local) await assertPortFree(HOST, options[name], name);
  if (filter.start) await assertUdpPortFree(HOST, options.SEKISHO_DNS_FILTER_PORT, 'SEKISHO_DNS_FILTER_PORT');
}

interface Signals {
  readonly asked: Promise<string>;
  readonly leaving: AbortSignal;
}

/** From the first moment on: Ctrl-C while starting must leave no process either. */
function listenForSignals(): Signals {
  const leaving = new AbortController();
  const asked = new Promise<string>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        leaving.abort();
        resolve(signal);
      });
    }
  });
  return { asked, leaving: leaving.signal };
}

/** Lines of the services: held back while they start, so that a mistake is read in the lines of who made it. */
function createPrinter(): { print(line: string): void; all(): void; ofService(service: string | undefined): void } {
  const held: string[] = [];
  let isLive = false;
  const release = (lines: readonly string[]): void => {
    isLive = true;
    for (const line of lines) say(line);
  };
  return {
    print: (line) => void (isLive ? say(line) : held.push(line)),
    all: () => release(held),
    ofService: (service) => release(service === undefined ? held : held.filter((line) => line.startsWith(`[${service}`))),
  };
}

async function main(signals: Signals): Promise<void> {
  const options = readOptions(process.env);
  if (options.SEKISHO_REDIS_URL === undefined) ensurePrograms(['redis-server']);
  // The image-worker says what it lacks without the launcher; how to get it is known here.
  const unwalled = launcherProblem();
  if (unwalled !== undefined) say(`no sandbox around the decoders: ${unwalled}`);
  const filter = chooseDnsFilter(options.SEKISHO_DNS_FILTER);
  await assertPorts(options, filter);
  const publicUrl = options.SEKISHO_PUBLIC_URL?.origin ?? `http://localhost:${options.SEKISHO_GATEWAY_PORT}`;
  const demo = options.SEKISHO_MISSKEY_URL === undefined ? await startDemo(publicUrl) : undefined;
  const printer = createPrinter();
  const spec: StackSpec = {
    ports: {
      gateways: [options.SEKISHO_GATEWAY_PORT], gatewayOps: [options.SEKISHO_GATEWAY_OPS_PORT], fetcher: options.SEKISHO_FETCHER_PORT,
      fetcherOps: options.SEKISHO_FETCHER_OPS_PORT, workerOps: options.SEKISHO_IMAGE_WORKER_OPS_PORT,
    },
    egressProxy: { port: options.SEKISHO_EGRESS_PORT, opsPort: options.SEKISHO_EGRESS_PROXY_OPS_PORT },
    dnsFilter: filter.start ? { port: options.SEKISHO_DNS_FILTER_PORT, opsPort: options.SEKISHO_DNS_FILTER_OPS_PORT } : undefined,
    publicUrl,
    misskeyUrl: options.SEKISHO_MISSKEY_URL?.origin ?? `http://127.0.0.1:${demo?.upstreamPort ?? 0}`,
    listenHost: options.SEKISHO_LISTEN_HOST,
    redisUrl: options.SEKISHO_REDIS_URL,
    env: { ...(demo === undefined ? {} : demoEnvironment(demo)), ...handedOn(process.env) },
    print: printer.print,
    leaving: signals.leaving,
  };
  const endDemo = (): void => void demo?.child.kill('SIGKILL');
  const stack = await startStack(spec).catch((error: unknown) => {
    endDemo();
    if (!signals.leaving.aborted) printer.ofService(error instanceof StackProblem ? error.service : undefined);
    throw error;
  });
  printer.all();
  writeStateUrl(stack, options);
  demo?.child.stdin?.end(`${stack.redis?.url('sekisho-gateway-state') ?? options.SEKISHO_REDIS_URL ?? ''}\n`);
  say(`egress-proxy: ${HOST}:${options.SEKISHO_EGRESS_PORT}, for Misskey's own requests (docs/egress.md)`);
  say(filter.start ? `dns-filter: ${HOST}:${options.SEKISHO_DNS_FILTER_PORT}, asked by fetcher and egress-proxy` : `dns-filter: off (${filter.why})`);
  await stayUp(stack, { publicUrl, asked: signals.asked, endDemo });
}

/** Where `npm run media` finds the state Redis of a local stack. */
function writeStateUrl(stack: Stack, options: StackOptions): void {
  mkdirSync(join(root, '.run'), { recursive: true });
  const url = stack.redis?.url('sekisho-gateway-state') ?? options.SEKISHO_REDIS_URL ?? '';
  writeFileSync(join(root, '.run', 'state-redis-url'), url, { mode: 0o600 });
}

async function stayUp(stack: Stack, { publicUrl, asked, endDemo }: { publicUrl: string; asked: Promise<string>; endDemo: () => void }): Promise<void> {
  say(`sekisho is up: ${publicUrl}`);
  const reason = await Promise.race([asked, stack.processes.firstExit]);
  say(`sekisho stops (${reason})`);
  endDemo();
  await stack.stop();
  process.exitCode = reason.startsWith('SIG') ? 0 : 1;
}

const signals = listenForSignals();
try {
  await main(signals);
  process.exit();
} catch (error) {
  if (signals.leaving.aborted) process.exit(0);
  // The services have said what is wrong in lines of their own; a stack of ours would bury it.
  const isOurs = error instanceof PortTaken || error instanceof MissingProgram || error instanceof StackProblem;
  say(`sekisho: ${isOurs ? error.message : describeStartProblem(error)}`);
  process.exit(1);
}

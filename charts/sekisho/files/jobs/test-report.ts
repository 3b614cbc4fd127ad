// What the pods of `helm test` have in common: the file of the chart, one line for each check, the exit code.

import { readFileSync } from 'node:fs';
import { lookup } from 'node:dns/promises';
import { setTimeout as delay } from 'node:timers/promises';

const LOOKUP_MS = 5_000;

/** An address to connect to, with the words that name it. */
export interface Place {
  readonly what: string;
  readonly host: string;
  readonly port: number;
}

/** What the chart writes into tests.json. */
export interface TestPlan {
  readonly publicUrl: string;
  /** The gateway's Service. */
  readonly gateway: Place;
  /** Headless Service whose name has one address for each gateway that is ready. */
  readonly gatewayPods: { readonly host: string; readonly port: number; readonly opsPort: number };
  /** Gateways that there should be at least. */
  readonly replicas: number;
  readonly unknownDomain: string;
  readonly clusterDomain: string;
  /** The egress-proxy's Service, where there is one. */
  readonly egressProxy?: Place & { readonly hasCredentials: boolean };
  /** The DNS filter beside the test, where it is on. */
  readonly dnsFilter?: Place;
  /** Places that no policy of the release allows a test to reach. */
  readonly closed: readonly Place[];
}

export class Report {
  readonly #print: (line: string) => void;
  #checks = 0;
  #failed = 0;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  check(passed: boolean, line: string): boolean {
    this.#checks += 1;
    if (!passed) this.#failed += 1;
    this.#print(`${passed ? 'ok' : 'FAILED'}: ${line}`);
    return passed;
  }

  say(line: string): void {
    this.#print(line);
  }

  /** A run without a check proves nothing, unless it said why. */
  skip(line: string): void {
    this.#checks += 1;
    this.#print(`skipped: ${line}`);
  }

  get exitCode(): number {
    return this.#failed === 0 && this.#checks > 0 ? 0 : 1;
  }
}

/** Addresses of a name, in order; none when it does not exist (yet). */
export async function addressesOf(host: string): Promise<readonly string[]> {
  const found = await Promise.race([lookup(host, { all: true }).catch(() => []), delay(LOOKUP_MS, [], { ref: false })]);
  return [...new Set(found.map(({ address }) => address))].sort();
}

export interface Patience {
  readonly withinMs: number;
  readonly pauseMs: number;
}

/** The first value that is right, or the last one when the time is up. */
export async function lookUntil<T>(look: () => Promise<T>, isRight: (value: T) => boolean, { withinMs, pauseMs }: Patience): Promise<T> {
  const until = Date.now() + withinMs;
  for (;;) {
    const value = await look();
    if (isRight(value) || Date.now() >= until) return value;
    await delay(pauseMs);
  }
}

export type PodTest = (plan: TestPlan, report: Report, env: Readonly<Record<string, string | undefined>>) => Promise<void>;

/** Runs a test as a program:  node test-x.ts tests.json */
export async function runPodTest(test: PodTest): Promise<void> {
  const report = new Report((line) => process.stdout.write(`${line}\n`));
  try {
    await test(JSON.parse(readFileSync(process.argv[2] ?? 'tests.json', 'utf8')) as TestPlan, report, process.env);
  } catch (error) {
    report.check(false, `the test itself: ${error instanceof Error ? error.message : String(error)}`);
  }
  process.exitCode = report.exitCode;
}

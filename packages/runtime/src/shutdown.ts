// Orderly end of a process: named steps, each with its own deadline, in the order they were added; a hard exit behind
// all of them, so that a stuck step never leaves a process behind.

import { setTimeout as delay } from 'node:timers/promises';
import { inTime } from './in-time.ts';
import type { Logger } from './log.ts';

export interface ShutdownOptions {
  readonly log: Logger;
  /** Longest whole shutdown in ms; after it the process ends with status 1. */
  readonly graceMs: number;
  /** For tests; default process.exit. */
  readonly exit?: (status: number) => void;
}

export interface Shutdown {
  readonly stopping: boolean;
  /** Adds a step; the step's own deadline is `timeoutMs`. */
  add(name: string, timeoutMs: number, step: () => Promise<void> | void): void;
  /** SIGTERM, SIGINT and SIGHUP run the shutdown; a second signal ends the process at once. */
  install(): void;
  run(reason: string): Promise<void>;
}

export interface Draining {
  readonly log: Logger;
  /** Ready no more; requests are still taken. */
  setUnready(): void;
  /** No new connections; resolves when the last one has ended. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

export interface DrainTimes {
  /** Between being unready and closing the port, so that every client notices. */
  readonly shutdownDelayMs: number;
  /** For what still runs then. */
  readonly shutdownDrainMs: number;
}

const CLOSE_MS = 2_000;
/** What the steps may take beyond their own time. */
const SLACK_MS = 3_000;

/** The end of a service with connections, on the usual signals: unready, a while later no new ones, at last none. */
export function installDraining(app: Draining, { shutdownDelayMs, shutdownDrainMs }: DrainTimes): void {
  const shutdown = createShutdown({ log: app.log, graceMs: shutdownDelayMs + shutdownDrainMs + CLOSE_MS + SLACK_MS });
  shutdown.add('unready', shutdownDelayMs + 1_000, async () => {
    app.setUnready();
    await delay(shutdownDelayMs);
  });
  shutdown.add('drain', shutdownDrainMs, () => app.drain());
  shutdown.add('close', CLOSE_MS, () => app.close());
  shutdown.install();
}

interface Step {
  readonly name: string;
  readonly timeoutMs: number;
  readonly run: () => Promise<void> | void;
}

export function createShutdown(options: ShutdownOptions): Shutdown {
  const steps: Step[] = [];
  const exit = options.exit ?? ((status: number): void => void process.exit(status));
  let running: Promise<void> | undefined;
  const run = (reason: string): Promise<void> => {
    running ??= runSteps(steps, options, reason);
    return running;
  };
  return {
    get stopping() {
      return running !== undefined;
    },
    add: (name, timeoutMs, step) => void steps.push({ name, timeoutMs, run: step }),
    install: () => {
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
        process.on(signal, () => {
          if (running !== undefined && signal !== 'SIGHUP') return exit(130);
          const hard = setTimeout(() => exit(1), options.graceMs);
          hard.unref();
          run(signal).then(() => exit(0), () => exit(1));
        });
      }
    },
    run,
  };
}

async function runSteps(steps: readonly Step[], options: ShutdownOptions, reason: string): Promise<void> {
  options.log.info({ reason }, 'shutdown started');
  for (const step of steps) {
    const problem = await runStep(step);
    if (problem !== undefined) options.log.warn({ step: step.name, problem }, 'shutdown step failed');
  }
  options.log.info({ reason }, 'shutdown done');
  options.log.flush();
}

async function runStep(step: Step): Promise<string | undefined> {
  const work = (async () => await step.run())().then(() => undefined, (error: unknown) => String(error));
  return await inTime(work, step.timeoutMs, () => 'deadline');
}

// Runs in a client pod: tries TCP connections side by side and says of each what came of it.

import { connect } from 'node:net';

export interface Target {
  /** Address or name. */
  readonly host: string;
  readonly port: number;
}

export interface Attempts {
  readonly targets: readonly Target[];
  readonly timeoutMs: number;
}

/** `connected`, `timeout` or a system error's code, in the order of the targets. */
export type Outcomes = readonly string[];

const tryOne = async ({ host, port }: Target, timeoutMs: number): Promise<string> => await new Promise((resolve) => {
  // The time limit holds the resolution of a name, too.
  const timer = setTimeout(() => end('timeout'), timeoutMs);
  const socket = connect({ host, port });
  const end = (outcome: string): void => {
    clearTimeout(timer);
    socket.destroy();
    resolve(outcome);
  };
  socket.once('connect', () => end('connected')).on('error', (error: Error & { code?: string }) => end(error.code ?? error.message));
});

if (import.meta.main) {
  const { targets, timeoutMs } = JSON.parse(process.argv[2] ?? '{}') as Attempts;
  const outcomes: Outcomes = await Promise.all(targets.map((target) => tryOne(target, timeoutMs)));
  // A name that is still being asked for would hold the process for many seconds.
  process.stdout.write(JSON.stringify(outcomes), () => process.exit());
}

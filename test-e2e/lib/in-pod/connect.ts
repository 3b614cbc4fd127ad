// Runs in a client pod: tries TCP connections side by side and says of each what came of it. One file without others, so
// that pods that have no files of the tests can run it as text.

import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';

export interface Target {
  /** Address or name. */
  readonly host: string;
  readonly port: number;
  /** A question by UDP to the name server at this address, in place of a connection. */
  readonly question?: string;
}

export interface Attempts {
  readonly targets: readonly Target[];
  readonly timeoutMs: number;
}

/** `connected` (a name server: that it answered), `timeout` or an error's code, in the order of the targets. */
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

async function askOne({ host, question = '' }: Target, timeoutMs: number): Promise<string> {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
  resolver.setServers([host]);
  try {
    await resolver.resolve4(question);
    return 'connected';
  } catch (error) {
    const code = (error as Error & { code?: string }).code ?? '';
    // That the name has no address is an answer, too.
    return ['ENOTFOUND', 'ENODATA', 'ESERVFAIL', 'EREFUSED'].includes(code) ? 'connected' : code;
  }
}

if (import.meta.main) {
  const { targets, timeoutMs } = JSON.parse(process.argv[2] ?? '{}') as Attempts;
  const outcomes: Outcomes = await Promise.all(targets.map((target) => (target.question === undefined ? tryOne : askOne)(target, timeoutMs)));
  // A name that is still being asked for would hold the process for many seconds.
  process.stdout.write(JSON.stringify(outcomes), () => process.exit());
}

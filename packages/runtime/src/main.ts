// How every main.ts starts: read the configuration, print one clear sentence when that fails, never a stack.

import { ConfigError } from './config.ts';
import { errorCode } from './error-code.ts';

/**
 * Runs a service's start. `--check-config` validates and exits with 0 or 1.
 * A known problem (configuration, taken port) ends with one sentence and status 1.
 */
export async function runMain<C>(read: () => C, start: (config: C) => Promise<void>): Promise<void> {
  try {
    const config = read();
    if (process.argv.includes('--check-config')) {
      process.stdout.write('the configuration is valid\n');
      return;
    }
    await start(config);
  } catch (error) {
    process.stderr.write(`${describeStartProblem(error)}\n`);
    process.exit(1);
  }
}

/** One sentence for a person who starts a service. */
export function describeStartProblem(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (errorCode(error) === 'EADDRINUSE') {
    const port = typeof error === 'object' && error !== null && 'port' in error ? String(error.port) : '';
    return `port ${port} is already in use: stop what listens there or choose another port`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

// Answers go to the serial line, through the container's stdout. The host name of a container is its scenario's.

import { hostname } from 'node:os';

const scenario = hostname();

export function say(check: string, value: unknown): void {
  process.stdout.write(`@vm ${JSON.stringify({ scenario, check, value })}\n`);
}

/** What became of something that may throw. */
export function outcomeOf(work: () => void): string {
  try {
    work();
    return 'done';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

// What a bench prints: small tables, and one RATIO line per target, which run.ts gathers.

import { cleanUp } from './cleanup.ts';

export interface Target {
  readonly name: string;
  readonly value: number;
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly digits?: number;
  /** Why the value says nothing about us: the verdict is `void` then. */
  readonly voidBecause?: string | undefined;
}

/** A run whose figures mean nothing, for example one with a refusal in it. */
export class InvalidRun extends Error {}

export const say = (line: string): void => void process.stdout.write(`${line}\n`);

export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const lines = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  for (const line of lines) say(`  ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`);
}

export function printTarget({ name, value, atMost, atLeast, digits = 2, voidBecause }: Target): void {
  const hit = (atMost === undefined || value <= atMost) && (atLeast === undefined || value >= atLeast);
  const bound = atMost === undefined ? `>= ${atLeast}` : `<= ${atMost}`;
  const verdict = atMost === undefined && atLeast === undefined ? '' : ` (target ${bound}) ${judge(hit, voidBecause)}`;
  say(`RATIO ${name} ${value.toFixed(digits)}${verdict}`);
}

const judge = (hit: boolean, voidBecause: string | undefined): string => voidBecause === undefined ? (hit ? 'hit' : 'miss') : `void: ${voidBecause}`;

export const fixed = (value: number, digits = 1): string => value.toFixed(digits);

/** Value below which `part` (0 to 1) of the numbers lie. */
export function percentile(numbers: readonly number[], part: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** Runs a bench as a program: an invalid run says why and fails; whatever was started ends with it. */
export async function runBench(run: () => Promise<void>): Promise<never> {
  const interrupted = new Promise<never>((_resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => reject(new InvalidRun(`interrupted by ${signal}`)));
  });
  let status = 0;
  try {
    await Promise.race([run(), interrupted]);
  } catch (error) {
    say(error instanceof InvalidRun ? `INVALID ${error.message}` : `FAILED ${error instanceof Error ? error.stack : String(error)}`);
    status = 1;
  }
  await cleanUp();
  process.exit(status);
}

// Helm as a user runs it; version 4 unless 3 is asked for.

import { spawn } from 'node:child_process';
import { root } from './context.ts';

export interface HelmResult {
  readonly code: number;
  readonly output: string;
}
export type HelmVersion = 'helm' | 'helm3';

const HELM_MS = 240_000;

export async function tryHelm(args: readonly string[], version: HelmVersion = 'helm', input?: string): Promise<HelmResult> {
  const child = spawn(version, args, { cwd: root, stdio: ['pipe', 'pipe', 'pipe'], timeout: HELM_MS, killSignal: 'SIGKILL' });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on('error', () => undefined).end(input);
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject).once('close', (status) => resolve(status ?? 1));
  });
  return { code, output: Buffer.concat(chunks).toString() };
}

/** @throws Error with what Helm said. */
export async function helm(args: readonly string[], version: HelmVersion = 'helm', input?: string): Promise<string> {
  const { code, output } = await tryHelm(args, version, input);
  if (code !== 0) throw new Error(`${version} ${args.join(' ')}: ${output.slice(-4_000)}`);
  return output;
}

// A network of one's own for a test program: an empty network namespace in which any address, private or public, can be
// bound, so that "no connection was opened" is counted at a listener on the very address and not believed.

import { spawn, spawnSync } from 'node:child_process';

const UNSHARE = ['--map-root-user', '--net', '--kill-child'] as const;

/** May this process make one? Not in most containers. */
export const canMakeNamespace = (): boolean =>
  spawnSync('unshare', [...UNSHARE, 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore', timeout: 5_000 }).status === 0;

/** Runs a program of this Node in a namespace where loopback is down; its last line of output, parsed. @throws Error with its errors. */
export async function runInNamespace(script: string, timeoutMs: number): Promise<unknown> {
  const child = spawn('unshare', [...UNSHARE, process.execPath, '--no-warnings', script], { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs, killSignal: 'SIGKILL' });
  const output = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.err += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (code !== 0) throw new Error(`${script} ended with ${code}: ${output.err.slice(-2_000)}`);
  return JSON.parse(output.out.trim().split('\n').at(-1) ?? '') as unknown;
}

// Runs in a client pod: many requests at the same moment, each answer in short.

import { createHash } from 'node:crypto';
import { type IncomingHttpHeaders, request } from 'node:http';

export interface Crowd {
  readonly asks: readonly { readonly url: string; readonly headers?: Readonly<Record<string, string>> }[];
  readonly timeoutMs: number;
  /** Leaves after this time, whatever has come by then; those that are left are `left`. */
  readonly leaveMs?: number;
}

export interface Answer {
  /** Status, a system error's code, `timeout` or `left`. */
  readonly code: string;
  readonly headers: IncomingHttpHeaders;
  readonly sha256: string;
  readonly bytes: number;
  readonly ms: number;
}

async function ask({ url, headers = {} }: Crowd['asks'][number], { timeoutMs, leave }: { readonly timeoutMs: number; readonly leave: AbortSignal }): Promise<Answer> {
  const beganMs = performance.now();
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const end = (code: string, rest: Partial<Answer> = {}): void => resolve({ code, headers: {}, sha256: '', bytes: 0, ...rest, ms: Math.round(performance.now() - beganMs) });
  const sent = request(url, { headers, agent: false, signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), leave]) });
  const codeOf = (error: Error & { code?: string }): string => (error.name === 'AbortError' ? (leave.aborted ? 'left' : 'timeout') : error.code ?? error.message);
  sent.once('error', (error) => end(codeOf(error)));
  sent.once('response', (response) => {
    const hash = createHash('sha256');
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      bytes += chunk.length;
    });
    response.on('error', () => undefined);
    response.once('close', () => end(response.complete ? String(response.statusCode) : 'cut', { headers: response.headers, sha256: hash.digest('hex'), bytes }));
  });
  sent.end();
  return await promise;
}

if (import.meta.main) {
  const { asks, timeoutMs, leaveMs } = JSON.parse(process.argv[2] ?? '{}') as Crowd;
  const leaving = new AbortController();
  const timer = leaveMs === undefined ? undefined : setTimeout(() => leaving.abort(), leaveMs);
  const answers = await Promise.all(asks.map((one) => ask(one, { timeoutMs, leave: leaving.signal })));
  clearTimeout(timer);
  process.stdout.write(JSON.stringify(answers));
}

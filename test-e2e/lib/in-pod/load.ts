// Runs in a client pod: requests at a constant rate whatever the answers do, so that a pause shows up as lost requests
// and not as a slower client.

import { Agent, request } from 'node:http';

export interface Load {
  /** Asked in turn. */
  readonly urls: readonly string[];
  readonly rps: number;
  readonly durationMs: number;
  /** Of one request; a late one is `timeout`. */
  readonly timeoutMs?: number;
  readonly keepAlive?: boolean;
  /** That many addresses in turn in X-Forwarded-For. */
  readonly clients?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LoadResult {
  readonly ok: number;
  readonly failed: number;
  /** Status or error, to how often; `reused:` before an error on a connection that had served another request. */
  readonly codes: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const isOk = (code: string): boolean => /^[23]\d\d$/.test(code);

export async function load(order: Load): Promise<LoadResult> {
  const { urls, rps, durationMs, keepAlive = false } = order;
  const agent = keepAlive ? new Agent({ keepAlive: true, maxSockets: 64 }) : new Agent({ keepAlive: false, maxSockets: Infinity });
  const total = Math.max(1, Math.round((rps * durationMs) / 1_000));
  const codes: Record<string, number> = {};
  const took: number[] = [];
  const running: Promise<void>[] = [];
  const beganMs = performance.now();
  for (let index = 0; index < total; index += 1) {
    const dueMs = beganMs + (index * 1_000) / rps;
    const waitMs = dueMs - performance.now();
    if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
    running.push(one(order, urls[index % urls.length] ?? '', { agent, index }).then(({ code, ms }) => {
      codes[code] = (codes[code] ?? 0) + 1;
      took.push(ms);
    }));
  }
  await Promise.all(running);
  agent.destroy();
  const ok = Object.entries(codes).reduce((sum, [code, count]) => (isOk(code) ? sum + count : sum), 0);
  const sorted = took.toSorted((a, b) => a - b);
  const at = (part: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0);
  return { ok, failed: total - ok, codes, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

async function one(order: Load, url: string, { agent, index }: { readonly agent: Agent; readonly index: number }): Promise<{ readonly code: string; readonly ms: number }> {
  const beganMs = performance.now();
  const address = order.clients === undefined ? {} : { 'x-forwarded-for': `198.18.${Math.floor((index % order.clients) / 250)}.${(index % order.clients) % 250 + 1}` };
  const code = await new Promise<string>((resolve) => {
    const sent = request(url, { agent, headers: { ...order.headers, ...address }, signal: AbortSignal.timeout(order.timeoutMs ?? 10_000) });
    sent.once('error', (error: Error & { code?: string }) => {
      const name = error.name === 'AbortError' ? 'timeout' : error.code ?? error.message;
      resolve(sent.reusedSocket ? `reused:${name}` : name);
    });
    sent.once('response', (response) => {
      response.on('error', () => undefined).resume();
      response.once('close', () => resolve(response.complete ? String(response.statusCode) : 'cut'));
    });
    sent.end();
  });
  return { code, ms: performance.now() - beganMs };
}

if (import.meta.main) process.stdout.write(JSON.stringify(await load(JSON.parse(process.argv[2] ?? '{}') as Load)));

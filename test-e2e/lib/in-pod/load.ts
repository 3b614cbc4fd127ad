// Runs in a client pod: requests at a constant rate whatever the answers do, so that a pause shows up as lost requests
// and not as a slower client. SIGUSR2 ends it before its time; what runs then is waited for.

import { createHash, randomBytes } from 'node:crypto';
import { Agent, type IncomingMessage, request } from 'node:http';

export interface Load {
  /** Asked in turn; `{n}` becomes a number that no other request has. */
  readonly urls: readonly string[];
  readonly rps: number;
  /** At most. */
  readonly durationMs: number;
  /** Of one request; a late one is `timeout`. */
  readonly timeoutMs?: number;
  readonly keepAlive?: boolean;
  /** That many addresses in turn in X-Forwarded-For. */
  readonly clients?: number;
  /** What every 200 must hold; another one is `false`. */
  readonly sha256?: string;
}

/** Several at once, in one process: each process of its own is 80 MiB. */
export interface Loads {
  /** To be found by, for who ends them. */
  readonly id: string;
  readonly loads: readonly Load[];
}

export interface LoadResult {
  readonly ok: number;
  readonly failed: number;
  /** Status or error, to how often; `reused:` before an error on a connection that had served another request. */
  readonly codes: Readonly<Record<string, number>>;
  readonly maxMs: number;
  /** The first few. */
  readonly failures: readonly Failure[];
}

export interface Failure {
  readonly code: string;
  /** From the start of the load until the request was sent. */
  readonly atMs: number;
  readonly ms: number;
  readonly url: string;
  /** Of an answer of Sekisho: its code, and the id to find it by in the log. */
  readonly answer?: string;
}

interface End {
  readonly code: string;
  readonly answer?: string;
}

const FAILURES_SHOWN_MAX = 10;
const isOk = (code: string): boolean => /^[23]\d\d$/.test(code);
const stop = new AbortController();

export async function load(order: Load): Promise<LoadResult> {
  const { urls, rps, durationMs, keepAlive = false } = order;
  const agent = keepAlive ? new Agent({ keepAlive: true, maxSockets: 64 }) : new Agent({ keepAlive: false, maxSockets: Infinity });
  const total = Math.max(1, Math.round((rps * durationMs) / 1_000));
  const mark = randomBytes(6).toString('hex');
  const codes: Record<string, number> = {};
  let maxMs = 0;
  const failures: Failure[] = [];
  const running: Promise<void>[] = [];
  const beganMs = performance.now();
  for (let index = 0; index < total && !stop.signal.aborted; index += 1) {
    await pause(beganMs + (index * 1_000) / rps - performance.now());
    const sentMs = performance.now();
    const url = (urls[index % urls.length] ?? '').replaceAll('{n}', `${mark}${index}`);
    running.push(one(order, url, { agent, index }).then(({ code, answer }) => {
      const ms = performance.now() - sentMs;
      codes[code] = (codes[code] ?? 0) + 1;
      maxMs = Math.max(maxMs, ms);
      if (isOk(code) || failures.length >= FAILURES_SHOWN_MAX) return;
      failures.push({ code, atMs: Math.round(sentMs - beganMs), ms: Math.round(ms), url, ...(answer === undefined ? {} : { answer }) });
    }));
  }
  await Promise.all(running);
  agent.destroy();
  const ok = Object.entries(codes).reduce((sum, [code, count]) => (isOk(code) ? sum + count : sum), 0);
  return { ok, failed: running.length - ok, codes, maxMs: Math.round(maxMs), failures };
}

async function pause(waitMs: number): Promise<void> {
  if (waitMs <= 1) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stop.signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, waitMs);
    stop.signal.addEventListener('abort', end);
  });
}

async function one(order: Load, url: string, { agent, index }: { readonly agent: Agent; readonly index: number }): Promise<End> {
  const address = order.clients === undefined ? {} : { 'x-forwarded-for': `198.18.${Math.floor((index % order.clients) / 250)}.${(index % order.clients) % 250 + 1}` };
  const deadline = AbortSignal.timeout(order.timeoutMs ?? 10_000);
  return await new Promise<End>((resolve) => {
    const sent = request(url, { agent, headers: address, signal: deadline });
    sent.once('error', (error: Error & { code?: string }) => {
      const name = error.name === 'AbortError' ? 'timeout' : error.code ?? error.message;
      resolve({ code: sent.reusedSocket ? `reused:${name}` : name });
    });
    sent.once('response', (response) => void judge(order, response).then(({ code, answer }) => resolve({ code: code === 'cut' && deadline.aborted ? 'timeout' : code, answer })));
    sent.end();
  });
}

async function judge({ sha256 }: Load, response: IncomingMessage): Promise<Required<End>> {
  const { statusCode, headers } = response;
  const hash = createHash('sha256');
  response.on('error', () => undefined).on('data', (chunk: Buffer) => void (sha256 === undefined || hash.update(chunk)));
  await new Promise((resolve) => response.once('close', resolve));
  const answer = `${String(headers['sekisho-code'] ?? '')} ${String(headers['x-request-id'] ?? '')}`;
  if (!response.complete) return { code: 'cut', answer };
  const isFalse = statusCode === 200 && sha256 !== undefined && hash.digest('hex') !== sha256;
  return { code: isFalse ? 'false' : String(statusCode), answer };
}

if (import.meta.main) {
  process.once('SIGUSR2', () => stop.abort());
  const order = JSON.parse(process.argv[2] ?? '{}') as Load | Loads;
  process.stdout.write(JSON.stringify('loads' in order ? await Promise.all(order.loads.map(load)) : await load(order)));
}

// A client of the gateway that shows everything of an answer: raw headers, early ends, and many addresses from one machine.

import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';

const ANSWER_MS = 70_000;
// No keep-alive: each request stands alone, and nothing stays open behind a test.
const agent = new Agent({ keepAlive: false, maxSockets: Infinity });

export interface Asking {
  readonly method?: string;
  /** Address the gateway sees, by X-Forwarded-For. */
  readonly client?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
  /** Aborts the request. */
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** False: the connection broke before the end of the body. */
  readonly complete: boolean;
  /** Milliseconds until the last byte. */
  readonly ms: number;
}

/** Sends one request; rejects when no answer comes at all. */
export async function ask(url: string, asking: Asking = {}): Promise<Answer> {
  const began = performance.now();
  const response = await open(url, asking);
  const chunks: Buffer[] = [];
  let complete = true;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    complete = false;
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    body: Buffer.concat(chunks),
    complete: complete && response.complete,
    ms: performance.now() - began,
  };
}

/** The answer's head; the body is not read yet. */
export async function open(url: string, asking: Asking = {}): Promise<IncomingMessage> {
  const { client, body, signal, method = 'GET' } = asking;
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(asking.headers ?? {})) headers[name] = typeof value === 'string' ? value : [...value];
  if (client !== undefined) headers['x-forwarded-for'] = client;
  return await new Promise((resolve, reject) => {
    const sent = request(url, { agent, method, headers, ...(signal === undefined ? {} : { signal }) }, resolve);
    sent.setTimeout(asking.timeoutMs ?? ANSWER_MS, () => sent.destroy(new Error(`no answer within the time: ${url}`)));
    sent.once('error', reject);
    sent.end(body);
  });
}

// Requests of many clients: each address gets a /24 of its own, so that neither a client's nor a network's budget is met.

import { Agent, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly bytes: number;
  readonly ms: number;
  readonly cache: string | undefined;
  readonly code: string | undefined;
}

const DEADLINE_MS = 60_000;

/** An address of the n-th client; believed because the bench is a trusted proxy. */
export const clientAddress = (at: number): string => `20.${(at >> 8) & 0xff}.${at & 0xff}.7`;
export const clientAddresses = (count: number, from = 0): string[] => Array.from({ length: count }, (_, at) => clientAddress(from + at));

const agent = new Agent({ keepAlive: true, maxSockets: 512 });

/** GET; rejects when the connection breaks or no answer is complete within a minute. */
export async function get(url: string, client: string): Promise<Answer> {
  const startedMs = performance.now();
  return await new Promise((resolve, reject) => {
    const req = request(url, { agent, headers: { 'x-forwarded-for': client }, signal: AbortSignal.timeout(DEADLINE_MS) }, (res) => {
      let bytes = 0;
      res.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      res.on('error', reject);
      res.on('end', () => {
        const header = (name: string): string | undefined => [res.headers[name]].flat()[0];
        resolve({ status: res.statusCode ?? 0, bytes, ms: performance.now() - startedMs, cache: header('sekisho-cache'), code: header('sekisho-code') });
      });
    });
    req.on('error', reject);
    req.end();
  });
}

/** Path of a picture through the media route. */
export const mediaPath = (target: string, mode: string): string => `/proxy/image.webp?url=${encodeURIComponent(target)}&${mode}=1`;

/** Runs `work` over all items, `width` at a time; results in the order of their ends. */
export async function inParallel<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const left = items.values();
  const out: R[] = [];
  const lane = async (): Promise<void> => {
    for (const item of left) out.push(await work(item));
  };
  await Promise.all(Array.from({ length: width }, lane));
  return out;
}

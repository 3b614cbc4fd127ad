// Deliveries through a gateway, each from a client of its own, and what of them reached the stub Misskey.

import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { type ExactRequest, type StubJob, type StubRequest, type WireAnswer, sendExact, testKey } from '@sekisho/testkit';
import type { Fixture } from '../fixture.ts';

/** Misskey's own library: what its worker calls on the signature that it finds in the queue. */
const library = createRequire(import.meta.url)('@peertube/http-signature') as { verifySignature(parsed: StubJob['signature'], pem: string): boolean };

let clients = 0;

/** An address in a network of its own, so that no budget is met. */
export function nextClient(): string {
  clients += 1;
  return `20.${(clients >> 8) & 0xff}.${clients & 0xff}.7`;
}

export async function post({ stack }: Fixture, request: ExactRequest, client = nextClient()): Promise<WireAnswer> {
  const port = stack.ports.gateways[0] ?? 0;
  return await sendExact(request, { port, first: [['X-Forwarded-For', client]], timeoutMs: 15_000 });
}

export const signatureOf = ({ headers }: Pick<ExactRequest, 'headers'>): string => headers.find(([name]) => name.toLowerCase() === 'signature')?.[1] ?? '';

/** The request at the stub that bears this signature. */
export function arrivalOf({ misskey }: Fixture, request: ExactRequest): StubRequest | undefined {
  const signature = signatureOf(request);
  return misskey.requests.find(({ rawHeaders }) => rawHeaders.includes(signature));
}

/** What differs between what was sent and what Misskey got; undefined when nothing does. */
export function differenceOf(fixture: Fixture, request: ExactRequest): string | undefined {
  const arrived = arrivalOf(fixture, request);
  if (arrived === undefined) return 'it did not arrive';
  if (arrived.method !== request.method || arrived.url !== request.target) return `it arrived as ${arrived.method} ${arrived.url}`;
  if (arrived.bodyHash !== createHash('sha256').update(request.body).digest('hex')) return 'its body differs';
  for (const [name, value] of request.headers) {
    const values = arrived.rawHeaders.flatMap((own, at) => (at % 2 === 0 && own.toLowerCase() === name.toLowerCase() ? [arrived.rawHeaders[at + 1]] : []));
    if (values.length !== 1 || values[0] !== value) return `${name} arrived as ${JSON.stringify(values)}`;
  }
  const job = fixture.misskey.jobs.find(({ signature }) => signatureOf(request).includes(String(signature.params['signature'])));
  if (job === undefined) return 'Misskey did not take it';
  return library.verifySignature(job.signature, testKey().pem) ? undefined : "Misskey's worker would refuse the signature";
}

/** Runs over all items, some at a time. */
export async function inLanes<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const lane = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

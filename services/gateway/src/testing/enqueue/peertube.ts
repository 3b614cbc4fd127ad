// The signature library of Misskey, which has no types of its own.

import { createRequire } from 'node:module';
import type { ExactRequest } from '@sekisho/testkit';
import type { JobSignature } from '../../inbox/enqueue/job.ts';

interface Peertube {
  readonly parseRequest: (request: object, options: object) => JobSignature;
  readonly verifySignature: (signature: unknown, pem: string) => boolean;
}

const peertube = createRequire(import.meta.url)('@peertube/http-signature') as Peertube;

/** As Misskey's worker calls it, with what it gets from Redis. */
export const verifyAsWorker = (signature: unknown, pem: string): boolean => peertube.verifySignature(signature, pem);

/** As Misskey's HTTP layer does; what it would put into the queue. */
export function parseAsMisskey({ method, target, headers }: ExactRequest): unknown {
  const request = { method, url: target, httpVersion: '1.1', headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])) };
  const parsed = peertube.parseRequest(request, { headers: ['(request-target)', 'host', 'date'], authorizationHeaderName: 'signature' });
  return JSON.parse(JSON.stringify(parsed));
}

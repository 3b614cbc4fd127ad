// The one way of these scripts to the API server: one request per connection, the mounted authority only, a deadline and
// a size for every answer.

import { request } from 'node:https';

const ANSWER_MS = 5_000;
const ANSWER_BYTES_MAX = 1024 * 1024;

export interface KubeAccess {
  /** Name or address, an IPv6 address with or without brackets. */
  readonly host: string;
  readonly port: number;
  readonly token: string;
  /** PEM. */
  readonly ca: string;
}

export interface KubeAsking {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly body?: unknown;
}

export interface KubeAnswer {
  readonly status: number;
  /** Parsed JSON; undefined when the answer is something else. */
  readonly body: unknown;
}

/** @throws for everything but a complete answer, whatever its status. */
export async function askKube(access: KubeAccess, asking: KubeAsking): Promise<KubeAnswer> {
  const text = asking.body === undefined ? undefined : JSON.stringify(asking.body);
  return await new Promise((resolve, reject) => {
    const sent = request({
      // Node puts the brackets into the Host header itself, and takes the bare address for the certificate.
      host: access.host.replace(/^\[(.*)\]$/, '$1'),
      port: access.port,
      method: asking.method,
      path: asking.path,
      ca: access.ca,
      agent: false,
      signal: AbortSignal.timeout(ANSWER_MS),
      headers: {
        authorization: `Bearer ${access.token}`,
        accept: 'application/json',
        ...(text === undefined ? {} : { 'content-type': contentType(asking.method), 'content-length': Buffer.byteLength(text) }),
      },
    });
    sent.once('error', reject);
    sent.once('response', (response) => {
      readBody(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    sent.end(text);
  });
}

const contentType = (method: KubeAsking['method']): string =>
  method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';

async function readBody(response: AsyncIterable<Buffer>): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`an answer of more than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
  } catch {
    return undefined;
  }
}

// Requests of the test pods to a gateway, as a browser behind the ingress would send them.

import { request } from 'node:http';

const ANSWER_MS = 30_000;
const BODY_BYTES_MAX = 1024 * 1024;

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** URL of the instance, for Host and Referer. */
  readonly publicUrl: string;
}

export interface Answer {
  readonly status: number;
  /** Sekisho-Code, if there is one. */
  readonly code: string | undefined;
}

/** @throws when no whole answer comes within 30 s, or when the signal ends the wait. */
export async function ask(target: Target, signal?: AbortSignal): Promise<Answer> {
  const deadline = AbortSignal.timeout(ANSWER_MS);
  return await new Promise((resolve, reject) => {
    const sent = request({
      host: target.host, port: target.port, path: target.path,
      // Each request is a connection of its own, so that hundreds can be open at once.
      agent: false,
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      headers: { host: new URL(target.publicUrl).host, referer: target.publicUrl, 'user-agent': 'sekisho-helm-test' },
    });
    sent.once('error', reject);
    sent.once('response', (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > BODY_BYTES_MAX) response.destroy(new Error('an answer of more than 1 MiB'));
      });
      response.once('error', reject);
      response.once('end', () => {
        const code = response.headers['sekisho-code'];
        resolve({ status: response.statusCode ?? 0, code: typeof code === 'string' ? code : undefined });
      });
    });
    sent.end();
  });
}

/** Path of a picture in the mode that costs most at once. */
export const picturePath = (url: string): string => `/proxy/image.webp?url=${encodeURIComponent(url)}&emoji=1`;

export const words = ({ status, code }: Answer): string => `${status}${code === undefined ? '' : ` ${code}`}`;

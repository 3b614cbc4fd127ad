// Runs in a client pod: HTTP requests side by side, described by the first argument as a JSON list, the answers on stdout
// as another.

import { createHash } from 'node:crypto';
import { type IncomingHttpHeaders, request } from 'node:http';

export interface Question {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface Reply {
  /** 0: no answer came. */
  readonly status: number;
  /** System error code, or `timeout`; empty when there was an answer. */
  readonly error: string;
  readonly headers: IncomingHttpHeaders;
  /** Base64; empty when it is larger than 1 MiB. */
  readonly body: string;
  readonly bytes: number;
  readonly sha256: string;
  /** False: the connection broke off before the end of the body. */
  readonly isComplete: boolean;
  readonly ms: number;
}

const BODY_BYTES_SHOWN_MAX = 1024 * 1024;

export async function ask(question: Question): Promise<Reply> {
  const { url, headers = {}, timeoutMs = 20_000 } = question;
  const beganMs = performance.now();
  const ms = (): number => Math.round(performance.now() - beganMs);
  return await new Promise((resolve) => {
    const sent = request(url, { headers, agent: false, signal: AbortSignal.timeout(timeoutMs) });
    sent.once('error', (error: Error & { code?: string }) => {
      const name = error.name === 'AbortError' ? 'timeout' : error.code ?? error.message;
      resolve({ status: 0, error: name, headers: {}, body: '', bytes: 0, sha256: '', isComplete: false, ms: ms() });
    });
    sent.once('response', (response) => {
      const hash = createHash('sha256');
      const shown: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        hash.update(chunk);
        bytes += chunk.length;
        if (bytes <= BODY_BYTES_SHOWN_MAX) shown.push(chunk);
      });
      response.on('error', () => undefined);
      response.once('close', () => {
        const isShown = bytes <= BODY_BYTES_SHOWN_MAX;
        resolve({
          status: response.statusCode ?? 0, error: '', headers: response.headers, body: isShown ? Buffer.concat(shown).toString('base64') : '',
          bytes, sha256: hash.digest('hex'), isComplete: response.complete, ms: ms(),
        });
      });
    });
    sent.end();
  });
}

if (import.meta.main) {
  const questions = JSON.parse(process.argv[2] ?? '[]') as Question[];
  process.stdout.write(JSON.stringify(await Promise.all(questions.map(ask))));
}

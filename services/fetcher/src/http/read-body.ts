import type { IncomingMessage } from 'node:http';

/** The whole body as text; undefined when it is too large, too slow or broken off. */
export function readBody(request: IncomingMessage, bytesMax: number, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    const end = (text: string | undefined): void => {
      clearTimeout(timer);
      resolve(text);
    };
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > bytesMax) end(undefined);
      else chunks.push(chunk);
    });
    request.once('end', () => end(Buffer.concat(chunks).toString('utf8')));
    request.once('error', () => end(undefined));
    request.once('close', () => end(undefined));
  });
}

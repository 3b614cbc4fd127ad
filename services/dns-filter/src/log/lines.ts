// A stream as lines. A line that is too long is cut, so that no child can fill the memory.

import type { Readable } from 'node:stream';

export const LINE_BYTES_MAX = 2_048;

export function splitLines(stream: Readable, onLine: (line: string) => void): void {
  let kept = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const [first = '', ...rest] = chunk.split('\n');
    kept = (kept + first.slice(0, LINE_BYTES_MAX)).slice(0, LINE_BYTES_MAX);
    for (const next of rest) {
      if (kept !== '') onLine(kept);
      kept = next.slice(0, LINE_BYTES_MAX);
    }
  });
  stream.on('end', () => {
    if (kept !== '') onLine(kept);
    kept = '';
  });
  stream.on('error', () => undefined);
}

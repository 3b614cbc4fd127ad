// The body of a stream outcome, held to what the outcome says: too long or too short ends in an error, never in silence,
// so that the client's connection is reset instead of a cut file passing for a whole one.

import { type Readable, Transform } from 'node:stream';
import { SekishoError } from '@sekisho/contracts';

export interface BodyBounds {
  /** Exact length, where known. */
  readonly length: number | undefined;
  readonly bytesMax: number;
}

/** `source` with its bytes counted; destroying either side destroys the other. */
export function boundBody(source: Readable, bounds: BodyBounds): Readable {
  const bytesMax = Math.min(bounds.length ?? bounds.bytesMax, bounds.bytesMax);
  let bytes = 0;
  const bounded = new Transform({
    highWaterMark: 64 * 1024,
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > bytesMax) done(new SekishoError('SEKISHO_UPSTREAM_TOO_LARGE', { detail: `body above ${bytesMax} bytes` }));
      else done(null, chunk);
    },
    flush(done) {
      const isShort = bounds.length !== undefined && bytes < bounds.length;
      done(isShort ? new SekishoError('SEKISHO_UPSTREAM_FAULT', { detail: `body ended at ${bytes} bytes` }) : null);
    },
    destroy(error, done) {
      source.destroy();
      done(error);
    },
  });
  // Whoever reads hears of it too; but a body that breaks before anybody reads must not end the process.
  bounded.on('error', () => undefined);
  source.on('error', (error: Error) => bounded.destroy(error));
  source.pipe(bounded);
  return bounded;
}

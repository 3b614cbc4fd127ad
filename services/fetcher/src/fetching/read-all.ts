// A whole body in memory, under the limit of its class and that of all bodies together.

import type { Readable } from 'node:stream';
import { SekishoError } from '@sekisho/contracts';
import type { MemoryBudget } from '../store/memory-budget.ts';
import { type Head, toBodyFault } from './body.ts';

const RETRY_AFTER_S = 5;

export interface WholeBody {
  /** First bytes, already read from `body`. */
  readonly head: Head;
  readonly body: Readable;
  readonly bytesMax: number;
}

/** @param held counts what was taken from `memory`: give it back in every case. @throws SekishoError */
export async function readAll(source: WholeBody, memory: MemoryBudget, held: { bytes: number }): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const add = (chunk: Buffer): void => {
    if (held.bytes + chunk.length > source.bytesMax) throw new SekishoError('SEKISHO_UPSTREAM_TOO_LARGE', { detail: `above ${source.bytesMax} bytes` });
    if (!memory.take(chunk.length)) throw new SekishoError('SEKISHO_LIMIT_BYTES', { detail: 'memory for bodies is full', retryAfterS: RETRY_AFTER_S });
    held.bytes += chunk.length;
    chunks.push(chunk);
  };
  add(source.head.bytes);
  if (!source.head.ended) {
    try {
      for await (const chunk of source.body) add(chunk);
    } catch (error) {
      throw toBodyFault(error);
    }
  }
  return Buffer.concat(chunks);
}

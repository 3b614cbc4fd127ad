// The first bytes of a body, and the body with them still in front.

import { Readable } from 'node:stream';

export interface Opened {
  readonly prefix: Buffer;
  /** The whole body was in the prefix. */
  readonly isAll: boolean;
  /** The whole body again; must be read or destroyed. */
  readonly body: Readable;
}

/** Reads until `bytes` are there or the body ends. @throws what the body throws. */
export async function openBody(source: Readable, bytes: number): Promise<Opened> {
  const iterator: AsyncIterator<Buffer> = source[Symbol.asyncIterator]();
  const chunks: Buffer[] = [];
  let got = 0;
  let isAll = false;
  while (got < bytes && !isAll) {
    const next = await iterator.next();
    if (next.done === true) isAll = true;
    else {
      chunks.push(next.value);
      got += next.value.length;
    }
  }
  const body = Readable.from(joined(chunks, isAll ? undefined : iterator), { objectMode: false, highWaterMark: 64 * 1024 });
  body.once('close', () => source.destroy());
  return { prefix: Buffer.concat(chunks), isAll, body };
}

async function* joined(chunks: Buffer[], rest: AsyncIterator<Buffer> | undefined): AsyncGenerator<Buffer> {
  for (const chunk of chunks.splice(0)) if (chunk.length > 0) yield chunk;
  if (rest === undefined) return;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

/** All of a body, or undefined when it is longer. @throws what the body throws. */
export async function collect(body: Readable, bytesMax: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let got = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    got += chunk.length;
    if (got > bytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, got);
}

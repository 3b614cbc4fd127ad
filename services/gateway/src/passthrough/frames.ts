// Where frames end in a stream of WebSocket bytes (RFC 6455 5.2). A tunnel passes bytes without looking, but a close
// frame of our own may only stand between two frames of Misskey's. Pure.

/** First two bytes, 64 bits of length, mask. */
const HEADER_BYTES_MAX = 14;

export class FrameBounds {
  #header = Buffer.alloc(HEADER_BYTES_MAX);
  #headerBytes = 0;
  #payloadLeft = 0;

  /** All bytes so far are whole frames. */
  get atBoundary(): boolean {
    return this.#headerBytes === 0 && this.#payloadLeft === 0;
  }

  /** Takes the next bytes; the offset behind the last frame that ends in them, 0 when none does. */
  push(chunk: Uint8Array): number {
    let boundary = 0;
    let at = 0;
    while (at < chunk.length) {
      at = this.#payloadLeft > 0 ? this.#skip(chunk, at) : this.#readHeader(chunk, at);
      if (this.atBoundary) boundary = at;
    }
    return boundary;
  }

  #skip(chunk: Uint8Array, at: number): number {
    const bytes = Math.min(this.#payloadLeft, chunk.length - at);
    this.#payloadLeft -= bytes;
    return at + bytes;
  }

  #readHeader(chunk: Uint8Array, at: number): number {
    this.#header[this.#headerBytes] = chunk[at] ?? 0;
    this.#headerBytes += 1;
    if (this.#headerBytes >= 2 && this.#headerBytes === headerBytes(this.#header)) {
      this.#payloadLeft = payloadBytes(this.#header);
      this.#headerBytes = 0;
    }
    return at + 1;
  }
}

function headerBytes(header: Buffer): number {
  const second = header.readUInt8(1);
  const short = second & 0x7f;
  const extra = short === 127 ? 8 : short === 126 ? 2 : 0;
  return 2 + extra + ((second & 0x80) === 0 ? 0 : 4);
}

function payloadBytes(header: Buffer): number {
  const short = header.readUInt8(1) & 0x7f;
  if (short === 127) return Number(header.readBigUInt64BE(2));
  return short === 126 ? header.readUInt16BE(2) : short;
}

/** An unmasked close frame with code 1012, "service restart": clients of Misskey connect again by themselves. */
export const CLOSE_RESTART = Buffer.from([0x88, 0x02, 0x03, 0xf4]);

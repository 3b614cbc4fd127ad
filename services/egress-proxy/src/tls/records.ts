// The record layer before encryption (RFC 8446 section 5.1): bytes come in whatever pieces the network makes, records go
// out. Time is linear in the bytes, memory bounded by the cap and one segment.

export const HANDSHAKE = 22;
export const ALERT = 21;
export const CHANGE_CIPHER_SPEC = 20;

const HEADER_BYTES = 5;
const FRAGMENT_BYTES_MAX = 16_384;
const KNOWN_TYPES: ReadonlySet<number> = new Set([CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, 23]);

export interface TlsRecord {
  readonly type: number;
  readonly fragment: Buffer;
}

export interface RecordReader {
  push(chunk: Buffer): void;
  /** The next whole record; `more` when bytes are missing; `bad` as soon as they cannot become one. */
  next(): TlsRecord | 'more' | 'bad';
  /** Bytes not yet forwarded that belong to records already read; they count as forwarded then. */
  takeRead(): Buffer;
  /** All bytes not yet forwarded, those of unfinished records too. */
  takeAll(): Buffer;
  /** Bytes of records read, forwarded or not. */
  readonly readBytes: number;
  /** Bytes held. */
  readonly held: number;
}

export function createRecordReader(): RecordReader {
  let buffer = Buffer.alloc(0);
  let used = 0;
  let at = 0;
  let readBytes = 0;
  const header = (): number => Math.min(HEADER_BYTES, used - at);
  return {
    get held() {
      return used;
    },
    get readBytes() {
      return readBytes;
    },
    push: (chunk) => {
      if (used + chunk.length > buffer.length) {
        // Doubling: a client that sends single bytes must not cost a copy of everything for each.
        const grown = Buffer.allocUnsafe(Math.max(2 * buffer.length, used + chunk.length));
        buffer.copy(grown, 0, 0, used);
        buffer = grown;
      }
      chunk.copy(buffer, used);
      used += chunk.length;
    },
    next: () => {
      if (!isHeaderStart(buffer, at, header())) return 'bad';
      if (header() < HEADER_BYTES) return 'more';
      const end = at + HEADER_BYTES + buffer.readUInt16BE(at + 3);
      if (end > used) return 'more';
      const record = { type: buffer.readUInt8(at), fragment: buffer.subarray(at + HEADER_BYTES, end) };
      readBytes += end - at;
      at = end;
      return record;
    },
    takeRead: () => {
      const bytes = Buffer.from(buffer.subarray(0, at));
      buffer = Buffer.from(buffer.subarray(at, used));
      used = buffer.length;
      at = 0;
      return bytes;
    },
    takeAll: () => {
      const bytes = buffer.subarray(0, used);
      buffer = Buffer.alloc(0);
      used = 0;
      at = 0;
      return bytes;
    },
  };
}

/** As much of a header as there is: other protocols are known by their first byte. */
function isHeaderStart(buffer: Buffer, at: number, length: number): boolean {
  if (length >= 1 && !KNOWN_TYPES.has(buffer.readUInt8(at))) return false;
  if (length >= 2 && buffer.readUInt8(at + 1) !== 3) return false;
  if (length < HEADER_BYTES) return true;
  const bytes = buffer.readUInt16BE(at + 3);
  // Empty fragments are allowed for application data only, and would let a peer send records without end.
  return bytes > 0 && bytes <= FRAGMENT_BYTES_MAX;
}

// One end of a TLS handshake up to its hello: records and segments joined to the one message that is expected, and
// everything else that may stand before it. Pure and incremental: bytes in, steps out.

import { ALERT, CHANGE_CIPHER_SPEC, createRecordReader, HANDSHAKE, type TlsRecord } from './records.ts';

/** Of records and message alike. Real hellos take 0.2 to 2 KiB. */
export const HELLO_BYTES_MAX = 32 * 1024;

const MESSAGE_HEADER_BYTES = 4;
const ALERT_BYTES = 2;
const FATAL = 2;
const CLOSE_NOTIFY = 0;

export type HelloStep =
  | { readonly kind: 'more' }
  /** The body of the expected message. `alone`: nothing of another message is in its last record. */
  | { readonly kind: 'message'; readonly body: Buffer; readonly alone: boolean }
  /** The end gave up: its alert is the last word. */
  | { readonly kind: 'alert' }
  /** `foreign`: not even the first record is one of a handshake. */
  | { readonly kind: 'bad'; readonly foreign: boolean; readonly detail: string };

export interface HelloReader {
  push(chunk: Buffer): void;
  next(): HelloStep;
  /** From now on another hello is awaited, and the dummy change_cipher_spec of RFC 8446 appendix D.4 may come first. */
  retry(): void;
  /** The bytes of the records read so far, to be forwarded; each byte once. */
  takeRead(): Buffer;
  /** The same and what lies behind them. */
  takeAll(): Buffer;
}

export interface HelloReaderOptions {
  /** Handshake type: 1 ClientHello, 2 ServerHello. */
  readonly expect: 1 | 2;
  readonly bytesMax?: number;
}

export function createHelloReader({ expect, bytesMax = HELLO_BYTES_MAX }: HelloReaderOptions): HelloReader {
  const records = createRecordReader();
  let message = createMessage(expect, bytesMax);
  let retried = false;
  let dummies = 0;
  const bad = (detail: string, foreign = false): HelloStep => ({ kind: 'bad', foreign, detail });
  const take = (record: TlsRecord, isFirst: boolean): HelloStep | undefined => {
    if (record.type === HANDSHAKE) return message.add(record.fragment);
    if (!message.empty) return bad('another record inside the hello');
    // A client that has said nothing yet has nothing to be alarmed about.
    if (record.type === ALERT && (expect === 2 || retried)) return readAlert(record.fragment);
    if (record.type === CHANGE_CIPHER_SPEC && retried && dummies === 0 && record.fragment.equals(Buffer.of(1))) {
      dummies += 1;
      return undefined;
    }
    return bad(`a record of type ${record.type} before the hello`, isFirst);
  };
  return {
    push: (chunk) => records.push(chunk),
    next: () => {
      // Each turn consumes a record of at least six bytes.
      while (records.readBytes <= 2 * bytesMax) {
        const isFirst = records.readBytes === 0;
        const record = records.next();
        if (record === 'bad') return bad('no TLS record', isFirst);
        if (record === 'more') return records.held > bytesMax ? bad('larger than the limit') : { kind: 'more' };
        const step = take(record, isFirst);
        if (step !== undefined) return step;
      }
      return bad('larger than the limit');
    },
    retry: () => {
      retried = true;
      message = createMessage(expect, bytesMax);
    },
    takeRead: () => records.takeRead(),
    takeAll: () => records.takeAll(),
  };
}

/** Warnings may stand before a hello (unrecognized_name of older servers); the end closes after anything else. */
function readAlert(fragment: Buffer): HelloStep | undefined {
  if (fragment.length !== ALERT_BYTES) return { kind: 'bad', foreign: false, detail: 'no alert' };
  return fragment[0] === FATAL || fragment[1] === CLOSE_NOTIFY ? { kind: 'alert' } : undefined;
}

interface Message {
  readonly empty: boolean;
  add(fragment: Buffer): HelloStep | undefined;
}

/** One handshake message over any number of fragments. */
function createMessage(expect: number, bytesMax: number): Message {
  const parts: Buffer[] = [];
  const head: number[] = [];
  let bytes = 0;
  const bad = (detail: string): HelloStep => ({ kind: 'bad', foreign: false, detail });
  return {
    get empty() {
      return bytes === 0;
    },
    add: (fragment) => {
      parts.push(fragment);
      bytes += fragment.length;
      head.push(...fragment.subarray(0, MESSAGE_HEADER_BYTES - head.length));
      if (head[0] !== expect) return bad(`a handshake message of type ${head[0]}`);
      if (head.length < MESSAGE_HEADER_BYTES) return undefined;
      const end = MESSAGE_HEADER_BYTES + (((head[1] ?? 0) << 16) | ((head[2] ?? 0) << 8) | (head[3] ?? 0));
      if (end > bytesMax) return bad('larger than the limit');
      if (bytes < end) return undefined;
      return { kind: 'message', body: Buffer.concat(parts, bytes).subarray(MESSAGE_HEADER_BYTES, end), alone: bytes === end };
    },
  };
}

// Reads big-endian fields of a TLS message. A field that is cut short ends the parse by an exception of its own, which
// `parseWith` alone catches: parsers stay straight lines and never read past the end.

export class ShortMessage extends Error {
  override readonly name = 'ShortMessage';
}

export interface Cursor {
  readonly left: number;
  u8(): number;
  u16(): number;
  bytes(length: number): Buffer;
  /** A cursor over a field with its length in front. */
  field8(): Cursor;
  field16(): Cursor;
}

export function cursorOf(message: Buffer): Cursor {
  let at = 0;
  const take = (length: number): number => {
    if (at + length > message.length) throw new ShortMessage('a field ends after its message');
    at += length;
    return at - length;
  };
  const bytes = (length: number): Buffer => {
    const start = take(length);
    return message.subarray(start, start + length);
  };
  const u8 = (): number => message.readUInt8(take(1));
  const u16 = (): number => message.readUInt16BE(take(2));
  return {
    get left() {
      return message.length - at;
    },
    u8,
    u16,
    bytes,
    field8: () => cursorOf(bytes(u8())),
    field16: () => cursorOf(bytes(u16())),
  };
}

/** The parsed message, or the reason why it is none. */
export function parseWith<T>(message: Buffer, parse: (cursor: Cursor) => T | string): T | string {
  try {
    return parse(cursorOf(message));
  } catch (error) {
    if (error instanceof ShortMessage) return error.message;
    throw error;
  }
}

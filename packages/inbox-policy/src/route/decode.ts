// Percent-decoding until nothing is left to decode.

import { Buffer } from 'node:buffer';
import { hexDigit } from '../hex-digit.ts';

const PERCENT = 0x25;
const ASCII_MAX = 0x7f;

/**
 * In one pass: an escape that arises from decoding (`%2569`) is seen when its last character is added. Bytes beyond ASCII
 * stay as they are, since no inbox route has any.
 */
export function decodeFully(text: string): string {
  const first = text.indexOf('%');
  if (first === -1) return text;
  const out = new Uint16Array(text.length - first);
  let length = 0;
  for (let at = first; at < text.length; at++) {
    out[length++] = text.charCodeAt(at);
    while (length >= 3 && out[length - 3] === PERCENT) {
      const code = hexDigit(out[length - 2] ?? Number.NaN) * 16 + hexDigit(out[length - 1] ?? Number.NaN);
      if (!(code <= ASCII_MAX)) break;
      length -= 2;
      out[length - 1] = code;
    }
  }
  return text.slice(0, first) + Buffer.from(out.buffer, 0, length * 2).toString('utf16le');
}

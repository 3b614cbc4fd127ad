// The extensions of a hello: type and content, each type once (RFC 8446 section 4.2).

import type { Cursor } from './cursor.ts';

export const SERVER_NAME = 0;
export const SUPPORTED_VERSIONS = 43;
/** encrypted_client_hello (RFC 9849). */
export const ENCRYPTED_HELLO = 0xfe0d;

/** Real clients send 15 to 25. */
const EXTENSIONS_MAX = 128;

/** Extensions by type, or what is wrong with them. None at all is an empty map. */
export function readExtensions(cursor: Cursor): ReadonlyMap<number, Cursor> | string {
  const found = new Map<number, Cursor>();
  if (cursor.left === 0) return found;
  const list = cursor.field16();
  if (cursor.left > 0) return 'bytes after the extensions';
  while (list.left > 0) {
    const type = list.u16();
    const content = list.field16();
    if (found.has(type)) return 'an extension twice';
    found.set(type, content);
    if (found.size > EXTENSIONS_MAX) return 'too many extensions';
  }
  return found;
}

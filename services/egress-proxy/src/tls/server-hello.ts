// What the proxy must know of a ServerHello (RFC 8446 section 4.1.3, RFC 5246 section 7.4.1.3). Pure.

import { type Cursor, parseWith } from './cursor.ts';
import { readExtensions, SUPPORTED_VERSIONS } from './extensions.ts';
import { TLS12, TLS13 } from './versions.ts';

export interface ServerHello {
  readonly version: number;
  /** HelloRetryRequest: the client must send a second hello before the server chooses. */
  readonly retry: boolean;
}

const RANDOM_BYTES = 32;
const SESSION_ID_BYTES_MAX = 32;
/** SHA-256 of "HelloRetryRequest", what such a message carries as its random (RFC 8446 section 4.1.3). */
const RETRY_RANDOM = Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex');

/** The body of the handshake message, or why it is no ServerHello. Never throws. */
export const parseServerHello = (body: Buffer): ServerHello | string => parseWith(body, readHello);

function readHello(cursor: Cursor): ServerHello | string {
  const legacyVersion = cursor.u16();
  if (legacyVersion >> 8 !== 3) return 'no TLS version';
  const random = cursor.bytes(RANDOM_BYTES);
  if (cursor.field8().left > SESSION_ID_BYTES_MAX) return 'session id too long';
  cursor.u16();
  cursor.u8();
  const extensions = readExtensions(cursor);
  if (typeof extensions === 'string') return extensions;
  const retry = random.equals(RETRY_RANDOM);
  const selected = extensions.get(SUPPORTED_VERSIONS);
  if (selected === undefined) return retry ? 'a retry without a version' : { version: legacyVersion, retry };
  if (selected.left !== 2) return 'no version where one was selected';
  const version = selected.u16();
  // The extension exists to choose 1.3 or newer, under the old number of 1.2; anything else confuses one of the ends.
  if (version < TLS13 || legacyVersion !== TLS12) return 'a version that this extension cannot select';
  return { version, retry };
}

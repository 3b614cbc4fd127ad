// What the proxy must know of a ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3). Pure.

import { normalizeHost } from '@sekisho/netguard';
import { type Cursor, parseWith } from './cursor.ts';
import { ENCRYPTED_HELLO, readExtensions, SERVER_NAME, SUPPORTED_VERSIONS } from './extensions.ts';
import { isGrease, TLS13 } from './versions.ts';

export interface ClientHello {
  /** Lower case, without the trailing dot; undefined: no name was sent. */
  readonly serverName: string | undefined;
  /** The newest version the client offers. */
  readonly versionMax: number;
  /** An inner hello, real or pretended, hides another name from us. */
  readonly encrypted: boolean;
}

const RANDOM_BYTES = 32;
const SESSION_ID_BYTES_MAX = 32;
const HOST_NAME = 0;

/** The body of the handshake message, or why it is no ClientHello. Never throws. */
export const parseClientHello = (body: Buffer): ClientHello | string => parseWith(body, readHello);

function readHello(cursor: Cursor): ClientHello | string {
  const legacyVersion = cursor.u16();
  if (legacyVersion >> 8 !== 3) return 'no TLS version';
  cursor.bytes(RANDOM_BYTES);
  if (cursor.field8().left > SESSION_ID_BYTES_MAX) return 'session id too long';
  const suites = cursor.field16().left;
  if (suites === 0 || suites % 2 !== 0) return 'no list of cipher suites';
  if (cursor.field8().left === 0) return 'no compression methods';
  const extensions = readExtensions(cursor);
  if (typeof extensions === 'string') return extensions;
  const name = readServerName(extensions.get(SERVER_NAME));
  if (name?.ok === false) return name.problem;
  const versionMax = readVersions(extensions.get(SUPPORTED_VERSIONS), legacyVersion);
  if (typeof versionMax === 'string') return versionMax;
  return { serverName: name?.name, versionMax, encrypted: extensions.has(ENCRYPTED_HELLO) };
}

type ServerName = { readonly ok: true; readonly name: string } | { readonly ok: false; readonly problem: string };

/** Exactly one host name: of two, another server than ours could read the other one. */
function readServerName(content: Cursor | undefined): ServerName | undefined {
  if (content === undefined) return undefined;
  const list = content.field16();
  if (content.left > 0) return { ok: false, problem: 'bytes after the server names' };
  if (list.u8() !== HOST_NAME) return { ok: false, problem: 'a server name that is no host name' };
  const name = list.bytes(list.u16());
  if (list.left > 0) return { ok: false, problem: 'more than one server name' };
  if (name.length === 0 || !name.every((byte) => byte > 0x20 && byte < 0x7f)) return { ok: false, problem: 'a server name that is not ASCII' };
  return { ok: true, name: normalizeHost(name.toString('latin1')) };
}

/** With supported_versions the old field says nothing; GREASE and drafts are no offers. */
function readVersions(content: Cursor | undefined, legacyVersion: number): number | string {
  if (content === undefined) return legacyVersion;
  const list = content.field8();
  if (content.left > 0 || list.left === 0 || list.left % 2 !== 0) return 'no list of versions';
  let newest = 0;
  while (list.left > 0) {
    const version = list.u16();
    if (!isGrease(version) && version <= TLS13) newest = Math.max(newest, version);
  }
  return newest;
}

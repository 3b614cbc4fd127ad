// Real handshakes of Node's OpenSSL in memory, with every byte noted; and hellos built by hand for what no client sends.

import { type Duplex, duplexPair } from 'node:stream';
import { type ConnectionOptions, connect, createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import { originAuthority } from '@sekisho/testkit';

export const HOST = 'a.origin.example';

/** Old versions need ciphers that OpenSSL thinks too weak by now. */
export const OLD = { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;

export interface Handshake {
  /** Bytes of each end up to the end of the handshake, and what both agreed on. */
  readonly client: Buffer;
  readonly server: Buffer;
  readonly protocol: string | undefined;
  readonly serverName: string | undefined;
}

/** Plays a handshake; `protocol` is undefined where it failed. */
export async function playHandshake(client: ConnectionOptions = {}, server: SecureContextOptions = {}): Promise<Handshake> {
  const near = duplexPair();
  const far = duplexPair();
  const noted = { client: [] as Buffer[], server: [] as Buffer[] };
  forward(near[1], far[0], noted.client);
  forward(far[0], near[1], noted.server);
  const { key, cert } = originAuthority();
  const serving = new TLSSocket(far[1], { isServer: true, secureContext: createSecureContext({ key, cert, ...server }) });
  const calling = connect({ socket: near[0], servername: HOST, rejectUnauthorized: false, ...client });
  const ended = [serving, calling].map(async (socket) => await new Promise<void>((resolve) => void socket.on('error', () => resolve()).once('close', () => resolve())));
  await Promise.race([new Promise((resolve) => void calling.once('secureConnect', resolve)), ...ended]);
  // What the client still had to say must have arrived before it is looked at.
  await new Promise((resolve) => setTimeout(resolve, 5));
  const handshake = {
    client: Buffer.concat(noted.client), server: Buffer.concat(noted.server),
    protocol: calling.authorizationError === undefined && !calling.encrypted ? undefined : (calling.getProtocol() ?? undefined),
    serverName: typeof serving.servername === 'string' ? serving.servername : undefined,
  };
  calling.destroy();
  serving.destroy();
  return handshake;
}

/** The server name that OpenSSL reads out of these bytes; undefined where it reads none or refuses them. */
export async function serverNameByOpenssl(bytes: Buffer): Promise<string | undefined> {
  const [near, far] = duplexPair();
  const { key, cert } = originAuthority();
  let seen: string | undefined;
  const serving = new TLSSocket(far, {
    isServer: true, key, cert,
    SNICallback: (name, done) => {
      seen = name;
      done(null);
    },
  });
  serving.on('error', () => undefined);
  near.on('error', () => undefined).resume();
  near.write(bytes);
  await new Promise((resolve) => setTimeout(resolve, 2));
  serving.destroy();
  near.destroy();
  return seen;
}

function forward(from: Duplex, to: Duplex, noted: Buffer[]): void {
  from.on('data', (chunk: Buffer) => {
    noted.push(chunk);
    to.write(chunk);
  });
  from.on('error', () => undefined).once('end', () => to.end());
}

const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
const field8 = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat([Buffer.of(sum(parts)), ...parts]);
const field16 = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat([u16(sum(parts)), ...parts]);
const sum = (parts: readonly Uint8Array[]): number => parts.reduce((bytes, part) => bytes + part.length, 0);

export const extension = (type: number, content: Uint8Array): Buffer => Buffer.concat([u16(type), field16(content)]);
export const serverNames = (...names: readonly string[]): Buffer =>
  extension(0, field16(...names.map((name) => Buffer.concat([Buffer.of(0), field16(Buffer.from(name, 'latin1'))]))));
export const versions = (...list: readonly number[]): Buffer => extension(43, field8(...list.map(u16)));
export const selected = (version: number): Buffer => extension(43, u16(version));

export interface HelloParts {
  readonly legacy?: number;
  readonly random?: Buffer;
  readonly sessionId?: Buffer;
  readonly suites?: Buffer;
  readonly compression?: Buffer;
  /** Undefined: not even an empty list. */
  readonly extensions?: readonly Buffer[] | undefined;
  readonly trailer?: Buffer;
}

export const clientHello = (parts: HelloParts = {}): Buffer =>
  Buffer.concat([
    u16(parts.legacy ?? 0x0303), parts.random ?? Buffer.alloc(32, 7), field8(parts.sessionId ?? Buffer.alloc(32, 8)), field16(parts.suites ?? Buffer.of(0x13, 1, 0x13, 2)),
    field8(parts.compression ?? Buffer.of(0)),
    ...(parts.extensions === undefined && 'extensions' in parts ? [] : [field16(...(parts.extensions ?? [serverNames(HOST), versions(0x0304, 0x0303)]))]),
    parts.trailer ?? Buffer.alloc(0),
  ]);

export const RETRY_RANDOM = Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex');

export const serverHello = (parts: HelloParts = {}): Buffer =>
  Buffer.concat([
    u16(parts.legacy ?? 0x0303), parts.random ?? Buffer.alloc(32, 9), field8(parts.sessionId ?? Buffer.alloc(32, 8)), u16(0x1301), Buffer.of(0),
    ...(parts.extensions === undefined ? [] : [field16(...parts.extensions)]),
    parts.trailer ?? Buffer.alloc(0),
  ]);

export const handshake = (type: number, body: Buffer): Buffer => Buffer.concat([Buffer.of(type, body.length >> 16, (body.length >> 8) & 0xff, body.length & 0xff), body]);
export const record = (type: number, fragment: Buffer, version = 0x0301): Buffer => Buffer.concat([Buffer.of(type), u16(version), field16(fragment)]);

/** A message over several records of at most `bytes` bytes. */
export function records(message: Buffer, bytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; at += bytes) parts.push(record(22, message.subarray(at, at + bytes)));
  return Buffer.concat(parts);
}

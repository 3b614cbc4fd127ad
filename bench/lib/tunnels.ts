// The near end of tunnels: CONNECT where the way is a proxy, a recorded ClientHello, and whatever comes back counted.

import { connect } from 'node:net';
import { InvalidRun } from './report.ts';

export interface Way {
  readonly port: number;
  /** Authority for CONNECT; undefined: the port leads there by itself. */
  readonly authority?: string;
}

export interface Tunnel {
  /** Bytes from the server, its first flight included. */
  readonly bytes: number;
  /** From the first packet to the first byte of the server. */
  readonly firstByteMs: number;
}

const TUNNEL_MS = 60_000;

/** Runs until the server has closed. Throws InvalidRun for anything but a tunnel. */
export async function openTunnel({ port, authority }: Way, hello: Buffer): Promise<Tunnel> {
  const startedMs = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<Tunnel>();
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const timer = setTimeout(() => socket.destroy(new InvalidRun('a tunnel hung')), TUNNEL_MS);
  let isOpen = authority === undefined;
  let head = '';
  let bytes = 0;
  let firstByteMs = 0;
  const count = (length: number): void => {
    if (bytes === 0 && length > 0) firstByteMs = performance.now() - startedMs;
    bytes += length;
  };
  socket.once('connect', () => void socket.write(authority === undefined ? hello : `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`));
  socket.on('data', (chunk: Buffer) => {
    if (isOpen) return count(chunk.length);
    head += chunk.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (!/^HTTP\/1\.[01] 200 /.test(head)) return void socket.destroy(new InvalidRun(`CONNECT was answered: ${head.slice(0, 60)}`));
    isOpen = true;
    count(head.length - end - 4);
    socket.write(hello);
  });
  socket.once('error', reject);
  socket.once('end', () => socket.end());
  socket.once('close', () => (bytes > 0 ? resolve({ bytes, firstByteMs }) : reject(new InvalidRun('a tunnel ended without a byte'))));
  return await promise.finally(() => clearTimeout(timer));
}

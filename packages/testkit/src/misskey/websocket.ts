// A WebSocket end that echoes (RFC 6455), written out so that tests see frames as they are on the wire. Like Misskey it
// accepts an upgrade on any path and with any Origin; a bad token gets 401.

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { StubState } from './state.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const FRAME_BYTES_MAX = 4 * 1024 * 1024;
const OPCODES = { text: 1, close: 8, ping: 9, pong: 10 } as const;

export function acceptWebSocket(state: StubState, req: IncomingMessage, socket: Duplex): void {
  socket.on('error', () => undefined);
  const url = new URL(req.url ?? '/', 'http://stub');
  const key = req.headers['sec-websocket-key'];
  if (url.searchParams.get('i') === 'bad') return void socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbad');
  if (typeof key !== 'string') return void socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  const accept = createHash('sha1').update(key + GUID).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  state.webSockets += 1;
  socket.once('close', () => {
    state.webSockets -= 1;
  });
  if (url.searchParams.has('flood')) return flood(socket);
  echo(socket);
}

/** Sends frames as long as the peer takes them. */
function flood(socket: Duplex): void {
  const frame = frameOf(OPCODES.text, Buffer.alloc(60_000, 'x'));
  const push = (): void => {
    while (!socket.destroyed && socket.write(frame));
  };
  socket.on('drain', push);
  socket.resume();
  socket.on('end', () => socket.end());
  push();
}

function echo(socket: Duplex): void {
  let pending = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    for (let frame = takeFrame(pending); frame !== undefined; frame = takeFrame(pending)) {
      pending = pending.subarray(frame.bytes);
      answer(socket, frame.opcode, frame.payload);
    }
  });
  socket.on('end', () => socket.end());
}

function answer(socket: Duplex, opcode: number, payload: Buffer): void {
  if (opcode === OPCODES.close) socket.end(frameOf(OPCODES.close, payload));
  else if (opcode === OPCODES.ping) socket.write(frameOf(OPCODES.pong, payload));
  else if (opcode !== OPCODES.pong) socket.write(frameOf(opcode, payload));
}

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly bytes: number;
}

function takeFrame(buffer: Buffer): Frame | undefined {
  if (buffer.length < 2) return undefined;
  const short = buffer.readUInt8(1) & 0x7f;
  const extra = short === 127 ? 8 : short === 126 ? 2 : 0;
  if (buffer.length < 2 + extra + 4) return undefined;
  const length = extra === 8 ? Number(buffer.readBigUInt64BE(2)) : extra === 2 ? buffer.readUInt16BE(2) : short;
  if (length > FRAME_BYTES_MAX) throw new Error('frame too long for the stub');
  const start = 2 + extra + 4;
  if (buffer.length < start + length) return undefined;
  const mask = buffer.subarray(start - 4, start);
  const payload = Buffer.from(buffer.subarray(start, start + length)).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return { opcode: buffer.readUInt8(0) & 0x0f, payload: Buffer.from(payload), bytes: start + length };
}

function frameOf(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  if (length < 126) return Buffer.concat([Buffer.from([0x80 | opcode, length]), payload]);
  const head = Buffer.alloc(4);
  head.writeUInt8(0x80 | opcode, 0);
  head.writeUInt8(126, 1);
  head.writeUInt16BE(length, 2);
  return Buffer.concat([head, payload]);
}

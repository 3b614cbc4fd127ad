// DNS messages over TCP: two bytes of length in front of each (RFC 1035 section 4.2.2).

import type { Socket } from 'node:net';

export const frame = (message: Buffer): Buffer => Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]);

export function readFrames(socket: Socket, onMessage: (message: Buffer) => void): void {
  let got = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    got = Buffer.concat([got, chunk]);
    while (got.length >= 2 && got.length >= 2 + got.readUInt16BE(0)) {
      const end = 2 + got.readUInt16BE(0);
      onMessage(got.subarray(2, end));
      got = got.subarray(end);
    }
  });
}

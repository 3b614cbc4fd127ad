// One DNS question over UDP or TCP, with everything that came back: what a resolver library hides.

import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { frame, readFrames } from './frames.ts';
import { readName, readRecord, type TypeName, TYPES, type WireRecord } from './records.ts';
import { encodeName, RCODES, type Rcode } from './wire.ts';

const RECORDS_MAX = 1_000;

export interface Asked {
  /** Undefined: no answer in time. */
  readonly rcode: Rcode | undefined;
  readonly truncated: boolean;
  readonly bytes: number;
  readonly ms: number;
  readonly answer: readonly WireRecord[];
  readonly authority: readonly WireRecord[];
  readonly additional: readonly WireRecord[];
}

export interface DnsAsk {
  readonly port: number;
  readonly name: string;
  readonly type?: TypeName;
  readonly tcp?: boolean;
  /** Size that the client offers for UDP (EDNS); none: 512. */
  readonly udpBytes?: number;
  readonly timeoutMs?: number;
}

/** Never rejects for silence or a refused connection. */
export async function askDns(question: DnsAsk): Promise<Asked> {
  const started = performance.now();
  const send = question.tcp === true ? overTcp : overUdp;
  const message = await send(encodeDnsAsk(question), question.port, question.timeoutMs ?? 8_000);
  const ms = performance.now() - started;
  return message === undefined ? { rcode: undefined, truncated: false, bytes: 0, ms, answer: [], authority: [], additional: [] } : { ...readMessage(message), ms };
}

function encodeDnsAsk({ name, type = 'A', udpBytes }: DnsAsk): Buffer {
  const header = Buffer.from([Math.trunc(Math.random() * 256), Math.trunc(Math.random() * 256), 1, 0, 0, 1, 0, 0, 0, 0, 0, udpBytes === undefined ? 0 : 1]);
  const tail = Buffer.from([0, TYPES[type], 0, 1]);
  const option = udpBytes === undefined ? Buffer.alloc(0) : Buffer.from([0, 0, TYPES.OPT, udpBytes >> 8, udpBytes & 255, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, encodeName(name), tail, option]);
}

function readMessage(message: Buffer): Omit<Asked, 'ms'> {
  const code = message.readUInt8(3) & 15;
  let at = readName(message, 12).end + 4;
  const section = (offset: number): WireRecord[] => {
    const records: WireRecord[] = [];
    for (let left = Math.min(RECORDS_MAX, message.readUInt16BE(offset)); left > 0; left -= 1) {
      const { record, end } = readRecord(message, at);
      if (record.type !== TYPES.OPT) records.push(record);
      at = end;
    }
    return records;
  };
  const [rcode] = Object.entries(RCODES).find(([, value]) => value === code) ?? [];
  return {
    rcode: rcode as Rcode | undefined, truncated: (message.readUInt8(2) & 2) !== 0, bytes: message.length,
    answer: section(6), authority: section(8), additional: section(10),
  };
}

async function overUdp(query: Buffer, port: number, timeoutMs: number): Promise<Buffer | undefined> {
  const socket = createSocket('udp4');
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const timer = setTimeout(() => resolve(undefined), timeoutMs);
  socket.on('message', (message) => {
    if (message.readUInt16BE(0) === query.readUInt16BE(0)) resolve(message);
  });
  socket.on('error', () => resolve(undefined));
  socket.connect(port, '127.0.0.1', () => socket.send(query));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

async function overTcp(query: Buffer, port: number, timeoutMs: number): Promise<Buffer | undefined> {
  const socket = connect(port, '127.0.0.1');
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const timer = setTimeout(() => resolve(undefined), timeoutMs);
  socket.on('error', () => resolve(undefined)).on('close', () => resolve(undefined));
  readFrames(socket, resolve);
  socket.write(frame(query));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

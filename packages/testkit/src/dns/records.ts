// Records in the text of a zone file, to and from the wire: as many types as a resolver can be fooled with.

import { encodeIpv6, encodeName } from './wire.ts';

export const TYPES = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33, OPT: 41, SVCB: 64, HTTPS: 65, ANY: 255 } as const;
export type TypeName = keyof typeof TYPES;

const CLASS_IN = 1;
const POINTER_HOPS_MAX = 16;

export interface WireRecord {
  readonly name: string;
  readonly type: number;
  readonly ttl: number;
  /** Addresses and names as text, everything else in hexadecimal. */
  readonly value: string;
}

/** `owner TYPE data`, such as `a.example HTTPS 1 . ipv4hint=10.0.0.1`; `@` is the name asked for. */
export interface RecordText {
  readonly owner: string;
  readonly type: number;
  readonly data: readonly string[];
}

/** @throws Error for a type nobody needs. */
export function parseRecord(text: string, asked: string): RecordText {
  const [owner = '', typeName = '', ...data] = text.split(' ');
  if (!isTypeName(typeName)) throw new Error(`no record: ${text}`);
  return { owner: owner === '@' ? asked : owner, type: TYPES[typeName], data };
}

export function encodeRecord({ owner, type, data }: RecordText, ttl: number): Buffer {
  const rdata = encodeData(type, data);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(CLASS_IN, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(rdata.length, 8);
  return Buffer.concat([nameBytes(owner), fixed, rdata]);
}

function encodeData(type: number, data: readonly string[]): Buffer {
  const [first = '', second = '', third = '', fourth = ''] = data;
  switch (type) {
    case TYPES.A: return ipv4(first);
    case TYPES.AAAA: return encodeIpv6(first);
    case TYPES.MX: return Buffer.concat([uint16(first), nameBytes(second)]);
    case TYPES.SRV: return Buffer.concat([uint16(first), uint16(second), uint16(third), nameBytes(fourth)]);
    case TYPES.TXT: return Buffer.concat([Buffer.from([first.length]), Buffer.from(first)]);
    case TYPES.SVCB: case TYPES.HTTPS: return Buffer.concat([uint16(first), nameBytes(second), ...data.slice(2).map(serviceParameter)]);
    default: return nameBytes(first);
  }
}

/** RFC 9460 section 14.3.2. */
function serviceParameter(text: string): Buffer {
  const [key = '', value = ''] = text.split('=');
  const values = value.split(',');
  const [code, bytes] = key === 'ipv4hint' ? [4, values.map(ipv4)] : key === 'ipv6hint' ? [6, values.map(encodeIpv6)] : [1, [Buffer.from(`\u0002${value}`)]];
  const content = Buffer.concat(bytes);
  return Buffer.concat([uint16(code), uint16(content.length), content]);
}

const ipv4 = (text: string): Buffer => Buffer.from(text.split('.').map(Number));
const nameBytes = (name: string): Buffer => (name === '.' ? Buffer.from([0]) : encodeName(name.replace(/\.$/, '')));
const isTypeName = (text: string): text is TypeName => Object.hasOwn(TYPES, text);

function uint16(value: string | number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(Number(value));
  return bytes;
}

/** The record at `at`, and where the next one begins. */
export function readRecord(message: Buffer, at: number): { readonly record: WireRecord; readonly end: number } {
  const { name, end } = readName(message, at);
  const type = message.readUInt16BE(end);
  const start = end + 10;
  const stop = start + message.readUInt16BE(end + 8);
  return { record: { name, type, ttl: message.readUInt32BE(end + 4), value: readData(message, { type, start, stop }) }, end: stop };
}

function readData(message: Buffer, { type, start, stop }: { readonly type: number; readonly start: number; readonly stop: number }): string {
  const data = message.subarray(start, stop);
  if (type === TYPES.A) return data.join('.');
  if (type === TYPES.AAAA) return Array.from({ length: 8 }, (_, group) => data.readUInt16BE(group * 2).toString(16)).join(':');
  if (type === TYPES.CNAME || type === TYPES.NS || type === TYPES.PTR) return readName(message, start).name;
  return data.toString('hex');
}

export function readName(message: Buffer, from: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = from;
  let end: number | undefined;
  for (let hops = 0; hops <= POINTER_HOPS_MAX;) {
    const length = message[at] ?? 0;
    if (length === 0) return { name: labels.join('.').toLowerCase(), end: end ?? at + 1 };
    if (length >= 0xc0) {
      end ??= at + 2;
      at = message.readUInt16BE(at) & 0x3fff;
      hops += 1;
    } else {
      labels.push(message.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
  }
  throw new Error('a name that points in circles');
}

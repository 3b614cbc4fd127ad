// Just enough of the DNS wire format (RFC 1035) to answer A and AAAA questions, also wrongly.

export const TYPE_A = 1;
export const TYPE_CNAME = 5;
export const TYPE_AAAA = 28;
const CLASS_IN = 1;
/** What every client accepts over UDP without EDNS. */
const UDP_BYTES_MAX = 512;
const NAME_CHARS_MAX = 253;

export const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
export type Rcode = keyof typeof RCODES;

export interface DnsQuestion {
  readonly id: number;
  /** Lower case, no trailing dot. */
  readonly name: string;
  readonly type: number;
  /** The question section as it came, to be echoed (clients compare its letter case). */
  readonly raw: Buffer;
}

export interface DnsRecord {
  readonly name: string;
  readonly type: number;
  /** Address text, or the target of a CNAME. */
  readonly value: string;
}

/** The first question of a query; undefined for anything else. */
export function parseQuestion(message: Buffer): DnsQuestion | undefined {
  if (message.length < 17 || (message.readUInt8(2) & 0x80) !== 0 || message.readUInt16BE(4) < 1) return undefined;
  const labels: string[] = [];
  let at = 12;
  for (;;) {
    const length = message[at] ?? 0xff;
    if (length === 0) break;
    if (length > 63 || at + 1 + length > message.length) return undefined;
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const name = labels.join('.').toLowerCase();
  if (name.length > NAME_CHARS_MAX || at + 5 > message.length) return undefined;
  return { id: message.readUInt16BE(0), name, type: message.readUInt16BE(at + 1), raw: message.subarray(12, at + 5) };
}

export interface DnsReply {
  readonly rcode: Rcode;
  readonly records: readonly DnsRecord[];
  readonly ttl: number;
}

/** The answer; over UDP an answer that does not fit is cut to its header with TC set, so that the client comes back by TCP. */
export function encodeReply(question: DnsQuestion, reply: DnsReply, transport: 'udp' | 'tcp'): Buffer {
  const answers = Buffer.concat(reply.records.map((record) => encodeRecord(record, reply.ttl)));
  const cut = transport === 'udp' && 12 + question.raw.length + answers.length > UDP_BYTES_MAX;
  const header = Buffer.alloc(12);
  header.writeUInt16BE(question.id, 0);
  header.writeUInt16BE(0x8180 | (cut ? 0x0200 : 0) | RCODES[reply.rcode], 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(cut ? 0 : reply.records.length, 6);
  return Buffer.concat([header, question.raw, ...(cut ? [] : [answers])]);
}

function encodeRecord(record: DnsRecord, ttl: number): Buffer {
  const data = encodeData(record);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(record.type, 0);
  fixed.writeUInt16BE(CLASS_IN, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([encodeName(record.name), fixed, data]);
}

function encodeData(record: DnsRecord): Buffer {
  if (record.type === TYPE_A) return Buffer.from(record.value.split('.').map(Number));
  if (record.type === TYPE_AAAA) return encodeIpv6(record.value);
  return encodeName(record.value);
}

export function encodeName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

/** The URL parser writes every IPv6 spelling in one canonical form, which is then expanded. */
export function encodeIpv6(text: string): Buffer {
  const canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const all = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return Buffer.from(all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]));
}

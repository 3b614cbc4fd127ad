// A name server that answers any type with any records, for the tests of a filter behind which it stands.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { bindBoth } from './bind.ts';
import { frame, readFrames } from './frames.ts';
import { findName } from './names.ts';
import { encodeRecord, parseRecord, type RecordText, TYPES } from './records.ts';
import { type DnsQuestion, parseQuestion, RCODES, type Rcode } from './wire.ts';

const UDP_BYTES_MAX = 512;
const CNAME_HOPS_MAX = 8;

export interface HostileName {
  /** `owner TYPE data` each; those of the asked type are the answer, for ANY all of them. */
  readonly records?: readonly string[];
  /** The n-th question gets the n-th set, over and over. */
  readonly alternate?: readonly (readonly string[])[];
  readonly additional?: readonly string[];
  /** In the authority section, with no answer: a referral. */
  readonly authority?: readonly string[];
  readonly rcode?: Rcode;
  readonly silent?: boolean;
  readonly delayMs?: number;
  /** Seconds; default 0. */
  readonly ttl?: number;
}

/** Name (lower case; `*.rest` matches every name below) to what it answers. */
export type HostileZone = Readonly<Record<string, HostileName>>;

export interface HostileDns {
  readonly address: string;
  readonly port: number;
  readonly tcpQueries: number;
  /** Questions so far as `name TYPE-number`. */
  readonly asked: readonly string[];
  set(name: string, behaviour: HostileName): void;
  stop(): Promise<void>;
}

/** UDP and TCP on the same port of a loopback address. */
export async function startHostileDns(zone: HostileZone, options: { readonly host?: string; readonly port?: number } = {}): Promise<HostileDns> {
  const host = options.host ?? '127.0.0.1';
  const names = new Map(Object.entries(zone));
  const asked: string[] = [];
  const turns = new Map<string, number>();
  const state = { tcpQueries: 0, stopped: false };
  const { udp, tcp, port } = await bindBoth(host, options.port);
  const serve = (message: Buffer, limit: number, send: (reply: Buffer) => void): void => {
    const question = parseQuestion(message);
    if (question === undefined) return;
    asked.push(`${question.name} ${question.type}`);
    const turn = turns.get(question.name) ?? 0;
    turns.set(question.name, turn + 1);
    const found = findName(names, question.name);
    if (found?.silent === true) return;
    const reply = answer(question, { names, turn, limit });
    setTimeout(() => {
      if (!state.stopped) send(reply);
    }, found?.delayMs ?? 0).unref();
  };
  udp.on('message', (message, peer) => serve(message, UDP_BYTES_MAX, (reply) => udp.send(reply, peer.port, peer.address)));
  const sockets = new Set<Socket>();
  tcp.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    readFrames(socket, (message) => {
      state.tcpQueries += 1;
      serve(message, 65_535, (reply) => socket.write(frame(reply)));
    });
  });
  return {
    address: `${host}:${port}`, port, asked,
    get tcpQueries() {
      return state.tcpQueries;
    },
    set: (name, behaviour) => void names.set(name, behaviour),
    stop: async () => {
      state.stopped = true;
      for (const socket of sockets) socket.destroy();
      const closed = Promise.all([once(udp, 'close'), once(tcp, 'close')]);
      udp.close();
      tcp.close();
      await closed;
    },
  };
}

interface Zone {
  readonly names: ReadonlyMap<string, HostileName>;
  readonly turn: number;
  readonly limit: number;
}

function answer(question: DnsQuestion, { names, turn, limit }: Zone): Buffer {
  const first = findName(names, question.name);
  const rcode: Rcode = first === undefined ? 'NXDOMAIN' : (first.rcode ?? 'NOERROR');
  const records: RecordText[] = [];
  let name = question.name;
  for (let hop = 0; hop < CNAME_HOPS_MAX; hop += 1) {
    const own = recordsOf(findName(names, name), name, turn);
    const alias = own.find(({ type }) => type === TYPES.CNAME && question.type !== TYPES.CNAME);
    records.push(...own.filter(({ type }) => type === question.type || type === TYPES.CNAME || question.type === TYPES.ANY));
    if (alias === undefined) break;
    name = alias.data[0] ?? '';
  }
  const parse = (texts: readonly string[] = []): RecordText[] => texts.map((text) => parseRecord(text, question.name));
  const sections = [records, parse(first?.authority), parse(first?.additional)];
  const body = sections.map((section) => Buffer.concat(section.map((record) => encodeRecord(record, first?.ttl ?? 0))));
  const cut = 12 + question.raw.length + Buffer.concat(body).length > limit;
  const header = Buffer.alloc(12);
  header.writeUInt16BE(question.id, 0);
  // Authoritative unless it refers elsewhere; recursion available, as a forwarder wants it.
  const authoritative = first?.authority === undefined ? 0x0400 : 0;
  header.writeUInt16BE(0x8180 | authoritative | (cut ? 0x0200 : 0) | RCODES[rcode], 2);
  header.writeUInt16BE(1, 4);
  for (const [at, section] of sections.entries()) header.writeUInt16BE(cut ? 0 : section.length, 6 + at * 2);
  return Buffer.concat([header, question.raw, ...(cut ? [] : body)]);
}

function recordsOf(entry: HostileName | undefined, name: string, turn: number): RecordText[] {
  const sets = entry?.alternate;
  const texts = sets === undefined ? entry?.records : sets[turn % sets.length];
  return (texts ?? []).map((text) => parseRecord(text, name));
}

// A DNS server on loopback that can lie in every way a hostile one does. Names under *.origin.example and *.peer.example.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { bindBoth } from './bind.ts';
import { frame, readFrames } from './frames.ts';
import { findName } from './names.ts';
import { type DnsQuestion, type DnsRecord, type DnsReply, encodeReply, parseQuestion, type Rcode, TYPE_A, TYPE_AAAA, TYPE_CNAME } from './wire.ts';

const CNAME_HOPS_MAX = 8;

export interface DnsAnswerSet {
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
}

export interface DnsBehaviour extends DnsAnswerSet {
  /** Alias; the records of the target, if it is in the zone too, are in the same answer. */
  readonly cname?: string;
  /** Instead of records. */
  readonly rcode?: Rcode;
  /** The n-th question of a type gets the n-th set, over and over: rebinding. */
  readonly alternate?: readonly DnsAnswerSet[];
  /** Milliseconds before the answer. */
  readonly delayMs?: number;
  /** Never answers: all questions, or those of one type. */
  readonly silent?: boolean | 'a' | 'aaaa';
  /** SERVFAIL for one type only. */
  readonly failing?: 'a' | 'aaaa';
}

/** Name (lower case; `*.rest` matches every name below) to behaviour. A name without entry is NXDOMAIN, one without records NODATA. */
export type DnsZone = Readonly<Record<string, DnsBehaviour>>;

export interface TestDns {
  readonly port: number;
  /** `ip:port`, as SEKISHO_DNS_SERVERS wants it. */
  readonly address: string;
  /** Questions so far, UDP and TCP. */
  readonly queries: number;
  /** Questions over TCP, after a truncated answer. */
  readonly tcpQueries: number;
  /** Questions for one name, all types. */
  queriesFor(name: string): number;
  set(name: string, behaviour: DnsBehaviour): void;
  remove(name: string): void;
  stop(): Promise<void>;
}

/** UDP and TCP on the same loopback port. */
export async function startDnsServer(zone: DnsZone = {}): Promise<TestDns> {
  const book = new ZoneBook(zone);
  const timers = new Set<NodeJS.Timeout>();
  const { udp, tcp, port } = await bindBoth();
  const later = (ms: number, run: () => void): void => {
    if (ms === 0) return run(); // a timer of 0 waits a millisecond, which a bench would count
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
  };
  const sockets = new Set<Socket>();
  let stopped = false;
  udp.on('message', (message, peer) => {
    const question = parseQuestion(message);
    const reply = question === undefined ? undefined : book.answer(question);
    if (question === undefined || reply === undefined) return;
    later(reply.delayMs, () => {
      if (!stopped) udp.send(encodeReply(question, reply, 'udp'), peer.port, peer.address);
    });
  });
  tcp.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    readFrames(socket, (message) => {
      const question = parseQuestion(message);
      if (question === undefined) return;
      book.tcpQueries += 1;
      const reply = book.answer(question);
      if (reply === undefined) return;
      later(reply.delayMs, () => {
        if (!socket.destroyed) socket.write(frame(encodeReply(question, reply, 'tcp')));
      });
    });
  });
  return {
    port,
    address: `127.0.0.1:${port}`,
    get queries() {
      return book.queries;
    },
    get tcpQueries() {
      return book.tcpQueries;
    },
    queriesFor: (name) => book.queriesFor(name.toLowerCase()),
    set: (name, behaviour) => book.set(name, behaviour),
    remove: (name) => book.remove(name),
    stop: async () => {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      const closed = Promise.all([once(udp, 'close'), once(tcp, 'close')]);
      udp.close();
      tcp.close();
      await closed;
    },
  };
}

/** The zone and its counters. */
class ZoneBook {
  queries = 0;
  tcpQueries = 0;
  readonly #zone: Map<string, DnsBehaviour>;
  readonly #asked = new Map<string, number>();

  constructor(zone: DnsZone) {
    this.#zone = new Map(Object.entries(zone).map(([name, behaviour]) => [name.toLowerCase(), behaviour]));
  }

  set(name: string, behaviour: DnsBehaviour): void {
    this.#zone.set(name.toLowerCase(), behaviour);
  }

  remove(name: string): void {
    this.#zone.delete(name.toLowerCase());
  }

  queriesFor(name: string): number {
    return [TYPE_A, TYPE_AAAA].reduce((sum, type) => sum + (this.#asked.get(`${name}/${type}`) ?? 0), 0);
  }

  /** Undefined: stay silent. */
  answer(question: DnsQuestion): (DnsReply & { readonly delayMs: number }) | undefined {
    this.queries += 1;
    const key = `${question.name}/${question.type}`;
    const turn = this.#asked.get(key) ?? 0;
    this.#asked.set(key, turn + 1);
    const behaviour = findName(this.#zone, question.name);
    if (behaviour === undefined) return { rcode: 'NXDOMAIN', records: [], ttl: 0, delayMs: 0 };
    const family = question.type === TYPE_A ? 'a' : 'aaaa';
    if (behaviour.silent === true || behaviour.silent === family) return undefined;
    const rcode = behaviour.failing === family ? 'SERVFAIL' : (behaviour.rcode ?? 'NOERROR');
    const records = rcode === 'NOERROR' ? this.#records(question, behaviour, turn) : [];
    return { rcode, records, ttl: 0, delayMs: behaviour.delayMs ?? 0 };
  }

  #records(question: DnsQuestion, first: DnsBehaviour, turn: number): readonly DnsRecord[] {
    const records: DnsRecord[] = [];
    let name = question.name;
    let behaviour: DnsBehaviour | undefined = first;
    for (let hop = 0; hop < CNAME_HOPS_MAX && behaviour?.cname !== undefined; hop += 1) {
      records.push({ name, type: TYPE_CNAME, value: behaviour.cname });
      name = behaviour.cname;
      behaviour = findName(this.#zone, name);
    }
    const sets = behaviour?.alternate;
    const set: DnsAnswerSet | undefined = sets === undefined ? behaviour : sets[turn % sets.length];
    const values = (question.type === TYPE_A ? set?.a : undefined) ?? (question.type === TYPE_AAAA ? set?.aaaa : undefined) ?? [];
    return [...records, ...values.map((value) => ({ name, type: question.type, value }))];
  }
}

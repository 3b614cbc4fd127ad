// The whole egress-proxy on loopback: real app, a lying DNS server, a TLS origin, and clients that say anything.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import { type ConnectionOptions, connect as tlsConnect, type TLSSocket } from 'node:tls';
import { createLogger } from '@sekisho/runtime';
import { type DnsZone, startDnsServer, startOrigin, type TestDns, type TestOrigin } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { type App, type AppDeps, createApp } from '../app.ts';
import type { EgressConfig } from '../config.ts';
import type { TunnelLimits } from '../tunnel/limits.ts';
import { BASE_CONFIG, FAST } from './config.ts';

export { OWN_HOST } from './config.ts';

const ANSWER_MS = 15_000;

export interface RigOptions {
  readonly zone?: DnsZone;
  readonly limits?: Partial<TunnelLimits>;
  readonly config?: Partial<EgressConfig>;
  readonly deps?: AppDeps;
  /** Further `ip:port` that count as public. */
  readonly allow?: readonly string[];
}

export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly socket: Socket;
}

export interface Rig {
  readonly app: App;
  readonly origin: TestOrigin;
  readonly dns: TestDns;
  readonly lines: Record<string, unknown>[];
  /** Sends bytes and reads the head of the answer; status 0 when the connection ends without one. */
  say(bytes: string | Buffer, port?: number): Promise<Answer>;
  /** CONNECT to an authority. */
  ask(authority: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Status and error of Proxy-Status. */
  sum(authority: string, headers?: Readonly<Record<string, string>>): Promise<string>;
  /** A tunnel that stands. */
  open(authority: string, port?: number): Promise<Socket>;
  /** TLS through a tunnel, the handshake done. */
  tls(authority: string, options?: ConnectionOptions): Promise<TLSSocket>;
  /** The log line of a tunnel, the newest that fits; waits for it. */
  line(fits: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
  stop(): Promise<void>;
}

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const [origin, dns] = await Promise.all([startOrigin({ tls: true }), startDnsServer({ '*.origin.example': { a: ['127.0.0.1'] }, ...options.zone })]);
  const lines: Record<string, unknown>[] = [];
  const config: EgressConfig = { ...BASE_CONFIG, dnsServers: [dns.address], unsafeAllowTargets: [origin.address, ...(options.allow ?? [])], ...options.config };
  const log = createLogger({ service: 'egress-proxy', level: 'info', destination: collect(lines) });
  const app = await createApp(config, { log, limits: { ...FAST, ...options.limits }, pollMs: 50, ...options.deps }).catch(async (error: unknown) => {
    await Promise.all([origin.stop(), dns.stop()]);
    throw error;
  });
  const say: Rig['say'] = async (bytes, port = app.port) => await saySomething(bytes, port);
  const ask: Rig['ask'] = async (authority, headers = {}) => await say(connectText(authority, headers));
  const open: Rig['open'] = async (authority, port = app.port) => {
    const answer = await say(connectText(authority), port);
    if (answer.status !== 200) throw new Error(answer.head);
    return answer.socket;
  };
  return {
    app, origin, dns, lines, say, ask, open,
    sum: async (authority, headers) => {
      const { status, head, socket } = await ask(authority, headers);
      socket.destroy();
      return [status, /error=(\w+)/.exec(head)?.[1]].filter((part) => part !== undefined).join(' ');
    },
    tls: async (authority, over) => {
      const socket = await open(authority);
      const host = authority.replace(/:\d+$/, '');
      const secure = tlsConnect({ socket, servername: host, ca: origin.ca, ...over });
      secure.on('error', () => undefined);
      await Promise.race([once(secure, 'secureConnect'), once(secure, 'close').then(() => Promise.reject(new Error('no handshake')))]);
      return secure;
    },
    line: async (fits) => {
      const find = (): Record<string, unknown> | undefined => lines.findLast((line) => line['msg'] === 'tunnel' && Object.entries(fits).every(([name, value]) => line[name] === value));
      await until(() => find() !== undefined);
      return find() ?? {};
    },
    stop: async () => {
      await app.close();
      await Promise.all([origin.stop(), dns.stop()]);
    },
  };
}

export const connectText = (authority: string, headers: Readonly<Record<string, string>> = {}): string =>
  `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;

async function saySomething(bytes: string | Buffer, port: number): Promise<Answer> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(bytes);
  let head = '';
  while (!head.includes('\r\n\r\n')) {
    const chunk = await nextData(socket, ANSWER_MS);
    if (chunk === undefined) break;
    head += chunk.toString('latin1');
  }
  const end = head.indexOf('\r\n\r\n') + 4;
  if (end >= 4 && head.length > end) socket.unshift(Buffer.from(head.slice(end), 'latin1'));
  return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0), head: head.slice(0, end), socket };
}

/** The next bytes of a paused socket; undefined at its end. @throws Error when nothing comes in time. */
export async function nextData(socket: Socket, timeoutMs: number): Promise<Buffer | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>();
  if (socket.destroyed || socket.readableEnded) return undefined;
  const timer = setTimeout(() => reject(new Error('nothing came')), timeoutMs);
  const onData = (chunk: Buffer): void => {
    socket.pause();
    resolve(chunk);
  };
  const onEnd = (): void => resolve(undefined);
  socket.once('data', onData).once('end', onEnd).once('close', onEnd);
  socket.resume();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.off('data', onData).off('end', onEnd).off('close', onEnd);
  }
}

/** All bytes until the other end closes, and how: `ended` by FIN, `reset` by an error. */
export async function readToEnd(socket: Socket, timeoutMs = ANSWER_MS): Promise<{ readonly bytes: Buffer; readonly end: string }> {
  const chunks: Buffer[] = [];
  let failed = '';
  socket.once('error', (error: NodeJS.ErrnoException) => (failed = error.code ?? error.message));
  for (let chunk = await nextData(socket, timeoutMs); chunk !== undefined; chunk = await nextData(socket, timeoutMs)) chunks.push(chunk);
  // An error comes before its close, but a paused socket may have been told already.
  if (failed === '' && socket.errored !== null) failed = 'code' in socket.errored ? String(socket.errored.code) : socket.errored.message;
  return { bytes: Buffer.concat(chunks), end: failed === '' ? 'ended' : failed };
}

const collect = (lines: Record<string, unknown>[]): Writable =>
  new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      for (const line of chunk.toString().split('\n')) if (line !== '') lines.push(JSON.parse(line) as Record<string, unknown>);
      done();
    },
  });

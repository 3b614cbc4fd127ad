// The whole fetcher on loopback: real app, real Redis, a lying DNS server and a hostile origin.

import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { FETCH_PATH, type FetchOutcome, type FetchRequest, OUTCOME_HEADER, parseOutcome } from '@sekisho/contracts';
import type { AddressPolicy } from '@sekisho/netguard';
import { createLogger } from '@sekisho/runtime';
import { type DnsZone, startDnsServer, startOrigin, type TestDns, type TestOrigin } from '@sekisho/testkit';
import { type App, createApp } from '../app.ts';
import type { FetcherConfig } from '../config.ts';
import type { FetchLimits } from '../fetching/fetch-service.ts';

export const TOKEN = randomBytes(32).toString('hex');
export const OWN_HOST = 'misskey.origin.example';

/** Deadlines short enough for a test, long enough for a slow machine. */
export const FAST: FetchLimits = { runningMax: 64, connectMs: 2_500, headersMs: 1_200, totalMs: 4_000, idleMs: 600 };

export interface RigOptions {
  readonly redisUrl?: string;
  readonly zone?: DnsZone;
  readonly limits?: Partial<FetchLimits>;
  readonly config?: Partial<FetcherConfig>;
  /** `ip:port` of further targets that are allowed. */
  readonly allow?: readonly string[];
  /** Instead of the address policy of the configuration. */
  readonly policy?: AddressPolicy;
}

export interface Answer {
  readonly outcome: FetchOutcome;
  /** Rejects when the connection breaks. */
  read(): Promise<Buffer>;
  readonly response: Response;
}

export interface Rig {
  readonly app: App;
  readonly origin: TestOrigin;
  readonly tls: TestOrigin;
  readonly dns: TestDns;
  /** Parsed log lines. */
  readonly lines: Record<string, unknown>[];
  call(url: string, over?: Partial<FetchRequest>, signal?: AbortSignal): Promise<Answer>;
  /** `deny SEKISHO_…`, `fault SEKISHO_…`, `stored type`, `stream type bytes` or `stream type broken`. */
  sum(url: string, over?: Partial<FetchRequest>): Promise<string>;
  stop(): Promise<void>;
}

export const newId = (): string => randomBytes(16).toString('base64url');

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const [origin, tls, dns] = await Promise.all([
    startOrigin(), startOrigin({ tls: true }), startDnsServer({ '*.origin.example': { a: ['127.0.0.1'] }, ...options.zone }),
  ]);
  const lines: Record<string, unknown>[] = [];
  const config: FetcherConfig = {
    listenHost: '127.0.0.1', port: 0, opsHost: '127.0.0.1', opsPort: 0, hosts: undefined, token: Buffer.from(TOKEN),
    publicUrl: new URL(`https://${OWN_HOST}`), ownHosts: [], redisUrl: options.redisUrl ?? 'redis://127.0.0.1:1',
    workBytesMax: 32 * 1024 * 1024, dnsServers: [dns.address], plainHttp: 'allow', denyCidrs: [], denyCidrsFile: undefined, nat64Prefixes: [],
    unsafeAllowTargets: [origin.address, tls.address, ...(options.allow ?? [])], unsafePublicCidrs: [], unsafeCa: tls.ca, logLevel: 'info', version: '0.0.0',
    shutdownDelayMs: 0, shutdownDrainMs: 1_000,
    ...options.config,
  };
  const log = createLogger({ service: 'fetcher', level: 'info', destination: collect(lines) });
  const { policy } = options;
  const app = await createApp(config, { log, limits: { ...FAST, ...options.limits }, ...(policy === undefined ? {} : { policy }) });
  const call: Rig['call'] = (url, over = {}, signal) => post(app.port, { ...request(url), ...over }, signal);
  return {
    app, origin, tls, dns, lines, call,
    sum: async (url, over) => await summarize(await call(url, over)),
    stop: async () => {
      await app.close();
      await Promise.all([origin.stop(), tls.stop(), dns.stop()]);
    },
  };
}

export const request = (url: string): FetchRequest => ({
  v: 1,
  requestId: 'request-1',
  url,
  want: 'auto',
  sourceId: newId(),
  loop: { via: [], cdnLoop: [] },
  limits: { bytesMax: 250 * 1024 * 1024, deadlineMs: 20_000 },
});

async function post(port: number, body: FetchRequest, signal?: AbortSignal): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}${FETCH_PATH}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
  const parsed = parseOutcome(response.headers.get(OUTCOME_HEADER) ?? undefined);
  if (!parsed.ok) throw new Error(`status ${response.status}, ${parsed.detail}`);
  return { outcome: parsed.outcome, response, read: async () => Buffer.from(await response.arrayBuffer()) };
}

async function summarize({ outcome, read }: Answer): Promise<string> {
  if ('code' in outcome) return `${outcome.kind} ${outcome.code}`;
  if (outcome.kind === 'stored') return `stored ${outcome.type}`;
  const end = await read().then((bytes) => String(bytes.length), () => 'broken');
  return `stream ${outcome.type} ${end}`;
}

const collect = (lines: Record<string, unknown>[]): Writable =>
  new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      for (const line of chunk.toString().split('\n')) if (line !== '') lines.push(JSON.parse(line) as Record<string, unknown>);
      done();
    },
  });

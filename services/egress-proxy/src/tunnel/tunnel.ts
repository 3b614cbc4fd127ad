// One tunnel from the accepted CONNECT to its end: connect, 200, handshake, bytes. It always ends by itself, and leaves no
// socket, timer or listener behind.

import type { Socket } from 'node:net';
import type { Code } from '@sekisho/contracts';
import type { AddressPolicy, NameResolver } from '@sekisho/netguard';
import type { Clock } from '@sekisho/runtime';
import { ESTABLISHED } from '../http/answer.ts';
import { refuseSocket } from '../http/server.ts';
import type { Mode } from '../policy/decide.ts';
import { HELLO_BYTES_MAX } from '../tls/hello-reader.ts';
import { type HandshakeEnd, runHandshake, type Versions } from './handshake.ts';
import type { TunnelLimits } from './limits.ts';
import { openUpstream } from './open.ts';
import { pump, type PumpCounts } from './pump.ts';
import { closeSoon, holdEarly, reset } from './sockets.ts';

/** Time for the last bytes to reach an end whose other end is gone. */
const LINGER_MS = 1_000;

export interface TunnelRequest {
  readonly socket: Socket;
  readonly head: Buffer;
  readonly host: string;
  readonly port: number;
  readonly mode: Mode;
  /** Look at both hellos; not for mail, where the server speaks first and TLS comes later. */
  readonly inspect: boolean;
}

export interface TunnelDeps {
  readonly policy: AddressPolicy;
  readonly resolver: NameResolver;
  readonly limits: TunnelLimits;
  readonly clock: Clock;
}

/** What is known of a tunnel when it has ended. */
export interface TunnelEnd {
  /** Undefined: both ends closed in order, or one by an alert. */
  readonly code: Code | undefined;
  readonly detail: string;
  /** The 200 was sent. */
  readonly established: boolean;
  readonly address: string | undefined;
  readonly versions: Versions;
  /** Verdicts that `report` did not enforce. */
  readonly wouldDeny: readonly Code[];
  readonly bytes: Readonly<PumpCounts>;
  readonly dnsMs: number | undefined;
  readonly connectMs: number | undefined;
  /** From the 200 until both hellos were checked. */
  readonly helloMs: number | undefined;
}

export interface Tunnel {
  readonly done: Promise<TunnelEnd>;
  /** Ends it now; for the shutdown. */
  stop(): void;
}

type Facts = { -readonly [K in keyof Omit<TunnelEnd, 'code' | 'detail' | 'bytes'>]: TunnelEnd[K] };

const NOTHING_YET: Readonly<Facts> = {
  established: false, address: undefined, versions: { client: undefined, server: undefined }, wouldDeny: [],
  dnsMs: undefined, connectMs: undefined, helloMs: undefined,
};

/** Of a request that never became a tunnel. */
export const refusedEnd = (code: Code, detail: string): TunnelEnd => ({ ...NOTHING_YET, bytes: { up: 0, down: 0 }, code, detail });

type Verdict = { readonly code: Code | undefined; readonly detail: string };

export function startTunnel(request: TunnelRequest, deps: TunnelDeps): Tunnel {
  const controller = new AbortController();
  const facts: Facts = { ...NOTHING_YET };
  const bytes: PumpCounts = { up: 0, down: 0 };
  let stopped = false;
  const work = run({ request, deps, facts, bytes, controller }).catch(
    (error: unknown): Verdict => ({ code: 'SEKISHO_INTERNAL', detail: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
  const done = work.then((verdict): TunnelEnd => {
    if (verdict.code === 'SEKISHO_INTERNAL') reset(request.socket);
    return { ...facts, bytes, ...(stopped ? { code: 'SEKISHO_EGRESS_STOPPING' as const, detail: '' } : verdict) };
  });
  return {
    done,
    stop: () => {
      stopped = true;
      controller.abort();
      reset(request.socket);
    },
  };
}

interface Run {
  readonly request: TunnelRequest;
  readonly deps: TunnelDeps;
  readonly facts: Facts;
  readonly bytes: PumpCounts;
  readonly controller: AbortController;
}

async function run({ request, deps, facts, bytes, controller }: Run): Promise<Verdict> {
  const { socket: client, host, port } = request;
  const startMs = deps.clock.monotonicMs();
  const early = holdEarly(client, request.head, { bytesMax: HELLO_BYTES_MAX, onGone: () => controller.abort() });
  const opened = await openUpstream({ host, port, connectMs: deps.limits.connectMs, signal: controller.signal }, deps);
  const held = early.take();
  facts.dnsMs = opened.dnsMs;
  facts.connectMs = opened.connectMs;
  if (!opened.ok) {
    refuseSocket(client, opened.code, opened.detail);
    return opened;
  }
  facts.address = opened.address;
  const ends: Ends = { client, server: opened.socket, held };
  let verdict: Verdict = { code: 'SEKISHO_INTERNAL', detail: '' };
  // A stop resets the client; this end may wait for a reader that never reads.
  controller.signal.addEventListener('abort', () => reset(ends.server), { once: true });
  try {
    verdict = await carry(ends, { request, deps, facts, bytes, startMs });
    return verdict;
  } finally {
    finish(ends, verdict.code);
  }
}

interface Ends {
  readonly client: Socket;
  readonly server: Socket;
  /** Client bytes that came early. */
  readonly held: Buffer;
}

/** From the connection to the last byte; closes nothing. */
async function carry(ends: Ends, { request, deps, facts, bytes, startMs }: Omit<Run, 'controller'> & { readonly startMs: number }): Promise<Verdict> {
  const { client, server } = ends;
  if (client.destroyed) return { code: 'SEKISHO_EGRESS_CLIENT_GONE', detail: 'left while connecting' };
  server.pause();
  // An end may finish before the other; without this its last word would cut the answer off.
  server.allowHalfOpen = true;
  client.write(ESTABLISHED);
  facts.established = true;
  const refused = await pass(ends, { request, deps, facts });
  // What has been passed on before the pump counts.
  bytes.up = server.bytesWritten;
  bytes.down = client.bytesWritten - ESTABLISHED.length;
  if (refused !== undefined) return refused;
  const lifeMs = deps.limits.lifeMs - (deps.clock.monotonicMs() - startMs);
  const code = await pump(client, server, { ...deps.limits, lifeMs }, { clock: deps.clock, counts: bytes });
  return { code, detail: '' };
}

/** Undefined: both ends may talk. */
async function pass({ client, server, held }: Ends, { request, deps, facts }: Pick<Run, 'request' | 'deps' | 'facts'>): Promise<Verdict | undefined> {
  if (!request.inspect) {
    if (held.length > 0) server.write(held);
    return undefined;
  }
  const startMs = deps.clock.monotonicMs();
  const { host, mode } = request;
  const end: HandshakeEnd = await runHandshake({ client, server, host, mode, early: held, helloMs: deps.limits.helloMs, clock: deps.clock });
  facts.versions = end.versions;
  facts.helloMs = deps.clock.monotonicMs() - startMs;
  if (end.kind === 'refused') return end;
  if (end.kind === 'alert') return { code: undefined, detail: 'ended by an alert' };
  if (end.wouldDeny !== undefined) facts.wouldDeny = [end.wouldDeny];
  if (end.toServer.length > 0) server.write(end.toServer);
  if (end.toClient.length > 0) client.write(end.toClient);
  return undefined;
}

/** Verdicts cut both ends off. Otherwise a client may still read what was sent to it, and a server what was sent in order. */
function finish({ client, server }: Ends, code: Code | undefined): void {
  if (code === undefined) closeSoon(server, LINGER_MS);
  else reset(server);
  if (code === undefined || code === 'SEKISHO_EGRESS_SERVER_GONE') closeSoon(client, LINGER_MS);
  else reset(client);
}

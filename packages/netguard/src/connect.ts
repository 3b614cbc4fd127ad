// The one place that opens connections to strangers: resolve, vet, connect to exactly the vetted address, look at the
// other end once more, then TLS for the asked name over that very socket. The name is resolved once; nothing after the
// vetting can change where the bytes go (DNS rebinding).

import { connect as netConnect, type Socket } from 'node:net';
import { connect as tlsConnect, createSecureContext, rootCertificates, type SecureContext, type TLSSocket } from 'node:tls';
import type { Code } from '@sekisho/contracts';
import type { AddressPolicy } from './address-policy.ts';
import { addressKey, parseAddress } from './address.ts';
import { errorCode } from './error-code.ts';
import type { NameResolver } from './resolver.ts';
import { vetAnswer } from './vet.ts';

/** Shortest time one address gets, so that the last of several is not tried with nothing left. */
const ATTEMPT_MS_MIN = 250;

export interface ConnectRequest {
  /** Name or IP literal, already through `checkTargetUrl` or `checkHostName`. */
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** TCP and TLS together, milliseconds; the resolver has its own deadline. */
  readonly connectMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ConnectDeps {
  readonly policy: AddressPolicy;
  readonly resolver: NameResolver;
  /** Of `createTlsContext`; absent: the built-in roots, TLS 1.2 or newer. */
  readonly tlsContext?: SecureContext | undefined;
}

export type Refusal = { readonly kind: 'deny' | 'fault'; readonly code: Code; readonly detail: string };
export type Connected = { readonly kind: 'connected'; readonly socket: Socket; readonly address: string };

/** Roots of Node plus further ones. Make it once: parsing the roots takes milliseconds of CPU. */
export function createTlsContext(options: { readonly extraCa?: string | undefined } = {}): SecureContext {
  if (options.extraCa === undefined) return createSecureContext({ minVersion: 'TLSv1.2' });
  return createSecureContext({ minVersion: 'TLSv1.2', ca: [...rootCertificates, options.extraCa] });
}

const DEFAULT_CONTEXT = createTlsContext();

/** A connected socket, TLS done where asked, or the reason why not. Never rejects, never leaves a socket open. */
export async function connectPinned(request: ConnectRequest, deps: ConnectDeps): Promise<Connected | Refusal> {
  const found = await findAddresses(request, deps);
  if ('kind' in found) return found;
  const deadline = performance.now() + request.connectMs;
  const tcp = await connectFirst(found.addresses, request, { deadline, policy: deps.policy });
  if (tcp.kind !== 'connected' || !request.tls) return tcp;
  return startTls(tcp, request, { deadline, context: deps.tlsContext ?? DEFAULT_CONTEXT });
}

const deny = (code: Code, detail: string): Refusal => ({ kind: 'deny', code, detail });
const fault = (code: Code, detail: string): Refusal => ({ kind: 'fault', code, detail });
const aborted = (): Refusal => fault('SEKISHO_ABORTED', 'aborted while connecting');

async function findAddresses(request: ConnectRequest, deps: ConnectDeps): Promise<{ readonly addresses: readonly string[] } | Refusal> {
  const literal = parseAddress(request.host);
  if (literal !== undefined) {
    const answer = literal.family === 4 ? { v4: [request.host], v6: [] } : { v4: [], v6: [request.host] };
    const vetted = vetAnswer(answer, deps.policy, request.port);
    return vetted.ok ? vetted : deny('SEKISHO_TARGET_ADDRESS', vetted.detail);
  }
  const answer = await deps.resolver.resolve(request.host, request.signal);
  if (request.signal?.aborted === true) return aborted();
  if (answer.kind === 'unresolved') return deny('SEKISHO_TARGET_UNRESOLVED', answer.detail);
  if (answer.kind === 'failed') return fault('SEKISHO_UPSTREAM_DNS', answer.detail);
  const vetted = vetAnswer(answer, deps.policy, request.port);
  return vetted.ok ? vetted : deny('SEKISHO_TARGET_ADDRESS', vetted.detail);
}

/** The vetted addresses one after the other, each with a fair part of the time left. */
async function connectFirst(
  addresses: readonly string[],
  request: ConnectRequest,
  limits: { readonly deadline: number; readonly policy: AddressPolicy },
): Promise<Connected | Refusal> {
  let last = fault('SEKISHO_UPSTREAM_CONNECT', 'no address');
  for (const [at, address] of addresses.entries()) {
    const leftMs = limits.deadline - performance.now();
    if (leftMs <= 0) break;
    const timeoutMs = Math.min(leftMs, Math.max(ATTEMPT_MS_MIN, leftMs / (addresses.length - at)));
    const result = await connectTcp(address, request, timeoutMs);
    if (result.kind === 'connected') return checkPeer(result, request.port, limits.policy);
    if (result.code === 'SEKISHO_ABORTED') return result;
    last = result;
  }
  return last;
}

async function connectTcp(address: string, request: ConnectRequest, timeoutMs: number): Promise<Connected | Refusal> {
  if (request.signal?.aborted === true) return aborted();
  const socket = netConnect({ host: address, port: request.port, autoSelectFamily: false, noDelay: true });
  const failure = await settled(socket, { event: 'connect', timeoutMs, signal: request.signal });
  if (failure === undefined) return { kind: 'connected', socket, address };
  if (failure === 'aborted') return aborted();
  if (failure === 'timeout') return fault('SEKISHO_UPSTREAM_TIMEOUT', `tcp ${address}: timeout`);
  return fault('SEKISHO_UPSTREAM_CONNECT', `tcp ${address}: ${errorCode(failure)}`);
}

/** The address was vetted before; this holds the kernel, and a policy that was reloaded meanwhile, to the same answer. */
function checkPeer(connected: Connected, port: number, policy: AddressPolicy): Connected | Refusal {
  const { socket, address } = connected;
  const peer = parseAddress(socket.remoteAddress ?? '');
  const wanted = parseAddress(address);
  const same = peer !== undefined && wanted !== undefined && addressKey(peer) === addressKey(wanted);
  if (same && socket.remotePort === port && policy.check(address, port).allowed) return connected;
  socket.destroy();
  return peer === undefined
    ? fault('SEKISHO_UPSTREAM_CONNECT', 'the connection was gone at once')
    : deny('SEKISHO_TARGET_ADDRESS', 'the other end is not the vetted address');
}

async function startTls(
  tcp: Connected,
  request: ConnectRequest,
  limits: { readonly deadline: number; readonly context: SecureContext },
): Promise<Connected | Refusal> {
  const isLiteral = parseAddress(request.host) !== undefined;
  const socket: TLSSocket = tlsConnect({
    socket: tcp.socket,
    // The name that the certificate must be for; SNI may not carry an IP address (RFC 6066 section 3).
    host: request.host,
    ...(isLiteral ? {} : { servername: request.host }),
    secureContext: limits.context,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: true,
  });
  const timeoutMs = Math.max(1, limits.deadline - performance.now());
  const failure = await settled(socket, { event: 'secureConnect', timeoutMs, signal: request.signal });
  if (failure === undefined && socket.authorized) return { kind: 'connected', socket, address: tcp.address };
  socket.destroy();
  tcp.socket.destroy();
  if (failure === 'aborted') return aborted();
  if (failure === 'timeout') return fault('SEKISHO_UPSTREAM_TIMEOUT', 'tls: timeout');
  return fault('SEKISHO_UPSTREAM_TLS', `tls: ${failure === undefined ? 'not authorized' : errorCode(failure)}`);
}

interface Wait {
  readonly event: 'connect' | 'secureConnect';
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}
type Failure = Error | 'timeout' | 'aborted';

/** Waits for the event; on anything else the socket is destroyed and the reason returned. */
async function settled(socket: Socket, wait: Wait): Promise<Failure | undefined> {
  // Late errors of a destroyed socket must not become uncaught exceptions.
  socket.on('error', () => undefined);
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const failure = await new Promise<Failure | undefined>((resolve) => {
    timer = setTimeout(() => resolve('timeout'), wait.timeoutMs);
    onAbort = () => resolve('aborted');
    if (wait.signal?.aborted === true) resolve('aborted');
    wait.signal?.addEventListener('abort', onAbort, { once: true });
    socket.once(wait.event, () => resolve(undefined));
    socket.once('error', resolve);
    socket.once('close', () => resolve(new Error('closed')));
  });
  clearTimeout(timer);
  if (onAbort !== undefined) wait.signal?.removeEventListener('abort', onAbort);
  if (failure !== undefined) socket.destroy();
  return failure;
}

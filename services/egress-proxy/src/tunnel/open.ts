// The connection to the other end: netguard resolves, vets and connects; here its answers become codes of tunnels, and
// its phases are timed.

import type { Socket } from 'node:net';
import type { Code } from '@sekisho/contracts';
import { type AddressPolicy, connectPinned, type NameResolver, type Refusal } from '@sekisho/netguard';
import type { Clock } from '@sekisho/runtime';

export interface OpenDeps {
  readonly policy: AddressPolicy;
  readonly resolver: NameResolver;
  readonly clock: Clock;
}

export interface OpenRequest {
  readonly host: string;
  readonly port: number;
  readonly connectMs: number;
  readonly signal: AbortSignal;
}

export interface OpenTimes {
  /** Undefined: the phase was not reached. */
  readonly dnsMs: number | undefined;
  readonly connectMs: number | undefined;
}

export type Opened = OpenTimes &
  (
    | { readonly ok: true; readonly socket: Socket; readonly address: string }
    | { readonly ok: false; readonly code: Code; readonly detail: string }
  );

/** Never rejects, never leaves a socket open. */
export async function openUpstream(request: OpenRequest, deps: OpenDeps): Promise<Opened> {
  const { clock } = deps;
  const startMs = clock.monotonicMs();
  let resolvedMs: number | undefined;
  const resolver: NameResolver = {
    resolve: async (name, signal) => {
      const answer = await deps.resolver.resolve(name, signal);
      resolvedMs = clock.monotonicMs();
      return answer;
    },
  };
  const result = await connectPinned({ ...request, tls: false }, { policy: deps.policy, resolver });
  const dnsMs = resolvedMs === undefined ? undefined : resolvedMs - startMs;
  const wasTried = result.kind === 'connected' || result.code.startsWith('SEKISHO_UPSTREAM_') && result.code !== 'SEKISHO_UPSTREAM_DNS';
  const connectMs = resolvedMs === undefined || !wasTried ? undefined : clock.monotonicMs() - resolvedMs;
  if (result.kind !== 'connected') return { ok: false, code: codeOf(result), detail: result.detail, dnsMs, connectMs };
  return { ok: true, socket: result.socket, address: result.address, dnsMs, connectMs };
}

/** c-ares says ECANCELLED for its own total deadline. */
const isLate = (detail: string): boolean => /\b(?:ETIMEOUT|ETIMEDOUT|ECANCELLED)\b/.test(detail);

function codeOf({ code, detail }: Refusal): Code {
  if (code === 'SEKISHO_TARGET_ADDRESS') return 'SEKISHO_EGRESS_ADDRESS';
  if (code === 'SEKISHO_TARGET_UNRESOLVED') return 'SEKISHO_EGRESS_UNRESOLVED';
  if (code === 'SEKISHO_UPSTREAM_DNS') return isLate(detail) ? 'SEKISHO_EGRESS_DNS_TIMEOUT' : 'SEKISHO_EGRESS_DNS';
  if (code === 'SEKISHO_UPSTREAM_TIMEOUT' || isLate(detail)) return 'SEKISHO_EGRESS_CONNECT_TIMEOUT';
  return code === 'SEKISHO_ABORTED' ? 'SEKISHO_EGRESS_CLIENT_GONE' : 'SEKISHO_EGRESS_CONNECT';
}

// The waiting in front of each target host: a bounded table of hosts, a bounded first-in first-out queue per host.

import type { Code } from '@sekisho/contracts';
import type { HostSlot } from '@sekisho/netguard';
import type { Clock } from '@sekisho/runtime';
import { admit, afterFault, afterPause, afterRelease, afterSuccess, type HostState, isForgettable, newHost } from './policy.ts';

const HOSTS_MAX = 10_000;
const QUEUE_MAX = 64;
/** Hosts looked at to find a forgettable one; the table is in order of use, so the first ones are the idlest. */
const EVICTION_LOOKS_MAX = 64;
const FULL_RETRY_S = 5;

export interface HostGate {
  /** A connection slot of the host; waits in line, settles at once on abort. Give every slot back. */
  acquire(host: string, signal: AbortSignal): Promise<HostSlot>;
  succeeded(host: string): void;
  failed(host: string): void;
  pause(host: string, seconds: number): void;
  readonly counts: { readonly active: number; readonly paused: number; readonly hosts: number };
}

export interface HostGateOptions {
  readonly clock: Clock;
  readonly hostsMax?: number;
  readonly queueMax?: number;
}

interface Waiter {
  settle(slot: HostSlot): void;
}
interface Host {
  state: HostState;
  readonly queue: Waiter[];
  timer: NodeJS.Timeout | undefined;
}

export function createHostGate(options: HostGateOptions): HostGate {
  const { clock } = options;
  const hosts = new Map<string, Host>();
  const now = (): number => clock.monotonicMs();
  const change = (name: string, next: (state: HostState) => HostState): void => {
    const host = hosts.get(name);
    if (host === undefined) return;
    host.state = next(host.state);
    pump(host, now);
  };
  return {
    acquire: async (name, signal) => {
      const host = findHost(hosts, name, { hostsMax: options.hostsMax ?? HOSTS_MAX, nowMs: now() });
      if (host === undefined) return refuse('SEKISHO_LIMIT_FETCHES', FULL_RETRY_S);
      if (host.queue.length >= (options.queueMax ?? QUEUE_MAX)) return refuse('SEKISHO_UPSTREAM_PAUSED', FULL_RETRY_S);
      return await enqueue(host, signal, now);
    },
    succeeded: (name) => change(name, afterSuccess),
    failed: (name) => change(name, (state) => afterFault(state, now())),
    pause: (name, seconds) => change(name, (state) => afterPause(state, now(), seconds)),
    get counts() {
      const all = [...hosts.values()];
      return {
        hosts: all.length,
        active: all.reduce((sum, { state }) => sum + state.active, 0),
        paused: all.filter(({ state }) => state.pausedUntilMs > now()).length,
      };
    },
  };
}

const refuse = (code: Code, retryAfterS: number): HostSlot => ({ ok: false, code, retryAfterS });

/** The host's entry, moved to the young end of the table; undefined when the table is full of busy hosts. */
function findHost(hosts: Map<string, Host>, name: string, limits: { readonly hostsMax: number; readonly nowMs: number }): Host | undefined {
  const known = hosts.get(name);
  if (known === undefined && hosts.size >= limits.hostsMax && !forgetOne(hosts, limits.nowMs)) return undefined;
  const host = known ?? { state: newHost(limits.nowMs), queue: [], timer: undefined };
  hosts.delete(name);
  hosts.set(name, host);
  return host;
}

function forgetOne(hosts: Map<string, Host>, nowMs: number): boolean {
  let looks = 0;
  for (const [name, host] of hosts) {
    if (host.queue.length === 0 && isForgettable(host.state, nowMs)) return hosts.delete(name);
    looks += 1;
    if (looks >= EVICTION_LOOKS_MAX) break;
  }
  return false;
}

function enqueue(host: Host, signal: AbortSignal, now: () => number): Promise<HostSlot> {
  return new Promise((resolve) => {
    const leave = (): void => {
      const at = host.queue.indexOf(waiter);
      if (at >= 0) host.queue.splice(at, 1);
      waiter.settle(refuse('SEKISHO_ABORTED', 1));
    };
    const waiter: Waiter = {
      settle: (slot) => {
        signal.removeEventListener('abort', leave);
        resolve(slot);
      },
    };
    if (signal.aborted) {
      resolve(refuse('SEKISHO_ABORTED', 1));
      return;
    }
    signal.addEventListener('abort', leave, { once: true });
    host.queue.push(waiter);
    pump(host, now);
  });
}

/** Lets waiters through, first come first served, until one has to wait. */
function pump(host: Host, now: () => number): void {
  clearTimeout(host.timer);
  host.timer = undefined;
  for (let first = host.queue[0]; first !== undefined; first = host.queue[0]) {
    const admission = admit(host.state, now());
    if (admission.kind === 'wait') {
      if (admission.ms !== undefined) host.timer = setTimeout(() => pump(host, now), admission.ms);
      return;
    }
    host.queue.shift();
    if (admission.kind === 'paused') {
      first.settle(refuse('SEKISHO_UPSTREAM_PAUSED', admission.retryAfterS));
      continue;
    }
    host.state = admission.state;
    first.settle({ ok: true, release: releaseOnce(host, now) });
  }
}

function releaseOnce(host: Host, now: () => number): () => void {
  let held = true;
  return () => {
    if (!held) return;
    held = false;
    host.state = afterRelease(host.state);
    pump(host, now);
  };
}

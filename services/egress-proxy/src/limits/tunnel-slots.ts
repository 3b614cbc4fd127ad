// How many tunnels are open, in all and per host. A tunnel counts from the moment it is accepted, so that names which
// never answer cannot pile up behind the limit.

export interface SlotLimits {
  readonly tunnelsMax: number;
  readonly hostTunnelsMax: number;
}

export type Slot =
  | { readonly ok: true; readonly release: () => void }
  | { readonly ok: false; readonly code: 'SEKISHO_EGRESS_LIMIT' | 'SEKISHO_EGRESS_HOST_LIMIT' };

export interface TunnelSlots {
  readonly open: number;
  readonly hosts: number;
  /** `release` gives the slot back; a second call does nothing. */
  acquire(host: string): Slot;
}

export function createTunnelSlots(limits: SlotLimits): TunnelSlots {
  const byHost = new Map<string, number>();
  let open = 0;
  return {
    get open() {
      return open;
    },
    get hosts() {
      return byHost.size;
    },
    acquire: (host) => {
      const ofHost = byHost.get(host) ?? 0;
      if (open >= limits.tunnelsMax) return { ok: false, code: 'SEKISHO_EGRESS_LIMIT' };
      if (ofHost >= limits.hostTunnelsMax) return { ok: false, code: 'SEKISHO_EGRESS_HOST_LIMIT' };
      open += 1;
      byHost.set(host, ofHost + 1);
      let held = true;
      const release = (): void => {
        if (!held) return;
        held = false;
        open -= 1;
        const left = (byHost.get(host) ?? 1) - 1;
        if (left > 0) byHost.set(host, left);
        else byHost.delete(host);
      };
      return { ok: true, release };
    },
  };
}

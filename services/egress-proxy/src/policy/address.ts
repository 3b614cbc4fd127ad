// The address policy of a tunnel. Pure.

import { type AddressPolicy, addressKey, parseAddress } from '@sekisho/netguard';
import { TLS_PORT } from './decide.ts';

export interface SelfEndpoints {
  /** Addresses of this host or pod. */
  readonly addresses: readonly string[];
  readonly ports: ReadonlySet<number>;
}

/** Our own listeners are never a target, not even as an unsafe allow target: a tunnel to ourselves could go round for ever. */
export function withoutSelf(policy: AddressPolicy, self: SelfEndpoints): AddressPolicy {
  const own = new Set(self.addresses.flatMap(keyOf));
  return {
    ...policy,
    check: (ip, port) => {
      const isSelf = self.ports.has(port) && keyOf(ip).some((key) => own.has(key));
      return isSelf ? { allowed: false, label: 'self', cidr: ip, source: 'a listener of the egress-proxy' } : policy.check(ip, port);
    },
  };
}

/** For mail and for `report`, where the port was judged elsewhere: the address is judged as if it were asked for port 443. */
export const anyPort = (policy: AddressPolicy): AddressPolicy => ({
  ...policy,
  check: (ip, port) => {
    const verdict = policy.check(ip, port);
    if (verdict.allowed || verdict.label === 'self') return verdict;
    const asWeb = policy.check(ip, TLS_PORT);
    return asWeb.allowed && asWeb.unsafeTarget ? verdict : asWeb;
  },
});

const keyOf = (ip: string): readonly string[] => {
  const address = parseAddress(ip);
  return address === undefined ? [] : [addressKey(address)];
};

// Which addresses of an answer may be connected to. Pure.

import type { AddressPolicy, AddressVerdict } from './address-policy.ts';
import { FAMILY_ADDRESSES_MAX } from './resolver.ts';

/** Addresses tried for one connection; more would only stretch the wait for a dead host. */
export const ADDRESSES_TRIED_MAX = 4;

export interface DnsAnswer {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}

export type VettedAnswer =
  | { readonly ok: true; readonly addresses: readonly string[] }
  | { readonly ok: false; readonly detail: string };

/**
 * One address that is not public condemns its whole family: a mixed answer is an attack (or a leak), and which of its
 * addresses gets tried must not be the attacker's lottery. The other family is used when it is clean. IPv4 first.
 */
export function vetAnswer(answer: DnsAnswer, policy: AddressPolicy, port: number): VettedAnswer {
  const v4 = vetFamily(answer.v4, policy, port);
  const v6 = vetFamily(answer.v6, policy, port);
  const addresses = [...(v4.ok ? v4.addresses : []), ...(v6.ok ? v6.addresses : [])].slice(0, ADDRESSES_TRIED_MAX);
  if (addresses.length > 0) return { ok: true, addresses };
  return { ok: false, detail: [v4, v6].flatMap((family) => (family.ok ? [] : [family.detail])).join('; ') || 'no address' };
}

function vetFamily(addresses: readonly string[], policy: AddressPolicy, port: number): VettedAnswer {
  if (addresses.length > FAMILY_ADDRESSES_MAX) return { ok: false, detail: 'too many addresses' };
  for (const address of addresses) {
    const verdict = policy.check(address, port);
    if (!verdict.allowed) return { ok: false, detail: describe(address, verdict) };
  }
  return { ok: true, addresses };
}

const describe = (address: string, verdict: AddressVerdict & { readonly allowed: false }): string =>
  `${address} ${verdict.label} ${verdict.cidr}`.trim();

// Networks of senders: an address or a prefix, IPv4 or IPv6.

import { BlockList, isIP } from 'node:net';

export interface Networks {
  /** Whether an address, or the first address of a prefix, lies in one of them; undefined: it is neither. */
  hold(text: string): boolean | undefined;
}

interface Prefix {
  readonly address: string;
  readonly bits: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** undefined: one of them is neither an address nor a prefix. */
export function readNetworks(texts: readonly string[]): Networks | undefined {
  const list = new BlockList();
  for (const text of texts) {
    const prefix = readPrefix(text);
    if (prefix === undefined) return undefined;
    list.addSubnet(prefix.address, prefix.bits, prefix.family);
  }
  return {
    hold: (text) => {
      const prefix = readPrefix(text);
      return prefix === undefined ? undefined : list.check(prefix.address, prefix.family);
    },
  };
}

function readPrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  const address = slash === -1 ? text : text.slice(0, slash);
  const version = address.includes('%') ? 0 : isIP(address);
  if (version === 0) return undefined;
  const most = version === 4 ? 32 : 128;
  const length = slash === -1 ? String(most) : text.slice(slash + 1);
  const bits = /^\d{1,3}$/.test(length) ? Number(length) : -1;
  return bits < 0 || bits > most ? undefined : { address, bits, family: version === 4 ? 'ipv4' : 'ipv6' };
}

// An address with a port, as settings name them. Pure.

import { parseAddress } from './address.ts';

export interface Endpoint {
  /** IPv4 or IPv6 address. */
  readonly address: string;
  readonly port: number;
}

/** `ip:port` or `[ipv6]:port`; undefined for anything else. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([1-9]\d{0,4})$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3] ?? 0);
  return parseAddress(address) === undefined || port > 65_535 ? undefined : { address, port };
}

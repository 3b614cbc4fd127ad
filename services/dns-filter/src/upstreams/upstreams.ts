// Where the filter forwards to. Pure.

import { parseAddress } from '@sekisho/netguard';
import type { Endpoint } from '@sekisho/netguard/dns';

/** What resolvers themselves read of a resolv.conf. */
const NAME_SERVERS_MAX = 3;
const DNS_PORT = 53;

/** `ip:port` or `[ipv6]:port`; undefined for anything else. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([1-9]\d{0,4})$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3] ?? 0);
  return parseAddress(address) === undefined || port > 65_535 ? undefined : { address, port };
}

/** The `nameserver` lines of a resolv.conf; a server with a zone (link-local) cannot be written into a configuration. */
export function readNameServers(text: string): readonly Endpoint[] {
  const found = [...text.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)].flatMap((match) => match[1] ?? []);
  return found.filter((address) => parseAddress(address) !== undefined).slice(0, NAME_SERVERS_MAX).map((address) => ({ address, port: DNS_PORT }));
}

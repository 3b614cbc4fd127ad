// Where the filter forwards to. Pure.

import { type Endpoint, parseAddress } from '@sekisho/netguard';

/** What resolvers themselves read of a resolv.conf. */
const NAME_SERVERS_MAX = 3;
const DNS_PORT = 53;

/** The `nameserver` lines of a resolv.conf; a server with a zone (link-local) cannot be written into a configuration. */
export function readNameServers(text: string): readonly Endpoint[] {
  const found = [...text.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)].flatMap((match) => match[1] ?? []);
  return found.filter((address) => parseAddress(address) !== undefined).slice(0, NAME_SERVERS_MAX).map((address) => ({ address, port: DNS_PORT }));
}

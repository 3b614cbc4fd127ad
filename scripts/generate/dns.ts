// k8s/dns/: the policy and the configuration of the DNS filter as it renders them with its defaults, for reading and for
// running Unbound without it.

import { rpzZone, unboundConf } from '@sekisho/netguard/dns';
import type { GeneratedFile } from './drift.ts';

const FOLDER = '/run/sekisho/dns-filter/unbound';
/** The DNS Service of most clusters; the filter itself reads /etc/resolv.conf. */
const UPSTREAM = { address: '10.96.0.10', port: 53 } as const;

export const dnsFiles = (): readonly GeneratedFile[] => [
  { path: 'k8s/dns/rpz.zone', text: rpzZone().text },
  {
    path: 'k8s/dns/unbound.conf',
    text: unboundConf({
      listen: { address: '127.0.0.1', port: 5353 }, upstreams: [UPSTREAM], zoneFile: `${FOLDER}/rpz.zone`, controlSocket: `${FOLDER}/control`,
    }),
  },
];

// Counts new TCP connections from given addresses that reach the node itself, policies passed: the cases run beside the
// node, in its network. API and kubelet cannot be asked how often somebody has knocked.

import { spawnSync } from 'node:child_process';

const TABLE = 'inet e2e_count';
const NFT_MS = 10_000;
/** Of the API server and the kubelet. */
const API_PORTS = '{ 6443, 10250 }';

export interface NodeCounts {
  readonly api: number;
  /** Every other port. */
  readonly node: number;
}

function nft(args: readonly string[], input?: string): string {
  const { status, stdout, stderr } = spawnSync('nft', args, { encoding: 'utf8', timeout: NFT_MS, ...(input === undefined ? {} : { input }) });
  if (status !== 0) throw new Error(`nft ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** Begins at zero. */
export function countFrom(ips: readonly string[]): void {
  const rules = ips.flatMap((ip) => {
    const from = `${ip.includes(':') ? 'ip6' : 'ip'} saddr ${ip} meta l4proto tcp ct state new`;
    return [`${from} tcp dport ${API_PORTS} counter name api`, `${from} tcp dport != ${API_PORTS} counter name node`];
  });
  stopCounting();
  // Behind every other filter, so that what they refuse is not counted.
  nft(['-f', '-'], `table ${TABLE} {\n counter api {}\n counter node {}\n chain in {\n type filter hook input priority 300; policy accept;\n ${rules.join('\n ')}\n }\n}\n`);
}

export function countsNow(): NodeCounts {
  const packets = (name: string): number => Number(/packets (\d+)/.exec(nft(['list', 'counter', 'inet', 'e2e_count', name]))?.[1] ?? Number.NaN);
  return { api: packets('api'), node: packets('node') };
}

export function stopCounting(): void {
  nft(['-f', '-'], `table ${TABLE} {}\ndelete table ${TABLE}\n`);
}

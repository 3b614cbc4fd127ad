// The egress-proxy in a network where every non-public address of the reference listens, and two public ones do: run by
// probes.int.test.ts in a namespace of its own, with the policy of production. Prints one line of JSON.

import { isIP, type Socket } from 'node:net';
import type { AddressPolicy } from '@sekisho/netguard';
import { addAddresses, type DnsZone, isReachable, listenEverywhere, readSsrfCases, type Targets } from '@sekisho/testkit';
import { type Rig, startRig } from './rig.ts';

export const PROBES = `0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 127.0.0.1 169.254.169.254 192.0.0.1 192.0.0.192 192.0.2.1 192.31.196.1
  192.52.193.1 192.88.99.1 192.175.48.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255
  168.63.129.16 :: ::1 ::7f00:1 ::ffff:7f00:1 ::ffff:0:7f00:1 64:ff9b::7f00:1 64:ff9b:1::7f00:1 100::1 100:0:0:1::1
  2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2620:4f:8000::1 3fff::1 4000::1 5f00::1 fc00::1
  fe80::1 fec0::1 ff02::1 2a00::5efe:7f00:1 fd00:ec2::254`.split(/\s+/);
export const METADATA = `169.254.170.2 169.254.170.23 fd00:ec2::23 fd20:ce::254 169.254.169.252 169.254.169.253 169.254.169.123
  100.100.100.200 169.254.0.23`.split(/\s+/);
const ALL = [...PROBES, ...METADATA];
const PUBLIC = { v4: '8.8.8.8', v6: '2606:4700:4700::1111' } as const;
const PORTS = [443, 80, 25, 587, 8443];

export interface ProbeReport {
  /** Targets that a plain connection reaches. */
  readonly reachable: readonly string[];
  /** Status and arrival of tunnels to public names, through both ports. */
  readonly controls: readonly string[];
  readonly requests: number;
  /** Requests answered otherwise than meant. */
  readonly wrong: readonly string[];
  /** Connections at anything but the two public addresses. */
  readonly breaches: readonly string[];
  /** Hostile cases of the corpus, as targets of CONNECT. */
  readonly corpus: number;
  /** The same counting with the address policy switched off. */
  readonly withoutPolicy: readonly string[];
}

const family = (ip: string): 'a' | 'aaaa' => (ip.includes(':') ? 'aaaa' : 'a');
const goodOf = (ip: string): string => (ip.includes(':') ? PUBLIC.v6 : PUBLIC.v4);

/** Names that lead to the n-th probe in every way. */
const zoneOf = (ip: string, at: number): DnsZone => ({
  [`name${at}.peer.example`]: { [family(ip)]: [ip] },
  [`cname${at}.peer.example`]: { cname: `name${at}.peer.example` },
  [`chain${at}.peer.example`]: { cname: `cname${at}.peer.example` },
  [`before${at}.peer.example`]: { [family(ip)]: [ip, goodOf(ip)] },
  [`after${at}.peer.example`]: { [family(ip)]: [goodOf(ip), ip] },
  [`many${at}.peer.example`]: { [family(ip)]: [...Array<string>(20).fill(goodOf(ip)), ip] },
  [`rebind${at}.peer.example`]: { alternate: [{ [family(ip)]: [goodOf(ip)] }, { [family(ip)]: [ip] }] },
});
const NAMES = ['name', 'cname', 'chain', 'before', 'after', 'many'];

interface World {
  readonly rig: Rig;
  readonly targets: Targets;
  readonly wrong: string[];
  readonly breaches: string[];
  requests: number;
}

/** One request; connections to public addresses are the proxy's right, all others are breaches. */
async function ask(world: World, authority: string, expected: RegExp): Promise<void> {
  world.requests += 1;
  const sum = await world.rig.sum(authority);
  const bad = world.targets.taken().filter((address) => address !== PUBLIC.v4 && address !== PUBLIC.v6);
  if (bad.length > 0) world.breaches.push(`${authority}: ${bad.join()}`);
  if (!expected.test(sum)) world.wrong.push(`${authority}: ${sum}`);
}

async function attack(world: World, ip: string, at: number): Promise<void> {
  const literal = ip.includes(':') ? `[${ip}]` : ip;
  for (const port of PORTS) {
    await ask(world, `${literal}:${port}`, /^403 destination_ip_prohibited$/);
    if (ip.includes(':')) await ask(world, `${ip}:${port}`, /^400 /);
    for (const name of NAMES) await ask(world, `${name}${at}.peer.example:${port}`, port === 443 ? /^403 destination_ip_prohibited$/ : /^403 http_request_denied$/);
  }
  const rebinding = `rebind${at}.peer.example:443`;
  for (const expected of [/^200$/, /^403 destination/, /^200$/, /^403 destination/]) await ask(world, rebinding, expected);
}

/** Host and port of what the corpus means as a URL, an address or an authority; every name in it leads to 10.0.0.1. */
function authoritiesOf(input: string): readonly string[] {
  const url = URL.parse(input) ?? URL.parse(`https://${input}/`);
  if (url === null) return [input];
  const raw = /^[a-z]+:\/*([^/?#]*)/i.exec(input)?.[1] ?? input;
  return [raw, `${raw}:443`, `${url.hostname}:443`, `${url.hostname}:${url.port === '' ? 443 : url.port}`];
}

async function runCorpus(world: World): Promise<number> {
  const cases = readSsrfCases().filter(({ expected }) => expected === 'blocked');
  for (const { input } of cases) {
    for (const authority of authoritiesOf(input)) {
      // What would end the request line here is not the authority's doing.
      if (/[\r\n]/.test(authority)) continue;
      const name = (URL.parse(`https://${authority}/`)?.hostname ?? '').replace(/\.$/, '');
      if (name !== '' && isIP(name) === 0 && !name.startsWith('[')) world.rig.dns.set(name, { a: ['10.0.0.1'], aaaa: ['fc00::1'] });
      await ask(world, authority, /^(?:400|403) |^502 dns_error$/);
    }
  }
  return cases.length;
}

/** Everything is allowed: proves that the counting sees what the policy holds back. */
const ANYTHING: AddressPolicy = { check: () => ({ allowed: true, unsafeTarget: false }), setDenyCidrs: () => undefined, allowTargetPorts: new Set() };

async function switchOff(targets: Targets, zone: DnsZone): Promise<readonly string[]> {
  const rig = await startRig({ zone, deps: { policy: ANYTHING } });
  const reached: string[] = [];
  for (const [at, ip] of ALL.entries()) {
    targets.taken();
    await rig.sum(`name${at}.peer.example:443`);
    if (targets.taken().length > 0) reached.push(ip);
  }
  await rig.stop();
  return reached;
}

async function control(rig: Rig, targets: Targets, authority: string): Promise<string> {
  targets.taken();
  const sum = await rig.sum(authority);
  return [authority, sum, ...targets.taken()].join(' ');
}

async function run(): Promise<ProbeReport> {
  addAddresses([...new Set([...ALL, PUBLIC.v4, PUBLIC.v6])]);
  const targets = await listenEverywhere(PORTS, (socket: Socket) => void socket.resume().on('end', () => socket.end()));
  const reachable: string[] = [];
  for (const ip of ALL) if (await isReachable(ip, 443)) reachable.push(ip);
  const zone: DnsZone = { ...Object.assign({}, ...ALL.map(zoneOf)) as DnsZone, 'good.peer.example': { a: [PUBLIC.v4] }, 'good6.peer.example': { aaaa: [PUBLIC.v6] }, 'half.peer.example': { a: [PUBLIC.v4], aaaa: ['fc00::1'] } };
  const rig = await startRig({ zone, config: { unsafeAllowTargets: [] } });
  const controls: string[] = [];
  for (const host of ['good', 'good6', 'half']) controls.push(await control(rig, targets, `${host}.peer.example:443`));
  const world: World = { rig, targets, wrong: [], breaches: [], requests: 0 };
  for (const [at, ip] of ALL.entries()) await attack(world, ip, at);
  const corpus = await runCorpus(world);
  await rig.stop();
  const withoutPolicy = await switchOff(targets, zone);
  await targets.stop();
  return { reachable, controls, requests: world.requests, wrong: world.wrong, breaches: world.breaches, corpus, withoutPolicy };
}

if (process.argv[1] === import.meta.filename) process.stdout.write(`${JSON.stringify(await run())}\n`, () => process.exit(0));

// The egress-proxy in a network where every non-public address of the reference listens, and two public ones do: run by
// probes.int.test.ts in a namespace of its own, with the policy of production. Prints one line of JSON.

import { isIP, type Socket } from 'node:net';
import type { AddressPolicy } from '@sekisho/netguard';
import { addAddresses, type DnsZone, isReachable, listenEverywhere, NON_PUBLIC, PROBE_NAMES, PROBE_ZONE, PUBLIC, readSsrfCases, type Targets } from '@sekisho/testkit';
import { type Rig, startRig } from './rig.ts';

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
    for (const name of PROBE_NAMES) await ask(world, `${name}${at}.peer.example:${port}`, port === 443 ? /^403 destination_ip_prohibited$/ : /^403 http_request_denied$/);
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
  for (const [at, ip] of NON_PUBLIC.entries()) {
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
  addAddresses([...new Set([...NON_PUBLIC, PUBLIC.v4, PUBLIC.v6])]);
  const targets = await listenEverywhere(PORTS, (socket: Socket) => void socket.resume().on('end', () => socket.end()));
  const reachable: string[] = [];
  for (const ip of NON_PUBLIC) if (await isReachable(ip, 443)) reachable.push(ip);
  const zone: DnsZone = { ...PROBE_ZONE, 'half.peer.example': { a: [PUBLIC.v4], aaaa: ['fc00::1'] } };
  const rig = await startRig({ zone, config: { unsafeAllowTargets: [] } });
  const controls: string[] = [];
  for (const host of ['good', 'good6', 'half']) controls.push(await control(rig, targets, `${host}.peer.example:443`));
  const world: World = { rig, targets, wrong: [], breaches: [], requests: 0 };
  for (const [at, ip] of NON_PUBLIC.entries()) await attack(world, ip, at);
  const corpus = await runCorpus(world);
  await rig.stop();
  const withoutPolicy = await switchOff(targets, zone);
  await targets.stop();
  return { reachable, controls, requests: world.requests, wrong: world.wrong, breaches: world.breaches, corpus, withoutPolicy };
}

if (process.argv[1] === import.meta.filename) process.stdout.write(`${JSON.stringify(await run())}\n`, () => process.exit(0));

// The fetcher in a network where every non-public address of the reference listens: run by probes.int.test.ts in a namespace
// of its own. Prints one line of JSON.

import { isIP, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { AddressPolicy } from '@sekisho/netguard';
import { addAddresses, isReachable, listenEverywhere, makeStream, NON_PUBLIC, PROBE_NAMES, PROBE_ZONE, PUBLIC, readSsrfCases, type Targets } from '@sekisho/testkit';
import { type Rig, startRig } from './rig.ts';

const LATE_MS = 300;
/** Those of the fetcher and the others that the corpus names. */
const PORTS = [80, 443, 1, 22, 25, 2375, 2379, 6379, 8080, 9001, 12456];
/** The fetcher calls its Redis again and again: on a port where nobody listens, or the calls would be counted. */
const NO_REDIS = 'redis://127.0.0.1:9';
/** The empty one is no request at all. */
const CORPUS = readSsrfCases().filter(({ kind, expected, input }) => kind === 'url' && expected === 'blocked' && input !== '');

export interface ProbeReport {
  /** Targets that a plain connection reaches. */
  readonly reachable: readonly string[];
  /** What the fetcher made of public targets, and where its connections came in. */
  readonly controls: Readonly<Record<string, readonly string[]>>;
  /** Requests made of the fetcher. */
  readonly requests: number;
  /** Requests that ended otherwise than refused by address. */
  readonly wrong: readonly string[];
  /** Connections at anything but the two public addresses, over all requests. */
  readonly breaches: readonly string[];
  /** The corpus of URLs in the same network: cases, those not refused by policy, and connections to anything but its public control. */
  readonly corpus: { readonly cases: number; readonly wrong: readonly string[]; readonly breaches: readonly string[] };
  /** The same with the address policy switched off: what each literal of a probe reaches then. */
  readonly withoutPolicy: readonly string[];
}

const VIDEO = makeStream('video/webm', 1_024);

/** Answers `/to/<location>` with a redirect, anything else with a video. */
function serve(socket: Socket): void {
  socket.once('data', (chunk: Buffer) => {
    const location = /^GET \/to\/(\S+)/.exec(chunk.toString('latin1'))?.[1];
    const head = location === undefined
      ? `HTTP/1.1 200 OK\r\ncontent-length: ${VIDEO.length}\r\nconnection: close\r\n\r\n`
      : `HTTP/1.1 302 Found\r\nlocation: ${decodeURIComponent(location)}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`;
    socket.end(location === undefined ? Buffer.concat([Buffer.from(head), VIDEO]) : head);
  });
}

interface World {
  readonly rig: Rig;
  readonly targets: Targets;
  readonly wrong: string[];
  readonly breaches: string[];
  requests: number;
}

/** One request; connections to public addresses are the fetcher's right, all others are breaches. */
async function ask(world: World, url: string): Promise<string> {
  world.requests += 1;
  const sum = await world.rig.sum(url);
  const bad = world.targets.taken().filter((address) => address !== PUBLIC.v4 && address !== PUBLIC.v6);
  if (bad.length > 0) world.breaches.push(`${url}: ${bad.join()}`);
  return sum;
}

async function expectDenied(world: World, url: string): Promise<void> {
  const sum = await ask(world, url);
  if (sum !== 'deny SEKISHO_TARGET_ADDRESS') world.wrong.push(`${url}: ${sum}`);
}

async function attack(world: World, ip: string, at: number): Promise<void> {
  const literal = ip.includes(':') ? `[${ip}]` : ip;
  const hosts = [literal, ...PROBE_NAMES.map((name) => `${name}${at}.peer.example`)];
  for (const scheme of ['http', 'https']) {
    for (const host of hosts) {
      await expectDenied(world, `${scheme}://${host}/`);
      await expectDenied(world, `http://go${at}.peer.example/to/${encodeURIComponent(`${scheme}://${host}/`)}`);
    }
  }
  const rebinding = `http://rebind${at}.peer.example/`;
  const sums = [await ask(world, rebinding), await ask(world, rebinding), await ask(world, rebinding), await ask(world, rebinding)];
  const expected = ['stream video/webm 1024', 'deny SEKISHO_TARGET_ADDRESS', 'stream video/webm 1024', 'deny SEKISHO_TARGET_ADDRESS'];
  if (sums.join() !== expected.join()) world.wrong.push(`${rebinding}: ${sums.join()}`);
}

async function control(world: World, url: string): Promise<readonly string[]> {
  world.targets.taken();
  const sum = await world.rig.sum(url);
  return [sum, ...world.targets.taken()];
}

/** Hosts of the corpus that are addresses, where the kernel takes them. */
const corpusHosts = (): readonly string[] =>
  [...new Set(CORPUS.flatMap(({ input }) => URL.parse(input)?.hostname.replace(/^\[|\]$/g, '') ?? []))].filter((host) => isIP(host) !== 0);

/** Each hostile URL of the corpus. Every name in it leads to 10.0.0.1, where somebody listens. */
async function runCorpus(world: World): Promise<ProbeReport['corpus']> {
  const wrong: string[] = [];
  const before = world.breaches.length;
  for (const { id, input } of CORPUS) {
    const name = URL.parse(input)?.hostname.replace(/\.$/, '') ?? '';
    if (name !== '' && isIP(name) === 0 && !name.startsWith('[')) world.rig.dns.set(name, { a: ['10.0.0.1'], aaaa: ['fc00::1'] });
    const sum = await ask(world, input);
    if (!/^deny SEKISHO_(?:TARGET_|LOOP)/.test(sum)) wrong.push(`${id} ${input}: ${sum}`);
  }
  return { cases: CORPUS.length, wrong, breaches: world.breaches.slice(before) };
}

/** Everything is allowed: proves that the counting sees what the policy holds back. */
const ANYTHING: AddressPolicy = { check: () => ({ allowed: true, unsafeTarget: false }), setDenyCidrs: () => undefined, allowTargetPorts: new Set() };

async function switchOff(targets: Targets): Promise<readonly string[]> {
  const rig = await startRig({ policy: ANYTHING, redisUrl: NO_REDIS });
  const reached: string[] = [];
  for (const ip of NON_PUBLIC) {
    targets.taken();
    await rig.sum(`http://${ip.includes(':') ? `[${ip}]` : ip}/`);
    if (targets.taken().length > 0) reached.push(ip);
  }
  await rig.stop();
  return reached;
}

async function run(): Promise<ProbeReport> {
  addAddresses([...new Set([...NON_PUBLIC, ...corpusHosts(), PUBLIC.v4, PUBLIC.v6])]);
  const targets = await listenEverywhere(PORTS, serve);
  const reachable: string[] = [];
  for (const ip of NON_PUBLIC) if (await isReachable(ip, 80)) reachable.push(ip);
  const rig = await startRig({ zone: PROBE_ZONE, redisUrl: NO_REDIS });
  const world: World = { rig, targets, wrong: [], breaches: [], requests: 0 };
  const controls: Record<string, readonly string[]> = {};
  for (const url of ['http://8.8.8.8/', 'http://good.peer.example/', 'http://good6.peer.example/']) controls[url] = await control(world, url);
  for (const [at, ip] of NON_PUBLIC.entries()) await attack(world, ip, at);
  const { requests, wrong } = world;
  const corpus = await runCorpus(world);
  // A connection that comes after the answer counts too.
  await delay(LATE_MS);
  await ask(world, 'http://good.peer.example/');
  await rig.stop();
  const withoutPolicy = await switchOff(targets);
  await targets.stop();
  return { reachable, controls, requests, wrong, breaches: world.breaches, corpus, withoutPolicy };
}

if (import.meta.main) {
  console.log(JSON.stringify(await run()));
  process.exit(0);
}

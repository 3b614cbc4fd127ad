// The probe of test-sandbox in a decoder, as far as AppArmor can forbid what it tries, and how each attempt ended. One may
// be the last thing its process does: another process goes on behind it.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { SandboxLayer } from '../../services/image-worker/src/sandbox/layers.ts';
import type { Sandbox } from '../../services/image-worker/src/sandbox/plan.ts';
import { createSpawn } from '../../services/image-worker/src/sandbox/spawn.ts';
import { ATTEMPTS } from './attempt-names.ts';
import { PATIENT } from './decoders.ts';

const SCRIPT = '/app/services/image-worker/src/decoder/probe.cjs';
const LIBRARY = '/app/node_modules/@img/probe/probe.node';
const RUN_MS = 120_000;
/** In each lane. */
const RUNS_MAX = 20;

/** `success`, `refused ERRNO`, `killed SIGNAL`; anything else is a fault of the test. */
export type Verdicts = Readonly<Record<string, string>>;

/** @param lanes processes at once, where each attempt may cost one; where attempts succeed they would meet each other */
export async function probe(sandbox: Sandbox, without: readonly SandboxLayer[], lanes = 1): Promise<Verdicts> {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  const udp = createSocket('udp4').bind(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(udp, 'listening')]);
  const facts = [...FACTS, `port=${(server.address() as AddressInfo).port}`, `udp=${udp.address().port}`];
  const shares = Array.from({ length: lanes }, (_, lane) => ATTEMPTS.filter((_name, index) => index % lanes === lane));
  const verdicts = await Promise.all(shares.map((names) => probeAll({ sandbox, without, facts }, names)));
  server.close();
  udp.close();
  return Object.assign({}, ...verdicts) as Verdicts;
}

interface Order {
  readonly sandbox: Sandbox;
  readonly without: readonly SandboxLayer[];
  /** What an attacker would find out by looking. */
  readonly facts: readonly string[];
}

async function probeAll(order: Order, names: readonly string[]): Promise<Verdicts> {
  const verdicts: Record<string, string> = {};
  for (let runs = 0; runs < RUNS_MAX; runs += 1) {
    const left = names.filter((name) => verdicts[name] === undefined);
    if (left.length === 0) break;
    Object.assign(verdicts, await runProbe(order, left));
  }
  return verdicts;
}

const FACTS = [
  `parent=${process.pid}`, 'folder=/tmp', 'token=/run/secrets/kubernetes.io/serviceaccount/token',
  'secret=/run/secrets/sekisho/redis-work/image-worker-url',
];

async function runProbe({ sandbox, without, facts }: Order, names: readonly string[]): Promise<Verdicts> {
  const { process: child } = createSpawn({ sandbox, without, limits: PATIENT, script: SCRIPT, extraPaths: { read: [LIBRARY] } })('raster');
  // Without a reader, because it did not start, its end tells.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(JSON.stringify({ facts, attempts: names }));
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), RUN_MS);
  const end = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`did not start: ${error.message}`));
    child.once('close', (code, signal) => resolve(signal === null ? `exit ${code}` : `killed ${signal}`));
  });
  clearTimeout(timer);
  return readVerdicts(text, end);
}

function readVerdicts(text: string, end: string): Verdicts {
  const lines = text.split('\n').filter((line) => line.startsWith('{"attempt"')).map((line) => JSON.parse(line) as { readonly attempt: string; readonly verdict?: string });
  const verdicts = Object.fromEntries(lines.flatMap(({ attempt, verdict }) => (verdict === undefined ? [] : [[attempt, verdict]])));
  const last = lines.at(-1);
  if (last === undefined) throw new Error(`the probe did not run: ${end} ${text.slice(0, 500)}`);
  return { ...verdicts, [last.attempt]: verdicts[last.attempt] ?? end };
}

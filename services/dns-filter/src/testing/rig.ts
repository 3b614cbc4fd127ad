// The filter on the real Unbound, in front of a hostile name server.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe } from '@jest/globals';
import { unboundConf } from '@sekisho/netguard/dns';
import { createLogger } from '@sekisho/runtime';
import { type Asked, askDns, type DnsAsk, freePort, type HostileDns, type HostileZone, startHostileDns } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { type App, type AppDeps, createApp } from '../app.ts';
import { findPrograms, type Programs } from '../child/programs.ts';
import { answersItself } from '../child/ready.ts';
import type { DnsFilterConfig } from '../config.ts';

/** No PATH: only where Debian puts Unbound. */
const DEBIAN_ONLY = '';

export function installed(): Programs | undefined {
  try {
    return findPrograms(DEBIAN_ONLY);
  } catch {
    return undefined;
  }
}

/** Skipped by name where Unbound is not installed. */
export const withUnbound = installed() === undefined ? describe.skip : describe;

export type Ask = (name: string, over?: Partial<DnsAsk>) => Promise<Asked>;

export interface Rig {
  readonly app: App;
  readonly dns: HostileDns;
  readonly port: number;
  /** `ip:port` */
  readonly address: string;
  readonly folder: string;
  /** Lines of the log, parsed. */
  readonly lines: Record<string, unknown>[];
  readonly ask: Ask;
  stop(): Promise<void>;
}

export interface RigOptions {
  readonly zone?: HostileZone;
  readonly config?: Partial<DnsFilterConfig>;
  readonly deps?: Partial<AppDeps>;
  /** Text of a file of denied networks, at `<folder>/deny`. */
  readonly denyFile?: string;
}

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-dns-'));
  const dns = await startHostileDns(options.zone ?? {});
  const port = await freePort();
  const lines: Record<string, unknown>[] = [];
  const sink = new PassThrough();
  sink.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().split('\n').filter(Boolean)) lines.push(JSON.parse(line) as Record<string, unknown>);
  });
  if (options.denyFile !== undefined) writeFileSync(join(folder, 'deny'), options.denyFile);
  const config: DnsFilterConfig = {
    listen: { address: '127.0.0.1', port }, upstreams: [{ address: '127.0.0.1', port: dns.port }], opsHost: '127.0.0.1', opsPort: 0, denyCidrs: [],
    denyCidrsFile: options.denyFile === undefined ? undefined : join(folder, 'deny'), nat64Prefixes: [], unsafePublicCidrs: [], programPath: DEBIAN_ONLY, folder, logLevel: 'debug', ...options.config,
  };
  const log = createLogger({ service: 'dns-filter', level: 'debug', destination: sink });
  const clean = async (): Promise<void> => {
    await dns.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const app = await createApp(config, { log, pollMs: 50, ...options.deps }).catch(async (error: unknown) => {
    await clean();
    throw error;
  });
  return {
    app, dns, port, folder, lines, address: `127.0.0.1:${port}`,
    ask: (name, over = {}) => askDns({ port, name, ...over }),
    stop: async () => {
      await app.close();
      await clean();
    },
  };
}

/** The same Unbound with lines of its configuration changed: what would come through without a wall. */
export async function startChanged(upstreamPort: number, change: (conf: string) => string): Promise<{ readonly port: number; readonly ask: Ask; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-dns-'));
  const port = await freePort();
  const text = unboundConf({
    listen: { address: '127.0.0.1', port }, upstreams: [{ address: '127.0.0.1', port: upstreamPort }], zoneFile: join(folder, 'none'), controlSocket: join(folder, 'control'),
  });
  writeFileSync(join(folder, 'unbound.conf'), change(withoutPolicy(text)));
  const child = spawn(installed()?.unbound ?? '', ['-d', '-c', join(folder, 'unbound.conf')], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await until(() => answersItself({ address: '127.0.0.1', port }));
  return {
    port,
    ask: (name, over = {}) => askDns({ port, name, ...over }),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Without the zone, and without the dead ends for internal names. */
const withoutPolicy = (conf: string): string =>
  conf.slice(0, conf.indexOf('rpz:\n')).replaceAll(/forward-zone:\n.*\n.*\n +forward-addr: 192\.0\.2\.1\n/g, '').replace('"respip iterator"', '"iterator"');

/** Addresses in an answer, sorted, in one spelling. */
export const addressesIn = (asked: Asked): readonly string[] =>
  asked.answer.filter(({ type }) => type === 1 || type === 28).map(({ value }) => spelled(value)).toSorted();

export const spelled = (ip: string): string => (ip.includes(':') ? new URL(`http://[${ip}]/`).hostname.slice(1, -1) : ip);

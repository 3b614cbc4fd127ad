// Debian's tinyproxy as the peer of `egress`: a small CONNECT proxy in C that looks at nothing.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@sekisho/testkit/ports';
import { findProgram } from '../../scripts/set-up/programs.ts';
import { atEnd } from './cleanup.ts';
import { endProgram, whenListening } from './program.ts';

export interface Tinyproxy {
  readonly port: number;
  readonly pid: number;
}

export async function startTinyproxy(connectPorts: readonly number[]): Promise<Tinyproxy> {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-tinyproxy-'));
  const port = await freePort('127.0.0.1');
  const path = join(folder, 'tinyproxy.conf');
  const lines = [`Port ${port}`, 'Listen 127.0.0.1', 'Timeout 600', 'MaxClients 1024', 'LogLevel Critical', `LogFile "${join(folder, 'log')}"`, ...connectPorts.map((allowed) => `ConnectPort ${allowed}`)];
  writeFileSync(path, `${lines.join('\n')}\n`);
  const child = spawn(findProgram('tinyproxy') ?? 'tinyproxy', ['-d', '-c', path], { stdio: 'ignore' });
  atEnd(async () => {
    await endProgram(child, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  await whenListening(child, port);
  return { port, pid: child.pid ?? 0 };
}

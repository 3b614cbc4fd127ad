// Debian's tinyproxy as the peer of `egress`: a small CONNECT proxy in C that looks at nothing.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../scripts/local-stack/ports.ts';
import { findProgram } from '../../scripts/set-up/programs.ts';
import { atEnd } from './cleanup.ts';

const START_TRIES = 100;

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
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  });
  for (let attempt = 0; attempt < START_TRIES; attempt += 1) {
    if (child.exitCode !== null) throw new Error('tinyproxy did not start');
    if (await answers(port)) return { port, pid: child.pid ?? 0 };
    await delay(50);
  }
  throw new Error('tinyproxy does not listen');
}

const answers = async (port: number): Promise<boolean> =>
  await new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

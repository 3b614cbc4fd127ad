// The control socket against servers that do not behave.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { sendCommand } from './client.ts';

async function against(serve: (socket: Socket) => void, run: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-control-'));
  const path = join(folder, 'control');
  const server = createServer((socket) => serve(socket.on('error', () => undefined))).listen(path);
  await once(server, 'listening');
  try {
    await run(path);
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('sendCommand()', () => {
  it('sends one line and reads until the end', async () => {
    const got: string[] = [];
    await against((socket) => {
      socket.once('data', (data: Buffer) => {
        got.push(data.toString());
        socket.write('a=1\n');
        setTimeout(() => socket.end('b=2\n'), 20);
      });
    }, async (path) => {
      expect(await sendCommand(path, 'stats_noreset')).toBe('a=1\nb=2\n');
    });
    expect(got).toEqual(['UBCT1 stats_noreset\n']);
  });

  it.each<[string, (socket: Socket) => void, string]>([
    ['is silent', () => undefined, 'no answer in time'],
    ['never ends', (socket) => void socket.write('a'), 'no answer in time'],
    ['breaks off', (socket) => void socket.destroy(), 'no answer'],
    ['never stops talking', (socket) => {
      const talk = (): void => {
        while (!socket.destroyed && socket.write('x'.repeat(65_536)));
      };
      socket.on('drain', talk);
      talk();
    }, 'too large'],
  ])('rejects when the server %s', async (_name, serve, problem) => {
    await against(serve, async (path) => {
      await expect(sendCommand(path, 'status', 300)).rejects.toThrow(new RegExp(`${problem}|ECONNRESET|EPIPE`));
    });
  });

  it('rejects when nobody listens', async () => {
    await expect(sendCommand('/nowhere/control', 'status')).rejects.toThrow('ENOENT');
  });
});

// Ports for processes that are told theirs before they listen.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the range from which Linux takes the ports of outgoing connections: one of those would take a port that was free a moment ago. */
const FIRST = 10_240;
const LAST = 32_767;
const TRIES_MAX = 200;
/** Whoever asked first may not listen yet. */
const given = new Set<number>();

/** A port, free for TCP and UDP, that this process has given nobody else. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (given.has(port)) continue;
    given.add(port);
    if ((await isFree(createServer().listen(port, host))) && (await isFree(createSocket('udp4').bind(port, host)))) return port;
  }
  throw new Error('no free port');
}

type Listening = ReturnType<typeof createServer> | ReturnType<typeof createSocket>;

async function isFree(socket: Listening): Promise<boolean> {
  try {
    await once(socket, 'listening');
  } catch {
    return false;
  }
  const closed = once(socket, 'close');
  socket.close();
  await closed;
  return true;
}

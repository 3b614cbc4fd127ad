import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@sekisho/testkit/until';
import { closeSoon, nextChunk, reset } from './sockets.ts';

let server: Server;
beforeAll(async () => {
  server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

async function pair(): Promise<{ readonly near: Socket; readonly far: Socket }> {
  const address = server.address();
  const near = connect({ port: typeof address === 'object' && address !== null ? address.port : 0, host: '127.0.0.1', allowHalfOpen: true });
  const [far] = (await once(server, 'connection')) as [Socket];
  for (const socket of [near, far]) socket.on('error', () => undefined);
  await until(() => !near.connecting);
  return { near, far };
}
const count = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
/** Descriptors of TCP connections that this process holds, forgotten ones too; looked at when nothing closes any more. */
async function held(): Promise<number> {
  let before = count();
  for (let look = 0; look < 50; look += 1) {
    await delay(100);
    const now = count();
    if (now === before) break;
    before = now;
  }
  return before;
}

describe('reset()', () => {
  it.each<[string, (near: Socket, far: Socket) => Promise<unknown>]>([
    ['an open socket', async () => undefined], ['one that has just been ended', async (_near, far) => far.end()], ['one whose FIN is on its way', async (_near, far) => await new Promise((resolve) => process.nextTick(resolve, far.end()))],
    ['one that is ended', async (_near, far) => await once(far.end(), 'finish')], ['one that is ended with bytes unsent', async (near, far) => void (near.pause(), far.end(Buffer.alloc(8_000_000)))],
    ['one whose peer has ended', async (near, far) => await once(far.resume(), 'end', void near.end())], ['one that is gone', async (_near, far) => await once(far.destroy(), 'close')],
  ])('leaves no descriptor of %s', async (_name, prepare) => {
    const before = await held();
    const { near, far } = await pair();
    await prepare(near, far);
    reset(far);
    reset(far);
    near.destroy();
    expect(await held()).toBe(before);
  });
});

describe('closeSoon()', () => {
  it('lets what is written arrive, and waits for a peer that stays no longer than it may', async () => {
    const before = await held();
    const { near, far } = await pair();
    near.write('unread');
    far.write('last words');
    const startMs = performance.now();
    closeSoon(far, 200);
    const words = await nextChunk(near, far, 1_000);
    expect(String(words)).toBe('last words');
    await until(() => far.destroyed);
    expect(performance.now() - startMs).toBeLessThan(5_000);
    near.destroy();
    expect(await held()).toBe(before);
  });
});

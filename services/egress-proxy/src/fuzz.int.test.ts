// Whatever bytes come from either side, the process lives, answers with one clear status, and leaves nothing.

import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@sekisho/testkit/until';
import fc from 'fast-check';
import { clientHello, handshake, HOST, record, selected, serverHello } from './testing/handshakes.ts';
import { readToEnd, type Rig, startRig } from './testing/rig.ts';
import { startServer, type TestServer } from './testing/servers.ts';

const HELLO = record(22, handshake(1, clientHello()));
const CHOICE = record(22, handshake(2, serverHello({ extensions: [selected(0x0304)] })));
const STATUSES = [0, 400, 403, 405, 408, 431, 502, 504];

let rig: Rig;
let server: TestServer;
let serve: (socket: Socket) => void = () => undefined;
beforeAll(async () => {
  server = await startServer((socket) => void socket.once('data', () => serve(socket)));
  rig = await startRig({ allow: [server.address], limits: { headersMs: 150, helloMs: 150, idleMs: 200, hostTunnelsMax: 1_000 } });
});
afterAll(async () => {
  await rig.stop();
  await server.stop();
});
const settled = async (): Promise<void> => await until(() => rig.app.tunnels === 0);
const works = async (): Promise<number> => {
  const answer = await rig.ask(`${HOST}:${server.port}`);
  answer.socket.destroy();
  return answer.status;
};

/** Bytes of a message with some of them changed, cut off or added. */
const garbled = (message: Buffer): fc.Arbitrary<Buffer> =>
  fc.tuple(fc.array(fc.tuple(fc.nat(message.length - 1), fc.nat(255)), { maxLength: 4 }), fc.nat(message.length), fc.uint8Array({ maxLength: 60 })).map(([changes, end, extra]) => {
    const bytes = Buffer.from(message);
    for (const [at, value] of changes) bytes[at] = value;
    return Buffer.concat([bytes.subarray(0, end), extra]);
  });

describe('any bytes', () => {
  it('to the port get one status', async () => {
    const request = Buffer.from(`CONNECT ${HOST}:80 HTTP/1.1\r\nHost: ${HOST}:80\r\nProxy-Authorization: Basic eDp5\r\n\r\n`);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)), garbled(request)), async (bytes) => {
        const { status, socket } = await rig.say(bytes);
        socket.destroy();
        // A target of a tunnel that works is not found by chance.
        expect(STATUSES).toContain(status);
      }),
      { numRuns: 250 },
    );
    expect(await works()).toBe(200);
  }, 120_000);

  it('of a client in a tunnel pass only as a hello', async () => {
    serve = () => undefined;
    await fc.assert(
      fc.asyncProperty(fc.array(garbled(HELLO), { minLength: 1, maxLength: 3 }), async (pieces) => {
        const before = server.received.length;
        const socket = await rig.open(`${HOST}:${server.port}`);
        for (const piece of pieces) if (piece.length > 0) socket.write(piece);
        expect((await readToEnd(socket)).bytes.length).toBe(0);
        await settled();
        const arrived = server.received.subarray(before);
        if (arrived.length > 0) expect([arrived[0], arrived.includes(HOST)]).toEqual([22, true]);
      }),
      { numRuns: 150 },
    );
    expect(await works()).toBe(200);
  }, 120_000);

  it('of a server pass only as a choice or an alert', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(garbled(CHOICE), fc.uint8Array({ minLength: 1, maxLength: 80 }).map((bytes) => Buffer.from(bytes))), async (answer) => {
        serve = (socket) => socket.end(answer);
        const socket = await rig.open(`${HOST}:${server.port}`);
        socket.write(HELLO);
        const { bytes } = await readToEnd(socket);
        socket.destroy();
        await settled();
        if (bytes.length > 0) expect([21, 22]).toContain(bytes[0]);
      }),
      { numRuns: 150 },
    );
    expect(await works()).toBe(200);
  }, 120_000);
});

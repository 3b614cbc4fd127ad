// What passes a tunnel before both hellos are checked: nothing. Real ends, and ends that say anything.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@sekisho/testkit/until';
import { clientHello, extension, handshake, HOST, OLD, record, records, RETRY_RANDOM, selected, serverHello, serverNames, versions } from './testing/handshakes.ts';
import { nextData, readToEnd, type Rig, startRig } from './testing/rig.ts';
import { startServer, type TestServer } from './testing/servers.ts';

const HELLO = record(22, handshake(1, clientHello()));
const CHOICE = record(22, handshake(2, serverHello({ extensions: [selected(0x0304)] })));
const RETRY = record(22, handshake(2, serverHello({ random: RETRY_RANDOM, extensions: [selected(0x0304)] })));
const DUMMY = record(20, Buffer.of(1));
const DATA = record(23, Buffer.from('application data'));

let rig: Rig;
let mute: TestServer;
let tls11: TestServer;
let tls12: TestServer;
let retrying: TestServer;
beforeAll(async () => {
  mute = await startServer();
  tls11 = await startServer((socket) => socket.end('hi'), { ...OLD, maxVersion: 'TLSv1.1' });
  tls12 = await startServer((socket) => socket.end('hi'), { maxVersion: 'TLSv1.2' });
  retrying = await startServer((socket) => socket.end('hi'), { ecdhCurve: 'P-384' });
  rig = await startRig({ allow: [mute, tls11, tls12, retrying].map(({ address }) => address) });
});
afterAll(async () => {
  await rig.stop();
  for (const server of [mute, tls11, tls12, retrying]) await server.stop();
});

const to = (server: { readonly port: number }, host = HOST): string => `${host}:${server.port}`;

/** Sends bytes through a tunnel to the mute server: how the tunnel ends, and what arrived. */
async function send(...pieces: readonly Buffer[]): Promise<{ readonly end: string; readonly arrived: Buffer; readonly line: Record<string, unknown> }> {
  const before = mute.received.length;
  const socket = await rig.open(to(mute));
  for (const piece of pieces) {
    socket.write(piece);
    if (pieces.length > 1) await delay(5);
  }
  const { end } = await readToEnd(socket);
  await until(() => mute.open === 0);
  return { end, arrived: mute.received.subarray(before), line: await lastLine() };
}

/** Of the tunnel that has just ended, when no other is open. */
async function lastLine(): Promise<Record<string, unknown>> {
  await until(() => rig.app.tunnels === 0);
  return rig.lines.findLast(({ msg }) => msg === 'tunnel') ?? {};
}

describe('the client', () => {
  it.each<[string, Buffer, string]>([
    ['plain HTTP', Buffer.from('G'), 'NOT_TLS'], ['SMTP', Buffer.from('EHLO x\r\n'), 'NOT_TLS'], ['SSH', Buffer.from('S'), 'NOT_TLS'], ['data', DATA, 'NOT_TLS'],
    ['another name', record(22, handshake(1, clientHello({ extensions: [serverNames('b.origin.example'), versions(0x0304)] }))), 'SNI'],
    ['no name', record(22, handshake(1, clientHello({ extensions: [versions(0x0304)] }))), 'SNI'],
    ['an encrypted hello', record(22, handshake(1, clientHello({ extensions: [serverNames(HOST), extension(0xfe0d, Buffer.alloc(9))] }))), 'SNI'],
    ['TLS 1.1', record(22, handshake(1, clientHello({ legacy: 0x0302, extensions: [serverNames(HOST)] }))), 'CLIENT_VERSION'],
    ['too much', records(handshake(1, clientHello({ extensions: [serverNames(HOST), extension(21, Buffer.alloc(33_000))] })), 16_000), 'CLIENT_HELLO'],
  ])('is cut off at once for %s, and no byte arrives', async (_name, bytes, code) => {
    const { end, arrived, line } = await send(bytes);
    // Not at the deadline of the hello, which has a code of its own.
    expect([end, arrived.length, line['code']]).toEqual(['ECONNRESET', 0, `SEKISHO_EGRESS_${code}`]);
    expect(line).toMatchObject({ status: 200, verdict: 'deny', bytes_up: 0 });
  });

  it('is heard in any pieces, its hello arrives whole, and nothing behind it before the server has chosen', async () => {
    for (const pieces of [[HELLO, DUMMY, DATA], [Buffer.concat([HELLO, DUMMY, DATA])], [HELLO.subarray(0, 3), HELLO.subarray(3, 99), Buffer.concat([HELLO.subarray(99), DATA])]]) {
      const { arrived, line } = await send(...pieces);
      expect([arrived.equals(HELLO), line['code']]).toEqual([true, 'SEKISHO_EGRESS_SERVER_TIMEOUT']);
    }
  });

  it('may send its hello with the request', async () => {
    const { socket, status } = await rig.say(Buffer.concat([Buffer.from(`CONNECT ${to(mute)} HTTP/1.1\r\nHost: x\r\n\r\n`), HELLO]));
    expect(status).toBe(200);
    await until(() => mute.received.subarray(-HELLO.length).equals(HELLO));
    socket.destroy();
    await lastLine();
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)('of OpenSSL with %s at most is cut off', async (maxVersion) => {
    const socket = await rig.open(to(tls12));
    const secure = tlsConnect({ socket, servername: HOST, ca: rig.origin.ca, ...OLD, maxVersion });
    const [error] = (await once(secure, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    expect(await rig.line({ code: 'SEKISHO_EGRESS_CLIENT_VERSION', port: tls12.port })).toMatchObject({ tls_client: maxVersion === 'TLSv1' ? '1.0' : '1.1' });
  });
});

/** A tunnel to a server that answers the hello with these bytes: what the client gets, and how it ends. */
async function answerWith(...pieces: readonly Buffer[]): Promise<{ readonly bytes: Buffer; readonly end: string; readonly line: Record<string, unknown> }> {
  const socket = await rig.open(to(mute));
  const before = mute.received.length;
  socket.write(HELLO);
  await until(() => mute.received.length >= before + HELLO.length);
  for (const piece of pieces) {
    mute.last?.write(piece);
    await delay(5);
  }
  const read = await readToEnd(socket);
  mute.last?.destroy();
  return { ...read, line: await lastLine() };
}

describe('the server', () => {
  it.each<[string, Buffer, string]>([
    ['TLS 1.1', record(22, handshake(2, serverHello({ legacy: 0x0302 }))), 'SERVER_VERSION'], ['plain HTTP', Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), 'SERVER_HELLO'], ['a banner', Buffer.from('220 mail\r\n'), 'SERVER_HELLO'],
    ['data', DATA, 'SERVER_HELLO'], ['TLS 1.0', record(22, handshake(2, serverHello({ legacy: 0x0301 }))), 'SERVER_VERSION'],
  ])('is cut off for %s, and no byte of it passes', async (_name, bytes, code) => {
    const result = await answerWith(bytes);
    expect([result.end, result.bytes.length, result.line['code']]).toEqual(['ECONNRESET', 0, `SEKISHO_EGRESS_${code}`]);
  });

  it('may give up by an alert, which passes, and nothing behind it', async () => {
    const alert = record(21, Buffer.of(2, 40));
    const { bytes, end, line } = await answerWith(Buffer.concat([alert, Buffer.from('more')]));
    expect([bytes.equals(alert), end, line['verdict'], line['detail']]).toEqual([true, 'ended', 'allow', 'ended by an alert']);
  });

  it('may warn before it answers', async () => {
    const answer = Buffer.concat([record(21, Buffer.of(1, 112)), CHOICE, DATA]);
    const socket = await rig.open(to(mute));
    socket.write(HELLO);
    await until(() => mute.received.subarray(-HELLO.length).equals(HELLO));
    for (let at = 0; at < answer.length; at += 7) mute.last?.write(answer.subarray(at, at + 7));
    let got = Buffer.alloc(0);
    while (got.length < answer.length) got = Buffer.concat([got, (await nextData(socket, 2_000)) ?? Buffer.alloc(0)]);
    expect(got.equals(answer)).toBe(true);
    socket.destroy();
  });

  it('of TLS 1.1 is cut off before it gets a byte of data, with a client that would take it', async () => {
    const direct = tlsConnect({ port: tls11.port, ...OLD, rejectUnauthorized: false });
    expect(String((await nextData(direct, 2_000)) ?? '')).toBe('hi');
    direct.destroy();
    const socket = await rig.open(to(tls11));
    const secure = tlsConnect({ socket, servername: HOST, ca: rig.origin.ca, ...OLD });
    const [error] = (await once(secure, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    expect(tls11.received.length).toBe(0);
    expect(await rig.line({ code: 'SEKISHO_EGRESS_SERVER_VERSION', port: tls11.port })).toMatchObject({ tls_client: '1.3', tls_server: '1.1' });
  });
});

describe('a retry', () => {
  const step = async (socket: Socket, bytes: Buffer): Promise<void> => {
    socket.write(bytes);
    const tail = bytes.subarray(-20);
    await until(() => mute.received.subarray(-20).equals(tail));
  };

  it('runs through, and lets data pass only after the second answer', async () => {
    const socket = await rig.open(to(mute));
    await step(socket, HELLO);
    mute.last?.write(Buffer.concat([RETRY, DUMMY]));
    expect((await nextData(socket, 2_000))?.equals(RETRY)).toBe(true);
    const second = Buffer.concat([DUMMY, HELLO]);
    await step(socket, second);
    socket.write(DATA);
    await delay(50);
    expect(mute.received.subarray(-second.length).equals(second)).toBe(true);
    mute.last?.write(CHOICE);
    expect((await nextData(socket, 2_000))?.equals(Buffer.concat([DUMMY, CHOICE]))).toBe(true);
    await until(() => mute.received.subarray(-DATA.length).equals(DATA));
    socket.destroy();
  });

  it.each<[string, Buffer, string]>([
    ['another name', record(22, handshake(1, clientHello({ extensions: [serverNames('b.origin.example'), versions(0x0304)] }))), 'SNI'], ['data', DATA, 'CLIENT_HELLO'],
  ])('with %s second is cut off', async (_name, bytes, code) => {
    const socket = await rig.open(to(mute));
    await step(socket, HELLO);
    mute.last?.write(RETRY);
    await nextData(socket, 2_000);
    const before = mute.received.length;
    socket.write(bytes);
    expect((await readToEnd(socket)).end).toBe('ECONNRESET');
    expect([mute.received.length, (await rig.line({ code: `SEKISHO_EGRESS_${code}`, port: mute.port, tls_server: '1.3' }))['verdict']]).toEqual([before, 'deny']);
  });

  it('is asked for once', async () => {
    const socket = await rig.open(to(mute));
    await step(socket, HELLO);
    mute.last?.write(RETRY);
    await nextData(socket, 2_000);
    await step(socket, Buffer.concat([DUMMY, HELLO]));
    mute.last?.write(RETRY);
    expect((await readToEnd(socket)).bytes.length).toBe(0);
    expect((await rig.line({ detail: 'a second retry request' }))['code']).toBe('SEKISHO_EGRESS_SERVER_HELLO');
  });
});

describe('real ends', () => {
  it.each<[string, () => TestServer, object, string]>([
    ['TLS 1.3 with a retry', () => retrying, { ecdhCurve: 'X25519:P-384' }, '1.3'], ['TLS 1.2', () => tls12, {}, '1.2'], ['a permissive client', () => tls12, OLD, '1.2'], ['a client of TLS 1.2', () => tls12, { maxVersion: 'TLSv1.2' }, '1.2'],
  ])('agree through the tunnel: %s', async (_name, server, options, version) => {
    const secure = await rig.tls(to(server()), options);
    expect([secure.authorized, secure.getProtocol()]).toEqual([true, `TLSv${version}`]);
    expect(String((await readToEnd(secure)).bytes)).toBe('hi');
    secure.destroy();
    expect(await rig.line({ port: server().port, tls_server: version })).toMatchObject({ verdict: 'allow', status: 200, address: '127.0.0.1', hello_ms: expect.any(Number), bytes_down: expect.any(Number) });
  });

  it('count their versions', async () => {
    const text = await rig.app.metrics.registry.render();
    expect(text).toMatch(/sekisho_egress_proxy_tls_version_total\{side="server",version="1\.2"\} [1-9]/);
    expect(text).toMatch(/sekisho_egress_proxy_denied_total\{reason="SEKISHO_EGRESS_SNI"\} [1-9]/);
    expect(text).not.toMatch(/origin\.example|127\.0\.0\.1/);
  });
});

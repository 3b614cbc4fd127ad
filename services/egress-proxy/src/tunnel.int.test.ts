// An open tunnel: half-closed ends, resets, slow readers, the byte limit; mail; the mode report; the end of the process.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { clientHello, extension, handshake, HOST, record, selected, serverHello, serverNames, versions } from './testing/handshakes.ts';
import { connectText, nextData, readToEnd, type Rig, startRig } from './testing/rig.ts';
import { startServer, type TestServer } from './testing/servers.ts';

const HELLO = record(22, handshake(1, clientHello()));
const CHOICE = record(22, handshake(2, serverHello({ extensions: [selected(0x0304)] })));
const MiB = 1024 * 1024;

let server: TestServer;
let mail: TestServer;
let rig: Rig;
/** A server socket after its answer. */
let after: (socket: Socket) => void = () => undefined;
beforeAll(async () => {
  server = await startServer((socket) => void socket.once('data', () => {
    socket.write(CHOICE);
    after(socket);
  }));
  mail = await startServer((socket) => void socket.write('220 mail\r\n'));
  rig = await startRig({
    allow: [server.address, mail.address], limits: { idleMs: 3_000 },
    config: { smtpPort: 0, smtpTargets: [`mail.origin.example:${mail.port}`, 'inside.peer.example:587', 'far.peer.example:587'], tunnelBytesMax: 4 * MiB },
    zone: { 'inside.peer.example': { a: ['10.0.0.1'] }, 'far.peer.example': { a: ['127.0.0.1'] } },
  });
});
afterAll(async () => {
  await rig.stop();
  await server.stop();
  await mail.stop();
});

const to = (port: number, host = HOST): string => `${host}:${port}`;
const passed = async (own: Rig = rig): Promise<Socket> => {
  const socket = await own.open(to(server.port));
  socket.write(HELLO);
  await nextData(socket, 2_000);
  return socket;
};
const settled = async (own: Rig = rig): Promise<void> => await until(() => own.app.tunnels === 0, 2_500);

describe('an open tunnel', () => {
  it('lets one end finish before the other, in both directions', async () => {
    after = (socket) => void socket.on('end', () => setTimeout(() => socket.end('all of the answer'), 100));
    const socket = await passed();
    socket.end('question');
    expect(await readToEnd(socket)).toEqual({ bytes: Buffer.from('all of the answer'), end: 'ended' });
    await settled();
    after = (other) => void setTimeout(() => other.end('first'), 100);
    const second = await passed();
    second.allowHalfOpen = true;
    expect(await readToEnd(second)).toEqual({ bytes: Buffer.from('first'), end: 'ended' });
    second.end('last');
    await until(() => server.received.subarray(-4).toString() === 'last');
    await settled();
    expect(await rig.line({ port: server.port, bytes_up: HELLO.length + 4, bytes_down: CHOICE.length + 5 })).toMatchObject({ verdict: 'allow', status: 200 });
  });

  it('passes a reset on, and everything that was sent before it', async () => {
    after = () => undefined;
    const first = await passed();
    first.resetAndDestroy();
    await until(() => server.open === 0);
    await settled();
    expect(await rig.line({ port: server.port, code: 'SEKISHO_EGRESS_CLIENT_GONE' })).toMatchObject({ verdict: 'allow' });
    const second = await passed();
    server.last?.write('last words', () => server.last?.resetAndDestroy());
    const { bytes } = await readToEnd(second);
    expect(['', 'last words']).toContain(bytes.toString());
    await settled();
    await rig.line({ port: server.port, code: 'SEKISHO_EGRESS_SERVER_GONE' });
  });

  it('delivers all to a slow reader when the server has long gone', async () => {
    const bytes = Buffer.alloc(3 * MiB, 'slow');
    after = (socket) => void socket.end(bytes);
    const socket = await rig.open(to(server.port));
    socket.write(HELLO);
    await new Promise((resolve) => setTimeout(resolve, 400));
    const read = await readToEnd(socket);
    expect([read.bytes.length, read.end]).toEqual([CHOICE.length + bytes.length, 'ended']);
    socket.end();
    await settled();
  });

  it('holds back a server whose client does not read', async () => {
    let written = 0;
    after = (socket) => {
      const flood = (): void => {
        while (written < 1_000 * MiB && socket.write(Buffer.alloc(MiB))) written += MiB;
        written += MiB;
      };
      socket.on('drain', flood);
      flood();
    };
    const own = await startRig({ allow: [server.address], limits: { idleMs: 1_000 } });
    const before = process.memoryUsage().rss;
    const socket = await own.open(to(server.port));
    socket.write(HELLO);
    await until(() => own.app.tunnels === 0, 5_000);
    expect((await own.line({ code: 'SEKISHO_EGRESS_IDLE' }))['bytes_down']).toBeLessThan(32 * MiB);
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * MiB);
    socket.destroy();
    await own.stop();
  });

  it('is cut at its byte limit', async () => {
    after = (socket) => void socket.write(Buffer.alloc(8 * MiB));
    const socket = await passed();
    const { bytes } = await readToEnd(socket);
    expect(bytes.length).toBeLessThanOrEqual(4 * MiB);
    await settled();
    expect(await rig.line({ code: 'SEKISHO_EGRESS_BYTES' })).toMatchObject({ verdict: 'deny', level: 'warn' });
  });
});

describe('the port for mail', () => {
  const ask = async (authority: string): Promise<string> => {
    const { status, head, socket } = await rig.say(connectText(authority), rig.app.smtpPort);
    socket.destroy();
    return [status, /error=(\w+)/.exec(head)?.[1]].filter((part) => part !== undefined).join(' ');
  };

  it('reaches its targets, where the server speaks first and no TLS is asked for', async () => {
    const { socket, status } = await rig.say(connectText(`MAIL.origin.example:${mail.port}`), rig.app.smtpPort);
    expect([status, String(await nextData(socket, 2_000))]).toEqual([200, '220 mail\r\n']);
    socket.write('EHLO me\r\n');
    await until(() => mail.received.toString() === 'EHLO me\r\n');
    socket.destroy();
    expect(await rig.line({ listener: 'smtp' })).toMatchObject({ verdict: 'allow', status: 200, bytes_down: 10, bytes_up: 9 });
  });

  it.each([
    ['another host', () => to(mail.port), '403 http_request_denied'], ['another port', () => 'mail.origin.example:443', '403 http_request_denied'], ['a literal', () => `127.0.0.1:${mail.port}`, '403 destination_ip_prohibited'],
    ['a listed name that leads inside', () => 'inside.peer.example:587', '403 destination_ip_prohibited'], ['a listed name that leads to loopback', () => 'far.peer.example:587', '403 destination_ip_prohibited'], ['no authority', () => 'mail.origin.example', '400 http_request_error'],
  ])('refuses %s', async (_name, authority, expected) => {
    expect(await ask(authority())).toBe(expected);
  });

  it('is no way around the checks of the other', async () => {
    expect(await rig.sum(`mail.origin.example:${mail.port}`)).toBe('200');
    const socket = await rig.open(`mail.origin.example:${mail.port}`);
    socket.write('E');
    expect(await readToEnd(socket)).toEqual({ bytes: Buffer.alloc(0), end: 'ECONNRESET' });
  });
});

describe('report', () => {
  let own: Rig;
  let other: number;
  beforeAll(async () => {
    other = await freePort();
    own = await startRig({ allow: [server.address, mail.address], config: { mode: 'report' }, limits: { helloMs: 300 }, zone: { 'inside.peer.example': { a: ['10.0.0.1'] } } });
  });
  afterAll(async () => await own.stop());

  it('lets TLS verdicts pass and names them', async () => {
    after = () => undefined;
    const socket = await own.open(to(server.port));
    const strange = record(22, handshake(1, clientHello({ extensions: [serverNames('b.origin.example'), versions(0x0304), extension(21, Buffer.alloc(5))] })));
    socket.write(strange);
    expect((await nextData(socket, 2_000))?.equals(CHOICE)).toBe(true);
    await until(() => server.received.subarray(-strange.length).equals(strange));
    socket.end();
    server.last?.end();
    expect(await own.line({ port: server.port })).toMatchObject({ mode: 'report', verdict: 'allow', would_deny: ['SEKISHO_EGRESS_SNI'] });
  });

  it('lets a server speak first when the client is silent', async () => {
    const socket = await own.open(to(mail.port));
    expect(String(await nextData(socket, 2_000))).toBe('220 mail\r\n');
    socket.destroy();
    expect(await own.line({ port: mail.port })).toMatchObject({ would_deny: ['SEKISHO_EGRESS_CLIENT_TIMEOUT'] });
  });

  it('lets ports pass, and no address, own host or syntax', async () => {
    expect(await own.sum(to(other))).toBe('403 destination_ip_prohibited');
    expect(await own.line({ port: other })).toMatchObject({ verdict: 'deny', code: 'SEKISHO_EGRESS_ADDRESS', would_deny: ['SEKISHO_EGRESS_PORT'] });
    expect([await own.sum('inside.peer.example:80'), await own.sum('127.0.0.1:80'), await own.sum('misskey.origin.example:443'), await own.sum('x')]).toEqual([
      '403 destination_ip_prohibited', '403 destination_ip_prohibited', '403 proxy_loop_detected', '400 http_request_error',
    ]);
    expect(await own.app.metrics.registry.render()).toMatch(/would_deny_total\{reason="SEKISHO_EGRESS_PORT"\} 2/);
  });
});

describe('the end', () => {
  it('refuses new tunnels, waits for the open ones, and cuts what stays', async () => {
    after = () => undefined;
    const own = await startRig({ allow: [server.address], limits: { idleMs: 60_000 } });
    const ready = async (): Promise<number> => (await fetch(`http://127.0.0.1:${own.app.opsPort}/readyz`)).status;
    const socket = await passed(own);
    expect(await ready()).toBe(200);
    own.app.setUnready();
    expect([await ready(), await own.sum(to(server.port))]).toEqual([503, '200']);
    const waiting = connect({ port: own.app.port, host: '127.0.0.1' });
    await once(waiting, 'connect');
    waiting.write('CONNECT ');
    await new Promise((resolve) => setTimeout(resolve, 50));
    let drained = false;
    const draining = own.app.drain().then(() => (drained = true));
    await expect(own.ask(to(server.port))).rejects.toThrow('ECONNREFUSED');
    waiting.write(connectText(to(server.port)).slice('CONNECT '.length));
    expect(String(await nextData(waiting, 2_000))).toMatch(/^HTTP\/1\.1 503 .*destination_unavailable/s);
    waiting.destroy();
    socket.write('still open');
    await until(() => server.received.subarray(-10).toString() === 'still open');
    expect(drained).toBe(false);
    await own.app.close();
    await draining;
    expect((await readToEnd(socket)).end).toBe('ECONNRESET');
    expect(await own.line({ code: 'SEKISHO_EGRESS_STOPPING', status: 200 })).toBeDefined();
    await until(() => server.open === 0);
    await own.dns.stop();
    await own.origin.stop();
  });
});

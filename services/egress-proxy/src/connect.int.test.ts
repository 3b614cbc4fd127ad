// The table of answers, row by row, by raw sockets.

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { connectText, OWN_HOST, type Rig, startRig } from './testing/rig.ts';

let rig: Rig;
let closedPort: number;
beforeAll(async () => {
  closedPort = await freePort();
  rig = await startRig({
    allow: [`127.0.0.1:${closedPort}`],
    zone: {
      'private.peer.example': { a: ['10.0.0.1'] }, 'private6.peer.example': { aaaa: ['fd00::1'] }, 'mixed.peer.example': { a: ['127.0.0.1', '10.0.0.1'] }, 'empty.peer.example': {},
      'other-family.peer.example': { a: ['127.0.0.1'], aaaa: ['fd00::1'] }, 'broken.peer.example': { rcode: 'SERVFAIL' }, 'silent.peer.example': { silent: true }, 'cname.peer.example': { cname: 'private.peer.example' },
    },
  });
});
afterAll(async () => await rig.stop());

const at = (host: string): string => `${host}:${rig.origin.port}`;

describe('CONNECT', () => {
  it.each([
    ['good (control)', () => at('a.origin.example'), '200'], ['in capitals with a dot', () => at('A.Origin.Example.'), '200'], ['with its other family private', () => at('other-family.peer.example'), '200'],
    ['no port', () => 'a.origin.example', '400 http_request_error'], ['an empty port', () => 'a.origin.example:', '400 http_request_error'], ['userinfo', () => 'user:p@a.origin.example:443', '400 http_request_error'],
    ['a URL', () => 'http://a.origin.example:443', '400 http_request_error'], ['a path', () => 'a.origin.example:443/../', '400 http_request_error'], ['a zone id', () => '[::1%25lo]:443', '400 http_request_error'],
    ['IPv6 without brackets', () => '::1:443', '400 http_request_error'], ['other letters', () => 'exämple.example:443', '400 http_request_error'], ['port 0', () => 'a.origin.example:0', '400 http_request_error'],
    ['a blank', () => 'a.origin.example :443', '400 http_request_error'], ['nothing', () => '', '400 http_request_error'],
    ['port 80', () => 'a.origin.example:80', '403 http_request_denied'], ['port 25', () => 'a.origin.example:25', '403 http_request_denied'], ['port 8443', () => 'a.origin.example:8443', '403 http_request_denied'],
    ['0x7f.1', () => '0x7f.1:443', '403 destination_ip_prohibited'], ['2130706433', () => '2130706433:443', '403 destination_ip_prohibited'], ['127.1', () => '127.1:443', '403 destination_ip_prohibited'],
    ['[::1]', () => '[::1]:443', '403 destination_ip_prohibited'], ['a public literal', () => '1.1.1.1:443', '403 destination_ip_prohibited'], ['the literal of an allowed target', () => at('127.0.0.1'), '403 destination_ip_prohibited'],
    ['private', () => at('private.peer.example'), '403 destination_ip_prohibited'], ['private on 443', () => 'private.peer.example:443', '403 destination_ip_prohibited'], ['private IPv6', () => 'private6.peer.example:443', '403 destination_ip_prohibited'],
    ['an alias of it', () => 'cname.peer.example:443', '403 destination_ip_prohibited'], ['loopback on 443', () => 'a.origin.example:443', '403 destination_ip_prohibited'], ['mixed', () => at('mixed.peer.example'), '403 destination_ip_prohibited'],
    ['an internal name', () => 'redis.misskey.svc.cluster.local:443', '403 http_request_denied'], ['a single label', () => 'redis:443', '403 http_request_denied'],
    ['the own Service', () => 'sekisho-egress-proxy.misskey.svc:3128', '403 proxy_loop_detected'], ['the own host', () => `${OWN_HOST}:443`, '403 proxy_loop_detected'], ['the own host, otherwise', () => `${OWN_HOST.toUpperCase()}.:80`, '403 proxy_loop_detected'],
    ['our own port', () => `a.origin.example:${rig.app.port}`, '403 http_request_denied'],
    ['no such name', () => 'nowhere.peer.example:443', '502 dns_error'], ['no address', () => 'empty.peer.example:443', '502 dns_error'], ['a failing resolver', () => 'broken.peer.example:443', '502 dns_error'],
    ['a silent resolver', () => 'silent.peer.example:443', '504 dns_timeout'], ['a refused connection', () => `a.origin.example:${closedPort}`, '502 connection_refused'],
  ])('%s', async (_name, authority, expected) => {
    expect(await rig.sum(authority())).toBe(expected);
  });

  it('never lets a tunnel come back, not even to an allowed target', async () => {
    const port = await freePort();
    const own = await startRig({ config: { port }, allow: [`127.0.0.1:${port}`] });
    expect(await own.sum(`a.origin.example:${port}`)).toBe('403 destination_ip_prohibited');
    await own.stop();
  });

  it('says in one log line what happened, and nothing of it to the client', async () => {
    const { head, socket } = await rig.ask('private.peer.example:443');
    socket.destroy();
    expect(head).toBe('HTTP/1.1 403 Forbidden\r\nproxy-status: sekisho-egress; error=destination_ip_prohibited; details="SEKISHO_EGRESS_ADDRESS"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    expect(await rig.line({ host: 'private.peer.example' })).toMatchObject({
      level: 'info', listener: 'tls', mode: 'enforce', verdict: 'deny', code: 'SEKISHO_EGRESS_ADDRESS', status: 403, port: 443, client: '127.0.0.1', bytes_up: 0, bytes_down: 0, detail: expect.stringContaining('10.0.0.1 private'),
      dns_ms: expect.any(Number), duration_ms: expect.any(Number),
    });
  });
});

describe('everything else', () => {
  it.each(['GET http://a.origin.example/ HTTP/1.1\r\nHost: a.origin.example\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', 'POST http://a.origin.example/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello', 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n',
    'PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n', 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', 'GET / HTTP/1.0\r\n\r\n', 'PUT / HTTP/1.1\r\nHost: x\r\nExpect: magic\r\nContent-Length: 5\r\n\r\n',
  ])('405: %j', async (text) => {
    const { status, head, socket } = await rig.say(text);
    expect([status, /allow: CONNECT/i.test(head), /error=http_request_denied/.test(head)]).toEqual([405, true, true]);
    await once(socket.resume(), 'close');
  });

  it.each(['nonsense\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00', 'CONNECT a.origin.example:443\r\n\r\n', 'CONNECT a.origin.example:443 HTTP/9.9\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'CONNECT a.origin.example:443 HTTP/1.1\r\nbad header\r\n\r\n',
    connectText('a.origin.example:443', { 'content-length': '5' }), connectText('a.origin.example:443', { 'transfer-encoding': 'chunked' }),
  ])('400: %j', async (text) => {
    const { status, socket } = await rig.say(text);
    socket.destroy();
    expect(status).toBe(400);
  });

  it('431: more than 8 KiB of headers, and not less', async () => {
    expect([await rig.sum('a.origin.example:80', { x: 'y'.repeat(7_000) }), await rig.sum('a.origin.example:80', { x: 'y'.repeat(9_000) })]).toEqual(['403 http_request_denied', '431 http_request_error']);
  });

  it('survives any bytes', async () => {
    for (let turn = 0; turn < 100; turn += 1) {
      const bytes = Buffer.from(Array.from({ length: 1 + (turn * 37) % 400 }, (_, n) => (turn * 131 + n * (turn + 7) * 31) & 0xff));
      const text = turn % 2 === 0 ? bytes : Buffer.concat([Buffer.from('CONNECT '), bytes, Buffer.from(' HTTP/1.1\r\n\r\n')]);
      const { status, socket } = await rig.say(Buffer.concat([text, Buffer.from('\r\n\r\n')]));
      socket.destroy();
      expect([400, 403, 405, 431]).toContain(status);
    }
    expect(await rig.sum(at('a.origin.example'))).toBe('200');
  });
});

describe('limits', () => {
  it('answer 429 per host and 503 in all, with Retry-After, and free their place', async () => {
    const own = await startRig({ limits: { tunnelsMax: 3, hostTunnelsMax: 2, helloMs: 60_000 } });
    const name = (host: string): string => `${host}.origin.example:${own.origin.port}`;
    const first = await own.open(name('a'));
    const others = [await own.open(name('a'))];
    const refused = await own.ask(name('A'));
    expect([refused.status, /retry-after: 1/i.test(refused.head), /error=connection_limit_reached/.test(refused.head)]).toEqual([429, true, true]);
    others.push(await own.open(name('b')));
    expect(await own.sum(name('c'))).toBe('503 connection_limit_reached');
    first.destroy();
    await until(() => own.app.tunnels === 2);
    expect(await own.sum(name('c'))).toBe('200');
    for (const socket of others) socket.destroy();
    await until(() => own.app.tunnels === 0);
    await own.stop();
  });
});

describe('files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-egress-'));
  const replace = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
    return path;
  };
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const basic = (pair: string): Record<string, string> => ({ 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` });

  it('credentials: 407 before anything is said of the target, re-read on change', async () => {
    const own = await startRig({ config: { credentialsFile: replace('credentials', 'misskey:one\n') } });
    const target = `a.origin.example:${own.origin.port}`;
    const refused = await own.ask('127.0.0.1:80');
    expect([refused.status, /proxy-authenticate: Basic realm=/i.test(refused.head)]).toEqual([407, true]);
    expect([await own.sum(target, basic('misskey:two')), await own.sum(target, basic('misskey:one'))]).toEqual(['407 http_request_denied', '200']);
    replace('credentials', 'misskey:two\n');
    await until(async () => (await own.sum(target, basic('misskey:two'))) === '200');
    expect(await own.sum(target, basic('misskey:one'))).toBe('407 http_request_denied');
    replace('credentials', 'no pair');
    await until(() => own.lines.some((line) => line['list'] === 'credentials' && line['level'] === 'error'));
    expect(await own.sum(target, basic('misskey:two'))).toBe('200');
    expect(JSON.stringify(own.lines)).not.toMatch(/no pair|misskey:/);
    await own.stop();
  });

  it('host lists and networks are followed; a bad file keeps the old list', async () => {
    const own = await startRig({
      config: { denyHostsFile: replace('deny', 'bad.origin.example\n'), allowHostsFile: replace('allow', 'origin.example\n'), denyCidrsFile: replace('cidrs', '') },
      zone: { 'far.peer.example': { a: ['192.88.98.1'] } }, limits: { connectMs: 200 },
    });
    const name = (host: string): string => `${host}:${own.origin.port}`;
    expect([await own.sum(name('a.origin.example')), await own.sum(name('x.bad.origin.example')), await own.sum(name('a.peer.example'))]).toEqual(['200', '403 http_request_denied', '403 http_request_denied']);
    replace('deny', 'a.origin.example\n');
    await until(async () => (await own.sum(name('a.origin.example'))) === '403 http_request_denied');
    expect(await own.sum(name('x.bad.origin.example'))).toBe('200');
    replace('deny', 'not a host\n');
    await until(() => own.lines.some((line) => line['list'] === 'deny_hosts' && line['level'] === 'error'));
    expect(await own.sum(name('a.origin.example'))).toBe('403 http_request_denied');
    replace('allow', 'peer.example\n');
    await until(async () => (await own.sum(name('x.bad.origin.example'))) === '403 http_request_denied');
    expect(await own.sum('far.peer.example:443')).not.toBe('403 destination_ip_prohibited');
    replace('cidrs', '192.88.98.0/24\n');
    await until(async () => (await own.sum('far.peer.example:443')) === '403 destination_ip_prohibited');
    await own.stop();
  });

  it('are looked at before the start', async () => {
    await expect(startRig({ config: { denyHostsFile: join(folder, 'nowhere') } })).rejects.toThrow('ENOENT');
    await expect(startRig({ config: { credentialsFile: replace('empty', '') } })).rejects.toThrow('no credentials');
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'node:tls';
import { makeCerts } from './testing/certs.ts';
import { type Rig, startRig } from './testing/rig.ts';
import { type BareServer, response, startBare } from './testing/servers.ts';

const servers = new Map<string, BareServer>();
let rig: Rig;
let untrusting: Rig;

beforeAll(async () => {
  const certs = makeCerts();
  const answer = (socket: { end: (text: string) => void }, head: string): void =>
    socket.end(head.startsWith('GET /down') ? response(302, { location: 'http://a.origin.example/' }) : response(200, {}, 'hello'));
  const start = async (name: string, tls: Parameters<typeof startBare>[1]): Promise<void> => void servers.set(name, await startBare(answer, tls));
  await start('good', { tls: certs.good });
  await start('otherName', { tls: certs.otherName });
  await start('expired', { tls: certs.expired });
  await start('selfSigned', { tls: certs.selfSigned });
  await start('tls11', { tls: { ...certs.good, maxVersion: 'TLSv1.1' } });
  await start('tls12', { tls: { ...certs.good, maxVersion: 'TLSv1.2' } });
  await start('plain', { greeting: 'SSH-2.0-x\r\n' });
  const allow = [...servers.values()].map(({ port }) => `127.0.0.1:${port}`);
  rig = await startRig({ allow, ca: certs.ca, zone: { 'a.peer.example': { a: ['127.0.0.1'] } } });
  untrusting = await startRig({ allow });
}, 30_000);
afterAll(async () => {
  await rig.stop();
  await untrusting.stop();
  for (const server of servers.values()) await server.stop();
});

const url = (name: string, host = 'a.origin.example', path = '/'): string => `https://${host}:${servers.get(name)!.port}${path}`;

describe('guardedFetch() over TLS', () => {
  it.each(['good', 'tls12'])('accepts %s (positive control)', async (name) => {
    expect(await rig.read(url(name))).toBe('200 hello');
    expect(await rig.read(url(name, 'a.origin.example.'))).toBe('200 hello');
    expect(await rig.read(url(name, '127.0.0.1'))).toBe('200 hello');
  });

  it.each(['otherName', 'expired', 'selfSigned', 'tls11', 'plain'])('refuses %s before any request is sent', async (name) => {
    expect(await rig.read(url(name))).toBe('SEKISHO_UPSTREAM_TLS');
    expect(servers.get(name)!.connections).toBeGreaterThan(0);
    expect(servers.get(name)!.requests).toEqual([]);
    expect(await servers.get(name)!.idle(2_000)).toBe(true);
  });

  it('was refused by TLS 1.1 because of its version (control: a lax client gets in)', async () => {
    const socket = connect({ port: servers.get('tls11')!.port, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0', rejectUnauthorized: false });
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    expect(socket.getProtocol()).toBe('TLSv1.1');
    socket.destroy();
  });

  it('refuses a good certificate for another name, and one of an authority that is not ours', async () => {
    expect(await rig.read(url('good', 'a.peer.example'))).toBe('SEKISHO_UPSTREAM_TLS');
    expect(await untrusting.read(url('good'))).toBe('SEKISHO_UPSTREAM_TLS');
  });

  it('never goes from https to http, in no mode', async () => {
    for (const plainHttp of ['upgrade', 'allow', 'deny'] as const) {
      const own = await startRig({ allow: [], deps: { ...rig.deps, rules: { ...rig.deps.rules, plainHttp } } });
      expect(await own.read(url('good', 'a.origin.example', '/down'))).toBe('SEKISHO_TARGET_PLAIN_HTTP');
      await own.stop();
    }
  });
});

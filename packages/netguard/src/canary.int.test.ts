// No TCP connection may reach the canary, whatever a stranger writes: counted at the listening socket, not by status.
// Its port passes the URL rules on purpose (another address on that port is allowed), so that the address rules stand alone.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Rig, startRig } from './testing/rig.ts';
import { type BareServer, response, startBare } from './testing/servers.ts';

let canary: BareServer;
let origin: BareServer;
let rig: Rig;
let location = '';

beforeAll(async () => {
  // Both families where the machine has IPv6, so that mapped and ::1 targets would arrive too.
  canary = await startBare((socket) => socket.end(response(200, {}, 'secret')), { host: '::' }).catch(() =>
    startBare((socket) => socket.end(response(200, {}, 'secret')), { host: '0.0.0.0' }),
  );
  origin = await startBare((socket) => socket.end(response(302, { location })));
  rig = await startRig({
    allow: [`127.0.0.9:${canary.port}`, `127.0.0.1:${origin.port}`, '8.8.8.8:443'],
    zone: {
      'good.origin.example': { a: ['127.0.0.9'] },
      'private.origin.example': { a: ['127.0.0.1'] },
      'private6.origin.example': { aaaa: ['::1'] },
      'mapped.origin.example': { aaaa: ['::ffff:127.0.0.9'] },
      'compat.origin.example': { aaaa: ['::127.0.0.1'] },
      'unspecified.origin.example': { a: ['0.0.0.0'], aaaa: ['::'] },
      'mixed.origin.example': { a: ['127.0.0.9', '127.0.0.1'] },
      'mixed2.origin.example': { a: ['127.0.0.1', '127.0.0.9'], aaaa: ['::1'] },
      'cname.origin.example': { cname: 'private.origin.example' },
      'chain.origin.example': { cname: 'cname.origin.example' },
      'rebind.origin.example': { alternate: [{ a: ['127.0.0.9'] }, { a: ['127.0.0.1'] }] },
    },
  });
});
afterAll(async () => {
  await rig.stop();
  await canary.stop();
  await origin.stop();
});

let before = 0;
afterEach(() => {
  before = canary.connections;
});
const touched = (): number => canary.connections - before;

const names = 'private private6 mapped compat unspecified mixed mixed2 cname chain'.split(' ').map((name) => `${name}.origin.example`);
const literals = `127.0.0.1 127.1 0x7f.1 0177.1 2130706433 0.0.0.0 0 127.0.0.2 [::1] [::] [::ffff:127.0.0.1] [::ffff:127.0.0.9] [::127.0.0.9]
  [0:0:0:0:0:ffff:7f00:9]`.split(/\s+/);

describe('guardedFetch() against a canary', () => {
  it('reaches it by the allowed address (positive control)', async () => {
    expect(await rig.read(`http://good.origin.example:${canary.port}/`)).toBe('200 secret');
    expect(await rig.read(`http://127.0.0.9:${canary.port}/`)).toBe('200 secret');
    expect(touched()).toBe(2);
  });

  it.each([...names, ...literals])('never connects to %s', async (host) => {
    for (const scheme of ['http', 'https']) expect(await rig.read(`${scheme}://${host}:${canary.port}/`)).toBe('SEKISHO_TARGET_ADDRESS');
    expect(touched()).toBe(0);
  });

  it.each([...names, ...literals])('never follows a redirect to %s', async (host) => {
    location = `//${host}:${canary.port}/x`;
    expect(await rig.read(`http://first.origin.example:${origin.port}/`)).toBe('SEKISHO_TARGET_ADDRESS');
    expect(touched()).toBe(0);
  });

  it('never connects to the second answer of a rebinding name', async () => {
    const seen: string[] = [];
    for (let turn = 0; turn < 4; turn += 1) seen.push(await rig.read(`http://rebind.origin.example:${canary.port}/`));
    expect(seen).toEqual(['200 secret', 'SEKISHO_TARGET_ADDRESS', '200 secret', 'SEKISHO_TARGET_ADDRESS']);
    expect(touched()).toBe(2);
  });

  it('asks the resolver once per hop, so that nothing is resolved again after the vetting', async () => {
    const name = 'good.origin.example';
    const asked = rig.dns.queriesFor(name);
    await rig.read(`http://${name}:${canary.port}/`);
    expect(rig.dns.queriesFor(name) - asked).toBe(2);
    expect(touched()).toBe(1);
  });

  it.each(['http://localhost', 'http://user@good.origin.example', 'http://misskey.origin.example', 'ftp://good.origin.example'])(
    'never connects for %s',
    async (prefix) => {
      expect(await rig.read(`${prefix}:${canary.port}/`)).toMatch(/^SEKISHO_(TARGET|LOOP)/);
      expect(touched()).toBe(0);
    },
  );
});

const corpus = join(import.meta.dirname, '../../../../shared/corpus/ssrf/cases.jsonl');
(existsSync(corpus) ? describe : describe.skip)('guardedFetch() over the SSRF corpus', () => {
  it('denies each hostile URL when its name leads to a private address', async () => {
    const hostile = readFileSync(corpus, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { input: string; kind: string; expected: string })
      .filter(({ kind, expected }) => kind === 'url' && expected === 'blocked');
    expect(hostile.length).toBeGreaterThan(300);
    const passed: string[] = [];
    for (const { input } of hostile) {
      const host = URL.parse(input)?.hostname;
      if (host !== undefined && host !== '') rig.dns.set(host.replace(/\.$/, ''), { a: ['127.0.0.1'], aaaa: ['::ffff:127.0.0.9'] });
      const answer = await rig.fetch(input);
      if (answer.kind !== 'deny') passed.push(`${input} ${answer.kind}`);
    }
    expect(passed).toEqual([]);
    expect(touched()).toBe(0);
  }, 60_000);
});

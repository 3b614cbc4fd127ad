import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startDnsServer, type TestDns } from '@sekisho/testkit';
import { createResolver } from './resolver.ts';

let dns: TestDns;
beforeAll(async () => {
  dns = await startDnsServer({
    'both.origin.example': { a: ['8.8.8.8', '8.8.4.4'], aaaa: ['2606:4700::1'] },
    'v4.origin.example': { a: ['8.8.8.8'] },
    'alias.origin.example': { cname: 'private.peer.example' },
    'private.peer.example': { a: ['10.0.0.1'] },
    'nodata.origin.example': {},
    'fail.origin.example': { rcode: 'SERVFAIL' },
    'halffail.origin.example': { a: ['8.8.8.8'], failing: 'aaaa' },
    'halfnone.origin.example': { failing: 'aaaa' },
    'silent.origin.example': { silent: true },
    'halfsilent.origin.example': { a: ['8.8.8.8'], silent: 'aaaa' },
    'slow.origin.example': { a: ['8.8.8.8'], delayMs: 150 },
    'many.origin.example': { a: Array.from({ length: 1_000 }, (_, at) => `8.8.${at >> 8}.${at & 255}`) },
    'rebind.origin.example': { alternate: [{ a: ['8.8.8.8'] }, { a: ['127.0.0.1'] }] },
    '*.wild.origin.example': { a: ['8.8.8.8'] },
  });
});
afterAll(() => dns.stop());

const resolve = (name: string, timeoutMs = 3_000): ReturnType<ReturnType<typeof createResolver>['resolve']> =>
  createResolver({ servers: [dns.address], timeoutMs }).resolve(name);

describe('createResolver()', () => {
  it.each<[string, string[], string[]]>([
    ['both.origin.example', ['8.8.8.8', '8.8.4.4'], ['2606:4700::1']],
    ['v4.origin.example', ['8.8.8.8'], []],
    ['alias.origin.example', ['10.0.0.1'], []],
    ['halffail.origin.example', ['8.8.8.8'], []],
    ['slow.origin.example', ['8.8.8.8'], []],
    ['a.b.wild.origin.example', ['8.8.8.8'], []],
  ])('answers %s', async (name, v4, v6) => {
    const answer = await resolve(name);
    expect(answer).toMatchObject({ kind: 'answer' });
    if (answer.kind === 'answer') expect([[...answer.v4].sort(), [...answer.v6]]).toEqual([[...v4].sort(), v6]);
  });

  it.each(['nowhere.origin.example', 'nodata.origin.example'])('calls %s unresolved', async (name) => {
    expect(await resolve(name)).toMatchObject({ kind: 'unresolved' });
  });

  it.each(['fail.origin.example', 'halfnone.origin.example'])('calls %s failed', async (name) => {
    expect(await resolve(name)).toMatchObject({ kind: 'failed' });
  });

  it('gives up on a silent server at its deadline', async () => {
    const started = performance.now();
    expect(await resolve('silent.origin.example', 300)).toMatchObject({ kind: 'failed' });
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('does not wait for a silent family when the other has answered', async () => {
    const started = performance.now();
    expect(await resolve('halfsilent.origin.example', 5_000)).toEqual({ kind: 'answer', v4: ['8.8.8.8'], v6: [] });
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  it('takes a huge answer over TCP and keeps only enough of it to refuse it', async () => {
    const answer = await resolve('many.origin.example');
    expect(answer.kind === 'answer' ? answer.v4.length : 0).toBe(65);
    expect(dns.tcpQueries).toBeGreaterThan(0);
  });

  it('asks anew each time, so that the test server can rebind', async () => {
    expect(await resolve('rebind.origin.example')).toMatchObject({ v4: ['8.8.8.8'] });
    expect(await resolve('rebind.origin.example')).toMatchObject({ v4: ['127.0.0.1'] });
  });

  it('ends at once when aborted, before and during the question', async () => {
    const resolver = createResolver({ servers: [dns.address], timeoutMs: 20_000 });
    expect(await resolver.resolve('v4.origin.example', AbortSignal.abort())).toMatchObject({ kind: 'failed' });
    const started = performance.now();
    expect(await resolver.resolve('silent.origin.example', AbortSignal.timeout(50))).toMatchObject({ kind: 'failed' });
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('gives up on one name without a word to the others that are asked at the same time and afterwards', async () => {
    const resolver = createResolver({ servers: [dns.address], timeoutMs: 400 });
    const answer = { kind: 'answer', v4: ['8.8.8.8'], v6: [] };
    for (let turn = 0; turn < 2; turn += 1) {
      const [silent, ...slow] = await Promise.all([resolver.resolve('silent.origin.example'), ...Array.from({ length: 40 }, async () => await resolver.resolve('slow.origin.example'))]);
      expect(silent).toMatchObject({ kind: 'failed' });
      for (const each of slow) expect(each).toEqual(answer);
    }
    expect(await resolver.resolve('v4.origin.example')).toEqual(answer);
  });

  // Who answers in the server's place must guess the port too: RFC 5452 section 9.2.
  it('asks from another port each time', async () => {
    const server = createSocket('udp4').bind(0, '127.0.0.1');
    await once(server, 'listening');
    const ports: number[] = [];
    server.on('message', (question, { port, address }) => {
      ports.push(port);
      const reply = Buffer.from(question);
      reply.writeUInt16BE(0x8183, 2); // NXDOMAIN
      server.send(reply, port, address);
    });
    const resolver = createResolver({ servers: [`127.0.0.1:${server.address().port}`], timeoutMs: 1_000 });
    for (let turn = 0; turn < 20; turn += 1) expect(await resolver.resolve('a.origin.example')).toMatchObject({ kind: 'unresolved' });
    server.close();
    expect(ports.length).toBe(40);
    expect(new Set(ports).size).toBeGreaterThan(15);
  });

  it('refuses a server that is no address', () => {
    expect(() => createResolver({ servers: ['dns.example'], timeoutMs: 100 })).toThrow('dns.example');
  });
});

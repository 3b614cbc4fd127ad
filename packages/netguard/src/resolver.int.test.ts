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

  it('refuses a server that is no address', () => {
    expect(() => createResolver({ servers: ['dns.example'], timeoutMs: 100 })).toThrow('dns.example');
  });
});

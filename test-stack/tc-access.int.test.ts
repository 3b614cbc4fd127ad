// What an administrator may close: other sites, hosts, the proxy of the instance for strangers' pictures, old caches.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { makePicture } from '@sekisho/testkit';
import { ask } from './client.ts';
import { expectPicture, expectRefusal } from './contract.ts';
import { type Fixture, START_MS, eventually, startFixture } from './fixture.ts';

jest.setTimeout(40_000);
let stack: Fixture;
let folder: string;
let blocked: string;
let proxies: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-access-'));
  blocked = join(folder, 'blocked.txt');
  writeFileSync(blocked, 'bad.origin.example\n');
  proxies = join(folder, 'proxies.txt');
  writeFileSync(proxies, '203.0.113.99/32 # a CDN\n');
  stack = await startFixture({
    env: (origin) => ({
      SEKISHO_MEDIA_ACCESS: 'site', SEKISHO_MEDIA_BLOCKED_HOSTS_FILE: blocked, SEKISHO_OWN_HOSTS: 'alias.peer.example',
      SEKISHO_MEDIA_STORAGE_BASES: origin.url('/bucket/', 'storage.origin.example'), SEKISHO_TRUSTED_PROXIES_FILE: proxies,
    }),
  });
}, START_MS);
afterAll(async () => {
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const site = { 'sec-fetch-site': 'same-origin' };

describe('SEKISHO_MEDIA_ACCESS=site', () => {
  it.each([
    [{ 'sec-fetch-site': 'same-origin' }, true], [{ 'sec-fetch-site': 'same-site' }, true], [{ 'sec-fetch-site': 'cross-site' }, false], [{ 'sec-fetch-site': 'none' }, false],
    [{ referer: 'https://instance.peer.example/notes/1' }, true], [{ referer: 'https://evil.peer.example/' }, false], [{ referer: 'https://instance.peer.example.evil.example/' }, false], [{}, false],
    [{ 'sec-fetch-site': 'cross-site', referer: 'https://instance.peer.example/' }, false],
  ] as const)('%j: %p', async (headers, served) => {
    const url = await stack.publishPicture('png-emoji');
    const answer = await stack.media(url, 'emoji', { headers: { ...headers } });
    if (served) await expectPicture(answer);
    else {
      expectRefusal(answer, 403, 'FORBIDDEN_CLIENT');
      // A shared cache must not keep for all what concerns one client.
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(stack.origin.hits(new URL(url).pathname)).toBe(0);
    }
  });
});

describe('SEKISHO_MEDIA_BLOCKED_HOSTS_FILE', () => {
  it('refuses a host and what lies below it, first and after a redirect, without a fetch', async () => {
    stack.origin.serve('/b.png', { bytes: await makePicture('png-emoji') });
    for (const host of ['bad.origin.example', 'very.bad.origin.example']) expectRefusal(await stack.media(stack.origin.url('/b.png', host), 'emoji', { headers: site }), 403, 'FORBIDDEN_TARGET');
    expect(stack.origin.hits('/b.png')).toBe(0);
    const to = encodeURIComponent(stack.origin.url('/b.png', 'bad.origin.example'));
    expectRefusal(await stack.media(stack.origin.url(`/redirect?to=${to}`), 'emoji', { headers: site }), 403, 'FORBIDDEN_TARGET');
    expectRefusal(await stack.media(stack.origin.url(`/redirect?to=${to}`), '', { headers: site }), 403, 'FORBIDDEN_TARGET');
    await expectPicture(await stack.media(stack.origin.url('/b.png', 'notbad.origin.example'), 'emoji', { headers: site }));
  });

  it('is read again when it changes, also for what is in the cache', async () => {
    const url = stack.origin.url('/b.png', 'late.origin.example');
    await expectPicture(await stack.media(url, 'emoji', { headers: site }));
    writeFileSync(blocked, 'bad.origin.example\nlate.origin.example\n');
    expect(await eventually(async () => (await stack.media(url, 'emoji', { headers: site })).status === 403, 15_000)).toBe(true);
  });

  it('keeps the old list when the new one is broken', async () => {
    writeFileSync(blocked, 'not a host name / at all\n');
    expect(await eventually(async () => (await stack.metric('gateway', 'sekisho_gateway_blocked_hosts_reloads_total', { result: 'failed' })) > 0, 15_000)).toBe(true);
    expectRefusal(await stack.media(stack.origin.url('/b.png', 'bad.origin.example'), 'emoji', { headers: site }), 403, 'FORBIDDEN_TARGET');
  });
});

describe('SEKISHO_OWN_HOSTS', () => {
  it('are ours: a target there is a loop', async () => {
    expectRefusal(await stack.media('https://alias.peer.example/files/x.png', 'emoji', { headers: site }), 508, 'LOOP');
    expectRefusal(await stack.media(stack.origin.url(`/redirect?to=${encodeURIComponent('https://alias.peer.example/')}`), 'emoji', { headers: site }), 508, 'LOOP');
  });
});

describe('SEKISHO_MEDIA_STORAGE_BASES', () => {
  it('are served with origin=1, and nothing beside them', async () => {
    for (const path of ['/bucket/a.png', '/other/a.png', '/bucket.png']) stack.origin.serve(path, { bytes: await makePicture('png-emoji') });
    const fetchOrigin = async (path: string, host = 'storage.origin.example') => await stack.media(stack.origin.url(path, host), 'origin=1', { headers: site });
    expect((await fetchOrigin('/bucket/a.png')).status).toBe(200);
    for (const answer of [await fetchOrigin('/other/a.png'), await fetchOrigin('/bucket/../other/a.png'), await fetchOrigin('/bucket.png'), await fetchOrigin('/bucket/a.png', 'astorage.origin.example')]) expectRefusal(answer, 403, 'FORBIDDEN_CLIENT');
  });
});

describe('the fetcher\'s port', () => {
  const body = JSON.stringify({ v: 1 });
  it.each([
    ['no token', {}], ['a wrong token', { authorization: `Bearer ${'0'.repeat(64)}` }], ['an Origin', { origin: 'https://instance.peer.example' }], ['a foreign Host', { host: 'fetcher.example' }],
  ] as const)('refuses %s before it reads anything', async (_name, headers) => {
    const url = `http://127.0.0.1:${stack.stack.ports.fetcher}/v1/fetch`;
    const answer = await ask(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
    expect(answer.status).toBe(403);
    expect(answer.headers['sekisho-outcome']).toBeUndefined();
  });
});

describe('everything else', () => {
  it('goes to Misskey with its host, and never to Misskey\'s own proxy', async () => {
    const page = await stack.get('/notes/1', { headers: { host: 'instance.peer.example' } });
    expect(page.status).toBe(200);
    const before = stack.misskey.requests.length;
    for (const path of ['/proxy/x?url=http://10.0.0.1/', '/%70roxy/x?url=http://10.0.0.1/', '/proxy;x?url=http://10.0.0.1/', '//proxy/x?url=http%3A%2F%2F10.0.0.1%2F', '/./proxy/x?url=http://10.0.0.1/', '/x/../proxy/x?url=http://10.0.0.1/']) {
      await stack.get(path, { headers: site });
    }
    const passed = stack.misskey.requests.slice(before).map(({ url }) => url);
    // What the router of Misskey would take for its proxy must not reach it.
    expect(passed.filter((url) => /^\/+(?:\.\/|x\/\.\.\/)?(?:p|%70)roxy/.test(url) && !url.startsWith('//') && !url.includes('..') && !url.startsWith('/./'))).toEqual([]);
  });

  /** What Misskey is told of the client behind a chain of proxies. */
  const clientSeenBy = async (chain: string): Promise<readonly string[]> => {
    const before = stack.misskey.requests.length;
    await stack.get('/stub/headers', { client: chain, headers: { 'x-real-ip': '9.9.9.9', forwarded: 'for=9.9.9.9' } });
    const raw = stack.misskey.requests.slice(before).find(({ url }) => url === '/stub/headers')?.rawHeaders ?? [];
    expect(raw.join('\n')).not.toContain('9.9.9.9');
    return raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === 'x-forwarded-for');
  };

  it('is told who asks, by us alone', async () => {
    expect(await clientSeenBy('203.0.113.50')).toEqual(['203.0.113.50']);
  });

  it('is told who asks behind a proxy of SEKISHO_TRUSTED_PROXIES_FILE, also after a change of the file', async () => {
    expect(await clientSeenBy('198.51.100.7, 203.0.113.99')).toEqual(['198.51.100.7']);
    expect(await clientSeenBy('198.51.100.7, 203.0.113.98')).toEqual(['203.0.113.98']);
    writeFileSync(proxies, '203.0.113.98/32\n');
    expect(await eventually(async () => (await clientSeenBy('198.51.100.7, 203.0.113.98'))[0] === '198.51.100.7', 15_000)).toBe(true);
    expect(await clientSeenBy('198.51.100.7, 203.0.113.99')).toEqual(['203.0.113.99']);
  });
});

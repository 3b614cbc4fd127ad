import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Reloaded } from '@sekisho/runtime';
import { until } from '@sekisho/testkit/until';
import { type TrustedProxies, followIdentify, openTrustedProxies, trustedProxiesFile } from './trusted-proxies.ts';

let folder = '';
let path = '';
const open: TrustedProxies[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sekisho-proxies-'));
  path = join(folder, 'cidrs');
});
afterEach(async () => {
  for (const proxies of open.splice(0)) proxies.close();
  await rm(folder, { recursive: true });
});
const start = async (states: Reloaded<readonly string[]>[] = []): Promise<TrustedProxies> => {
  const source = trustedProxiesFile(path);
  const proxies = await openTrustedProxies({ fixed: ['10.0.0.0/8'], source, onReload: (state) => void states.push(state), pollMs: 3_600_000 });
  open.push(proxies);
  return proxies;
};

describe('openTrustedProxies()', () => {
  it('believes the proxies of the environment and of the file, and a changed file at once', async () => {
    await writeFile(path, '# a CDN\n198.51.100.0/24\r\n\n2001:db8::/32 # more\n');
    const proxies = await start();
    const identify = followIdentify(proxies, {});
    const client = (peer: string): string => identify(peer, '192.0.2.1').address;
    expect(['10.1.1.1', '198.51.100.9', '2001:db8::1', '203.0.113.9'].map(client)).toEqual(['192.0.2.1', '192.0.2.1', '192.0.2.1', '203.0.113.9']);
    await writeFile(`${path}.new`, '203.0.113.0/24\n');
    await rename(`${path}.new`, path);
    await until(() => client('203.0.113.9') === '192.0.2.1');
    expect(['10.1.1.1', '198.51.100.9'].map(client)).toEqual(['192.0.2.1', '198.51.100.9']);
  });

  it.each([['no prefix', 'line 2'], ['0.0.0.0/0', 'line 2'], ['::/0', 'line 2']])('keeps the old list when a line is %s', async (line, detail) => {
    await writeFile(path, '198.51.100.0/24\n');
    const states: Reloaded<readonly string[]>[] = [];
    const proxies = await start(states);
    await writeFile(path, `203.0.113.0/24\n${line}\n`);
    await until(() => states.length > 0);
    expect(states[0]).toEqual({ ok: false, detail: expect.stringContaining(detail) });
    expect(proxies.value).toEqual(['10.0.0.0/8', '198.51.100.0/24']);
  });

  it('does not start with a wrong or a missing file', async () => {
    await expect(start()).rejects.toThrow('ENOENT');
    await writeFile(path, 'proxy.example\n');
    await expect(start()).rejects.toThrow('line 1 is no address prefix');
  });

  it('knows those of the environment alone without a file', async () => {
    expect((await openTrustedProxies({ fixed: ['10.0.0.0/8'], source: undefined })).value).toEqual(['10.0.0.0/8']);
  });
});

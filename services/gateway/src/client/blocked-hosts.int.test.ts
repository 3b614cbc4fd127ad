import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FileSource, Reloaded } from '@sekisho/runtime';
import { until } from '@sekisho/testkit/until';
import { type BlockedHosts, type BlockedList, blockedHostsFile, openBlockedHosts } from './blocked-hosts.ts';

let folder = '';
let path = '';
const open: BlockedHosts[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sekisho-blocked-'));
  path = join(folder, 'hosts');
});
afterEach(async () => {
  for (const hosts of open.splice(0)) hosts.close();
  await rm(folder, { recursive: true });
});
const start = async (source: FileSource, states: Reloaded<BlockedList>[] = [], pollMs = 3_600_000): Promise<BlockedHosts> => {
  const hosts = await openBlockedHosts({ source, onReload: (state) => void states.push(state), pollMs });
  open.push(hosts);
  return hosts;
};

describe('openBlockedHosts()', () => {
  it.each([['evil.example', true], ['a.b.evil.example', true], ['EVIL.example.', true], ['notevil.example', false], ['evil.example.org', false], ['xn--bcher-kva.example', true]])(
    'blocks suffixes: %s is %s',
    async (host, blocked) => {
      await writeFile(path, '# list\n*.evil.example\n\nbücher.example # IDN\n');
      expect((await start(blockedHostsFile(path))).value.matches(host)).toBe(blocked);
    },
  );

  it('follows the file, also when it is replaced, and keeps the old list when the new one is bad', async () => {
    await writeFile(path, 'a.example\n');
    const states: Reloaded<BlockedList>[] = [];
    const hosts = await start(blockedHostsFile(path), states);
    await writeFile(`${path}.new`, 'b.example\n');
    await rename(`${path}.new`, path);
    await until(() => hosts.value.matches('b.example'));
    expect(hosts.value.matches('a.example')).toBe(false);
    await writeFile(path, 'c.example\nnot a host\n');
    await until(() => states.some((state) => !state.ok));
    expect([hosts.value.matches('b.example'), hosts.value.matches('c.example')]).toEqual([true, false]);
    await writeFile(path, 'c.example\nd.example\n');
    await until(() => hosts.value.matches('c.example'));
    await rm(path);
    await hosts.reload();
    expect(hosts.value.matches('c.example')).toBe(true);
  });

  it('finds a change by looking where the watch is silent', async () => {
    const content = { stamp: '1', text: 'a.example' };
    const source: FileSource = { stamp: async () => content.stamp, read: async () => content.text, watch: () => ({ close: () => undefined }) };
    const hosts = await start(source, [], 10);
    content.text = 'b.example';
    content.stamp = '2';
    await until(() => hosts.value.matches('b.example'));
  });

  it('does not start with a bad or missing file', async () => {
    await expect(start(blockedHostsFile(path))).rejects.toThrow('ENOENT');
    await writeFile(path, 'not a host');
    await expect(start(blockedHostsFile(path))).rejects.toThrow('line 1');
  });
});

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { createAddressPolicy } from '@sekisho/netguard';
import { createLogger } from '@sekisho/runtime';
import { PassThrough } from 'node:stream';
import { until } from '@sekisho/testkit/until';
import { followDenyList } from './watch.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-deny-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('followDenyList()', () => {
  it('fails when there is no good file to begin with: fewer networks than meant would be denied', async () => {
    const path = join(folder, 'first');
    const start = async (): Promise<unknown> =>
      await followDenyList({
        policy: createAddressPolicy(), fixed: [], path, onReload: () => undefined,
        log: createLogger({ service: 'x', level: 'error', destination: new PassThrough().resume() }),
      });
    await expect(start()).rejects.toThrow('ENOENT');
    writeFileSync(path, '10.0.0.0/8\nnonsense\n');
    await expect(start()).rejects.toThrow('line 2 is no address prefix');
  });

  it('follows the file as a whole; a bad or missing one keeps the old list', async () => {
    const path = join(folder, 'list');
    const replace = (text: string): void => {
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
    };
    const policy = createAddressPolicy();
    const results: string[] = [];
    const denies = (ip: string): boolean => !policy.check(ip, 443).allowed;
    replace('8.8.8.0/24');
    const followed = await followDenyList({
      policy, fixed: ['9.9.9.9/32'], path, pollMs: 10, onReload: (result) => results.push(result),
      log: createLogger({ service: 'x', level: 'error', destination: new PassThrough().resume() }),
    });
    expect([denies('8.8.8.8'), denies('9.9.9.9'), denies('1.1.1.1')]).toEqual([true, true, false]);
    replace('nonsense');
    await until(() => results.length === 2);
    expect([denies('8.8.8.8'), denies('9.9.9.9')]).toEqual([true, true]);
    replace('1.1.1.0/24');
    await until(() => denies('1.1.1.1'));
    expect([denies('8.8.8.8'), denies('9.9.9.9')]).toEqual([false, true]);
    rmSync(path);
    await until(() => results.length >= 4);
    expect(denies('1.1.1.1')).toBe(true);
    expect(results).toEqual(['ok', 'failed', 'ok', 'failed']);
    followed.close();
  });
});

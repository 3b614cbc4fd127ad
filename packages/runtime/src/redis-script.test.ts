import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { type ScriptArgument, type ScriptServer, createScript, loadScript } from './redis-script.ts';

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');

/** A server that knows the scripts it was sent, or fails in another way. */
function server(fault?: string): ScriptServer & { readonly calls: ScriptArgument[][] } {
  const known = new Set<string>();
  const calls: ScriptArgument[][] = [];
  return {
    calls,
    evalsha: async (sha, ...rest) => {
      calls.push(['evalsha', sha, ...rest]);
      if (fault !== undefined) throw new Error(fault);
      if (!known.has(sha)) throw new Error('NOSCRIPT No matching script.');
      return 'reply';
    },
    eval: async (text, ...rest) => {
      calls.push(['eval', text, ...rest]);
      known.add(sha1(text));
      return 'reply';
    },
  };
}

describe('createScript()', () => {
  it('goes by hash and sends its text once per server', async () => {
    const [script, one] = [createScript('return 1'), server()];
    const bytes = Buffer.from([0, 255]);
    expect(await script(one, ['k'], ['a', 2, bytes])).toBe('reply');
    expect(await script(one, ['k'], [])).toBe('reply');
    expect(one.calls).toEqual([
      ['evalsha', sha1('return 1'), 1, 'k', 'a', 2, bytes], ['eval', 'return 1', 1, 'k', 'a', 2, bytes], ['evalsha', sha1('return 1'), 1, 'k'],
    ]);
  });

  it.each(['OOM command not allowed', 'ERR NOSCRIPT', 'Connection is closed.'])('does not run a second time after %j', async (fault) => {
    const one = server(fault);
    await expect(createScript('return 1')(one, [], [])).rejects.toThrow(fault);
    expect(one.calls).toHaveLength(1);
  });
});

describe('loadScript()', () => {
  it('joins files in the order of their names, and fails at once when one is missing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sekisho-script-'));
    writeFileSync(join(folder, 'a.lua'), 'local a = 1');
    writeFileSync(join(folder, 'b.lua'), 'return a');
    const base = pathToFileURL(`${folder}/`);
    const one = server();
    await loadScript(base, ['a', 'b'])(one, [], []);
    expect(one.calls.at(-1)).toEqual(['eval', 'local a = 1\nreturn a', 0]);
    expect(() => loadScript(base, ['a', 'c'])).toThrow('ENOENT');
    rmSync(folder, { recursive: true });
  });
});

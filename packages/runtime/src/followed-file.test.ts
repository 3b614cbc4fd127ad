import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type FileSource, followFile, readFileNow, type Reloaded } from './followed-file.ts';

interface FakeFile extends FileSource {
  stampText: string;
  text: string;
  error: Error | undefined;
  /** Runs while the file is being read. */
  whileReading: () => void;
}

function fakeFile(text: string): FakeFile {
  const file: FakeFile = {
    stampText: '1', text, error: undefined, whileReading: () => undefined,
    stamp: async () => {
      if (file.error !== undefined) throw file.error;
      return file.stampText;
    },
    read: async () => {
      const now = file.text;
      file.whileReading();
      return now;
    },
    watch: () => ({ close: () => undefined }),
  };
  return file;
}

const parse = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new Error('line 1 is no number');
  return Number(text);
};

async function follow(file: FakeFile): Promise<{ followed: Awaited<ReturnType<typeof followFile<number>>>; seen: Reloaded<number>[] }> {
  const seen: Reloaded<number>[] = [];
  const followed = await followFile({ source: file, parse, onReload: (reloaded) => seen.push(reloaded), pollMs: 1_000_000 });
  return { followed, seen };
}

describe('followFile()', () => {
  it('takes a changed file, keeps the old value over a bad one, and reads an unchanged one once', async () => {
    const file = fakeFile('1');
    const { followed, seen } = await follow(file);
    Object.assign(file, { text: 'x', stampText: '2' });
    await followed.reload();
    await followed.reload();
    expect([followed.value, seen]).toEqual([1, [{ ok: false, detail: 'line 1 is no number' }]]);
    Object.assign(file, { text: '3', stampText: '3' });
    await followed.reload();
    await followed.reload();
    expect([followed.value, seen.length, seen[1]]).toEqual([3, 2, { ok: true, value: 3 }]);
    followed.close();
  });

  it('reports a file that is gone once, and reads it again when it is back as it was', async () => {
    const file = fakeFile('1');
    const { followed, seen } = await follow(file);
    file.error = new Error('ENOENT');
    for (let turn = 0; turn < 3; turn += 1) await followed.reload();
    expect([followed.value, seen]).toEqual([1, [{ ok: false, detail: 'ENOENT' }]]);
    file.error = undefined;
    await followed.reload();
    expect(seen.slice(1)).toEqual([{ ok: true, value: 1 }]);
    followed.close();
  });

  it('never takes what changed while it was read: half of a list would open what the other half denies', async () => {
    const file = fakeFile('1');
    const { followed, seen } = await follow(file);
    Object.assign(file, { text: '12', stampText: '2' });
    file.whileReading = () => {
      Object.assign(file, { text: '1234', stampText: '3', whileReading: () => undefined });
    };
    await followed.reload();
    expect([followed.value, seen]).toEqual([1, []]);
    await followed.reload();
    expect([followed.value, seen]).toEqual([1234, [{ ok: true, value: 1234 }]]);
    followed.close();
  });

  it('fails with the reason when the first load fails', async () => {
    await expect(followFile({ source: fakeFile('x'), parse })).rejects.toThrow('line 1 is no number');
  });
});

describe('readFileNow()', () => {
  const own = join(import.meta.dirname, 'followed-file.test.ts');

  it('parses what is there', () => {
    expect(readFileNow(own, { bytesMax: 100_000, parse: (text) => text.includes('parses what is there') })).toBe(true);
  });

  it.each([
    ['/nowhere', 100_000, 'the file cannot be read (ENOENT)'], [import.meta.dirname, 100_000, 'the file cannot be read (EISDIR)'],
    [own, 10, 'the file is larger than 10 bytes'], [own, 100_000, 'line 1 is no number'],
  ])('says what is wrong with %s of at most %d bytes', (path, bytesMax, problem) => {
    expect(() => readFileNow(path, { bytesMax, parse })).toThrow(problem);
  });
});

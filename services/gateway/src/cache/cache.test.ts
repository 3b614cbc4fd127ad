import { describe, expect, it } from '@jest/globals';
import { CODES, CODE_NAMES } from '@sekisho/contracts';
import * as fc from 'fast-check';
import type { Picture, Refusal } from '../media/types.ts';
import { type StoredEntry, decodeEntry, encodeEntry, hostHashOf, placeOf, urlHashOf } from './entry.ts';
import { MemoryCache } from './memory.ts';
import { isNegativeCacheable } from './negative.ts';
import { PurgeMarks } from './purge-marks.ts';

const secret = Buffer.alloc(32, 7);
const picture: Picture = {
  kind: 'picture', type: 'image/webp', body: Buffer.from('bytes'), etag: '"e"', width: 3, height: 2, frames: 4, framesCapped: true, fileName: 'ねこ',
};
const refusal: Refusal = { kind: 'refusal', code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: 404, retryAfterS: undefined };
const place = placeOf('https://a.origin.example/x');
const stored = (entry: StoredEntry['entry'] = picture, url = 'https://a.origin.example/x'): StoredEntry => ({ entry, ...placeOf(url), expiresAtMs: 1_000 });

describe('placeOf()', () => {
  it('lists by URL and by host, whose hashes never meet', () => {
    expect(place).toEqual({ urlHash: urlHashOf('https://a.origin.example/x'), hostHash: hostHashOf('a.origin.example') });
    expect(urlHashOf('x')).not.toBe(hostHashOf('x'));
    expect(place.urlHash).toMatch(/^[A-Za-z0-9_-]{22}$/);
  });
});

describe('encodeEntry() and decodeEntry()', () => {
  it.each([['picture', stored()], ['refusal', stored(refusal)], ['empty body', stored({ ...picture, body: Buffer.alloc(0), fileName: undefined })]])(
    'give back a %s',
    (_name, entry) => expect(decodeEntry(secret, 'key', encodeEntry(secret, 'key', entry))).toEqual(entry),
  );

  it('believes no value with a changed bit, another key or another secret', () => {
    const value = encodeEntry(secret, 'key', stored());
    fc.assert(
      fc.property(fc.integer({ min: 0, max: value.length * 8 - 1 }), (bit) => {
        const changed = Buffer.from(value);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(decodeEntry(secret, 'key', changed)).toBeUndefined();
      }),
    );
    expect(decodeEntry(secret, 'kez', value)).toBeUndefined();
    expect(decodeEntry(Buffer.alloc(32, 8), 'key', value)).toBeUndefined();
    for (let end = 0; end < value.length; end++) expect(decodeEntry(secret, 'key', value.subarray(0, end))).toBeUndefined();
  });

  it('holds no larger buffer alive', () => {
    const value = encodeEntry(secret, 'key', stored());
    const read = decodeEntry(secret, 'key', Buffer.concat([Buffer.alloc(100_000), value]).subarray(100_000));
    if (read?.entry.kind !== 'picture') throw new Error('no picture');
    expect(read.entry.body.buffer.byteLength).toBe(read.entry.body.length);
  });
});

describe('isNegativeCacheable()', () => {
  it('keeps mirrored statuses of the list alone', () => {
    const kept = Array.from({ length: 100 }, (_, at) => 400 + at).filter((upstreamStatus) => isNegativeCacheable({ ...refusal, upstreamStatus }));
    expect(kept).toEqual([400, 401, 403, 404, 410, 451]);
    expect(isNegativeCacheable({ ...refusal, upstreamStatus: undefined })).toBe(false);
  });

  it('never keeps what may pass: 429, 5xx, loops, faults of our own, what clients are', () => {
    const kept = CODE_NAMES.filter((code) => isNegativeCacheable({ ...refusal, code, upstreamStatus: undefined }));
    for (const code of kept) {
      expect([403, 404, 422]).toContain(CODES[code].status);
      expect(['FORBIDDEN_TARGET', 'FORBIDDEN_TYPE', 'UNDECODABLE']).toContain(CODES[code].publicCode);
    }
    expect(kept).toContain('SEKISHO_TARGET_ADDRESS');
    expect(kept).toContain('SEKISHO_IMAGE_CPU');
    for (const code of ['SEKISHO_IMAGE_SPAWN', 'SEKISHO_IMAGE_RESULT', 'SEKISHO_LOOP', 'SEKISHO_CLIENT_PROXY'] as const) expect(kept).not.toContain(code);
  });
});

describe('MemoryCache', () => {
  const sized = (bytes: number, url?: string): StoredEntry => stored({ ...picture, body: Buffer.alloc(bytes) }, url);

  it('drops the least recently used beyond its bytes', () => {
    const cache = new MemoryCache(20_000);
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']) cache.set(key, sized(976));
    expect(cache.stats).toEqual({ entries: 10, bytes: 20_000 });
    cache.get('a', 0);
    cache.set('k', sized(976));
    expect(cache.get('a', 0)).toBeDefined();
    expect(cache.get('b', 0)).toBeUndefined();
  });

  it('ends an entry at its time and not before', () => {
    const cache = new MemoryCache(100_000);
    cache.set('a', sized(1));
    expect(cache.get('a', 999)).toBeDefined();
    expect(cache.get('a', 1_000)).toBeUndefined();
    expect(cache.stats).toEqual({ entries: 0, bytes: 0 });
  });

  it('takes no entry above an eighth, and replaces the older one all the same', () => {
    const cache = new MemoryCache(80_000);
    expect(cache.set('a', sized(10_000 - 1_024))).toBe(true);
    expect(cache.set('a', sized(10_000 - 1_023))).toBe(false);
    expect(cache.get('a', 0)).toBeUndefined();
  });

  it('drops by URL and by host', () => {
    const cache = new MemoryCache(100_000);
    for (const [key, path] of [['a', 'x'], ['b', 'x'], ['c', 'y']] as const) cache.set(key, sized(1, `https://a.origin.example/${path}`));
    cache.set('d', sized(1, 'https://b.origin.example/x'));
    expect(cache.deleteListed(urlHashOf('https://a.origin.example/x'))).toBe(2);
    expect(cache.deleteListed(hostHashOf('a.origin.example'))).toBe(1);
    expect(cache.stats.entries).toBe(1);
    expect(cache.get('d', 0)).toBeDefined();
  });

  it('never exceeds its budget and counts exactly', () => {
    const action = fc.record({ key: fc.integer({ min: 0, max: 9 }), bytes: fc.integer({ min: 0, max: 3_000 }), act: fc.constantFrom('set', 'get', 'delete', 'drop') });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const cache = new MemoryCache(16_000);
        for (const { key, bytes, act } of actions) {
          const url = `https://${key % 3}.origin.example/${key}`;
          if (act === 'set') cache.set(String(key), sized(bytes, url));
          if (act === 'get') cache.get(String(key), 0);
          if (act === 'delete') cache.delete(String(key));
          if (act === 'drop') cache.deleteListed(placeOf(url).hostHash);
          expect(cache.stats.bytes).toBeLessThanOrEqual(16_000);
        }
        for (let host = 0; host < 3; host++) cache.deleteListed(hostHashOf(`${host}.origin.example`));
        expect(cache.stats).toEqual({ entries: 0, bytes: 0 });
      }),
    );
  });
});

describe('PurgeMarks', () => {
  it('overtakes work that began at or before the purge', () => {
    const marks = new PurgeMarks();
    marks.add('a', 100);
    expect(marks.overtakes(['a'], 100)).toBe(true);
    expect(marks.overtakes(['a'], 101)).toBe(false);
    expect(marks.overtakes(['b'], 50)).toBe(false);
    expect(marks.overtakes(['b', 'a'], 50)).toBe(true);
  });

  it('overtakes everything once purges may have been missed, and when there are too many', () => {
    const marks = new PurgeMarks();
    marks.addAll(100);
    expect([marks.overtakes(['b'], 100), marks.overtakes(['b'], 101)]).toEqual([true, false]);
    for (let at = 0; at <= 10_000; at++) marks.add(`m${at}`, 200);
    expect([marks.overtakes(['b'], 200), marks.overtakes(['b'], 201)]).toEqual([true, false]);
  });
});

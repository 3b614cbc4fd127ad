import { describe, expect, it } from '@jest/globals';
import { MEDIA_MODES, idSchema } from '@sekisho/contracts';
import { webUrl } from '@sekisho/testkit/arbitraries';
import * as fc from 'fast-check';
import { type KeyFacts, cacheKey, isolationToken, pictureEtag, policyHash, streamEtag } from './key.ts';

const facts: KeyFacts = { policy: 'p', epoch: 1, mode: 'asis', url: 'https://a.origin.example/x' };

describe('cacheKey()', () => {
  it('is 43 characters of base64url and depends on every part', () => {
    const others: KeyFacts[] = [
      facts, { ...facts, policy: 'q' }, { ...facts, epoch: 2 }, { ...facts, mode: 'emoji' }, { ...facts, url: 'https://a.origin.example/y' },
    ];
    const keys = others.map(cacheKey);
    for (const key of keys) expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('never lets a URL speak for another part', () => {
    fc.assert(
      fc.property(webUrl(), fc.constantFrom(...MEDIA_MODES), fc.constantFrom(...MEDIA_MODES), (url, a, b) => {
        expect(cacheKey({ ...facts, mode: a, url }) === cacheKey({ ...facts, mode: b, url })).toBe(a === b);
      }),
    );
  });
});

describe('policyHash()', () => {
  const policy = { sharpVersion: '0.35.5', encodeParams: { quality: 77, effort: 2 }, limits: { framesMax: 300 } };
  it('does not depend on the order of names, but on every value', () => {
    expect(policyHash(policy)).toBe(policyHash({ ...policy, encodeParams: { effort: 2, quality: 77 } }));
    expect(policyHash(policy)).not.toBe(policyHash({ ...policy, encodeParams: { effort: 3, quality: 77 } }));
    expect(policyHash(policy)).not.toBe(policyHash({ ...policy, sharpVersion: '0.35.6' }));
    expect(policyHash(policy)).not.toBe(policyHash({ ...policy, limits: { framesMax: 301 } }));
  });
});

describe('isolationToken()', () => {
  it('has the form of the contract and changes with site and key', () => {
    const key = Buffer.alloc(32, 1);
    const token = isolationToken(key, 'https://a.origin.example');
    expect(idSchema.safeParse(token).success).toBe(true);
    expect(isolationToken(key, 'https://b.origin.example')).not.toBe(token);
    expect(isolationToken(key, 'https://a.origin.example:8443')).not.toBe(token);
    expect(isolationToken(Buffer.alloc(32, 2), 'https://a.origin.example')).not.toBe(token);
  });
});

describe('streamEtag()', () => {
  const stream = { key: 'k', validator: '"v"', length: 10 };
  it('is a strong validator bound to key, validator and length', () => {
    const etag = streamEtag(stream);
    expect(etag).toMatch(/^"[A-Za-z0-9_-]{27}"$/);
    for (const other of [{ key: 'l' }, { validator: '"w"' }, { length: 11 }]) expect(streamEtag({ ...stream, ...other })).not.toBe(etag);
  });
  it('stays weak where the upstream is, and never echoes its text', () => {
    expect(streamEtag({ ...stream, validator: 'W/"v"' })).toMatch(/^W\/"[A-Za-z0-9_-]{27}"$/);
    expect(streamEtag({ ...stream, validator: '"\r\nSet-Cookie: a"' })).toMatch(/^"[A-Za-z0-9_-]{27}"$/);
  });
});

describe('pictureEtag()', () => {
  it('depends on the bytes', () => expect(pictureEtag(Buffer.from('a'))).not.toBe(pictureEtag(Buffer.from('b'))));
});

import { describe, expect, it } from '@jest/globals';
import { DEFAULT_GATEWAY_LIMITS } from '../limits-file/limits.ts';
import { createKeyMemo } from './key-memo.ts';

describe('createKeyMemo()', () => {
  const asked = { mode: 'emoji', url: 'https://a.origin.example/x.png' } as const;

  it('makes a key once, and anew for another mode, URL or other limits', () => {
    let made = 0;
    const keyOf = createKeyMemo(({ mode, url }, { media }) => `${(made += 1)} ${mode} ${url} ${media.pictureBytesMax}`);
    const first = keyOf(asked, DEFAULT_GATEWAY_LIMITS);
    expect(keyOf({ ...asked }, DEFAULT_GATEWAY_LIMITS)).toBe(first);
    expect(keyOf({ ...asked, mode: 'avatar' }, DEFAULT_GATEWAY_LIMITS)).not.toBe(first);
    expect(keyOf({ ...asked, url: `${asked.url}?2` }, DEFAULT_GATEWAY_LIMITS)).not.toBe(first);
    const lower = { ...DEFAULT_GATEWAY_LIMITS, media: { ...DEFAULT_GATEWAY_LIMITS.media, pictureBytesMax: 1_000 } };
    expect(keyOf(asked, lower)).toContain('1000');
    expect(made).toBe(4);
  });

  it('remembers no URL that is too long, and forgets the oldest', () => {
    let made = 0;
    const keyOf = createKeyMemo(() => `${(made += 1)}`);
    const long = { ...asked, url: `https://a.origin.example/${'x'.repeat(400)}` };
    expect(keyOf(long, DEFAULT_GATEWAY_LIMITS)).not.toBe(keyOf(long, DEFAULT_GATEWAY_LIMITS));
    const first = keyOf(asked, DEFAULT_GATEWAY_LIMITS);
    for (let i = 0; i < 4_096; i += 1) keyOf({ ...asked, url: `https://a.origin.example/${i}` }, DEFAULT_GATEWAY_LIMITS);
    expect(keyOf(asked, DEFAULT_GATEWAY_LIMITS)).not.toBe(first);
  });
});

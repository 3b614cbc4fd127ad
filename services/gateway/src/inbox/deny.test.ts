import { describe, expect, it } from '@jest/globals';
import { deny } from './deny.ts';

describe('deny()', () => {
  it.each([[0, 0], [200, 200], [201, 200], [70_000, 200]])('of a detail of %d characters keeps %d', (chars, kept) => {
    expect(deny('SEKISHO_INBOX_HOST', 'x'.repeat(chars), { retryAfterS: 3 })).toEqual({ ok: false, code: 'SEKISHO_INBOX_HOST', detail: 'x'.repeat(kept), retryAfterS: 3 });
  });
});

import { describe, expect, it } from '@jest/globals';
import { chargeId } from './charge-id.ts';

describe('chargeId()', () => {
  it('is another one each time, over several pools', () => {
    const ids = Array.from({ length: 1_000 }, chargeId);
    for (const id of ids) expect(id).toMatch(/^[\w-]{22}$/);
    expect(new Set(ids).size).toBe(ids.length);
    // 128 bits: none stays the same in all of them.
    const bits = (id: string): bigint => BigInt(`0x${Buffer.from(id, 'base64url').toString('hex')}`);
    const all = ids.map(bits);
    expect(all.reduce((sum, id) => sum | id).toString(16)).toBe('f'.repeat(32));
    expect(all.reduce((sum, id) => sum & id)).toBe(0n);
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { keyHostOf } from './key-id.ts';

const anyHost = (): boolean => true;
const hostnameOf = (host: string): string | undefined => URL.parse(`https://${host}/u`)?.hostname;

describe('keyHostOf()', () => {
  it.each(['alice.peer.example', 'peer.b1', '1.2.3.peer.example', 'xn--bcher-kva.example', 'peer.xn--p1ai'])('takes the host %s', (host) => {
    expect(keyHostOf(`https://${host}/u#k`, anyHost)).toBe(host);
  });

  it.each(['1.2.3', '127.1', 'a.0x7f', 'peer.example.0'])('refuses the host %s, which a URL parser reads as another or as none', (host) => {
    expect(hostnameOf(host)).not.toBe(host);
    expect(keyHostOf(`https://${host}/u#k`, anyHost)).toBeUndefined();
  });

  it('takes the hosts that a URL parser leaves as they are, and no other', () => {
    const labels = fc.array(fc.oneof(fc.constantFrom('a', 'peer', 'example', '0', '1', '127', '0x7f', '0x', '08', 'xn--', 'xn--a', 'xn--bcher-kva', 'b1', '1b', '-', 'a-'), fc.stringMatching(/^[a-z0-9-]{1,8}$/)), { minLength: 2, maxLength: 4 });
    const seen = { same: 0, other: 0 };
    fc.assert(fc.property(labels, (parts) => {
      const host = parts.join('.');
      const isSame = hostnameOf(host) === host;
      seen[isSame ? 'same' : 'other'] += 1;
      expect(keyHostOf(`https://${host}/u`, anyHost)).toBe(isSame ? host : undefined);
    }), { numRuns: 2_000 });
    expect([seen.same > 100, seen.other > 100]).toEqual([true, true]);
  });
});

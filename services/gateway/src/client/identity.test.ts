import { describe, expect, it } from '@jest/globals';
import { anyAddress } from '@sekisho/testkit/arbitraries';
import * as fc from 'fast-check';
import { createIdentify } from './identity.ts';

const TRUSTED = ['10.0.0.0/8', 'fd00::/8', '::ffff:192.0.2.0/120'];
const make = (trustedProxies = TRUSTED) => {
  const seen = { untrusted: 0, warned: [] as string[], nowMs: 0 };
  const identify = createIdentify({
    trustedProxies, onUntrusted: () => void (seen.untrusted += 1), warn: (peer) => void seen.warned.push(peer), nowMs: () => seen.nowMs,
  });
  return { identify, seen };
};

describe('createIdentify()', () => {
  it.each([
    ['direct', '203.0.113.9', undefined, '203.0.113.9'],
    ['mapped', '::ffff:203.0.113.9', undefined, '203.0.113.9'],
    ['one proxy', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['mapped proxy', '::ffff:10.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
    ['proxy trusted as a mapped prefix', '192.0.2.7', '203.0.113.9', '203.0.113.9'],
    ['two proxies', 'fd00::1', '203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['forged left part', '10.0.0.1', '198.51.100.1, 1.1.1.1, 203.0.113.9', '203.0.113.9'],
    ['forged with a trusted address', '10.0.0.1', '1.1.1.1, 10.9.9.9, 203.0.113.9', '203.0.113.9'],
    ['all trusted', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['port', '10.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
    ['garbage on the right', '10.0.0.1', '203.0.113.9, unknown', '10.0.0.1'],
    ['garbage behind a proxy', '10.0.0.1', 'unknown, 10.0.0.2', '10.0.0.2'],
    ['empty', '10.0.0.1', '', '10.0.0.1'],
    ['header from a stranger', '203.0.113.9', '1.1.1.1', '203.0.113.9'],
    ['header from a neighbour of the prefix', '11.0.0.0', '1.1.1.1', '11.0.0.0'],
    ['no peer', undefined, '1.1.1.1', 'unknown'],
  ])('%s', (_name, peer, header, key) => {
    expect(make().identify(peer, header).key).toBe(key);
  });

  it('counts by /24, and IPv6 by /64 and /48 without the whole address', () => {
    const { identify } = make();
    expect(identify('203.0.113.9', undefined)).toEqual({ address: '203.0.113.9', key: '203.0.113.9', net: '203.0.113.0/24' });
    const first = identify('2001:db8:1:2:3:4:5:6', undefined);
    expect(first).toEqual({ address: '2001:db8:1:2::/64', key: '2001:db8:1:2::/64', net: '2001:db8:1::/48' });
    expect(identify('10.0.0.1', '[2001:0db8:1:2:ffff::1]:443').key).toBe(first.key);
    expect(identify('2001:db8:1:3::1', undefined).key).not.toBe(first.key);
    expect(identify('2001:db8:1:3::1', undefined).net).toBe(first.net);
    expect(identify('fe80::1%eth0', undefined).key).toBe('fe80:0:0:0::/64');
  });

  it('counts headers of strangers and warns once a minute', () => {
    const { identify, seen } = make();
    for (let at = 0; at < 3; at++) identify('203.0.113.9', '1.1.1.1');
    seen.nowMs = 59_999;
    identify('203.0.113.8', '1.1.1.1');
    expect(seen).toMatchObject({ untrusted: 4, warned: ['203.0.113.9'] });
    seen.nowMs = 60_000;
    identify('203.0.113.8', '1.1.1.1');
    identify('10.0.0.1', '1.1.1.1');
    identify('203.0.113.8', undefined);
    expect(seen).toMatchObject({ untrusted: 5, warned: ['203.0.113.9', '203.0.113.8'] });
  });

  it('refuses a CIDR that is none', () => {
    for (const bad of ['10.0.0.0/33', 'ten', '10.0.0/8', '']) expect(() => createIdentify({ trustedProxies: [bad] })).toThrow(TypeError);
  });

  it('gives one identity however much a client writes to the left', () => {
    const { identify } = make();
    const left = fc.oneof(fc.string(), anyAddress(), fc.constantFrom('10.0.0.1', ',', ', ,', 'x'.repeat(5_000)));
    fc.assert(
      fc.property(fc.array(left, { maxLength: 60 }), fc.constantFrom('', ', 10.0.0.2', ',fd00::9, 10.0.0.2'), (parts, right) => {
        expect(identify('10.0.0.1', `${parts.join(',')},203.0.113.9${right}`).key).toBe('203.0.113.9');
      }),
    );
  });
});

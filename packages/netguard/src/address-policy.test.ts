import { describe, expect, it } from '@jest/globals';
import { createAddressPolicy, parseAllowTarget } from './address-policy.ts';

describe('createAddressPolicy()', () => {
  it('allows public addresses on 80 and 443 and no other port', () => {
    const policy = createAddressPolicy();
    for (const port of [80, 443]) expect(policy.check('8.8.8.8', port)).toEqual({ allowed: true, unsafeTarget: false });
    for (const port of [0, 22, 79, 81, 442, 444, 8080]) expect(policy.check('8.8.8.8', port)).toMatchObject({ allowed: false, label: 'port' });
    expect(policy.check('10.0.0.1', 443)).toMatchObject({ allowed: false, label: 'private', cidr: '10.0.0.0/8', source: 'RFC 1918' });
    expect(policy.check('010.0.0.1', 443)).toMatchObject({ allowed: false, label: 'unparseable' });
    expect(policy.check('2606:4700::1%lo', 443)).toMatchObject({ allowed: false, label: 'zone-id' });
  });

  it('denies the networks of the installation, also after they changed', () => {
    const policy = createAddressPolicy({ denyCidrs: ['34.118.224.0/20', '2a00:1::/32'] });
    expect(policy.check('34.118.239.255', 443)).toMatchObject({ allowed: false, label: 'configured', cidr: '34.118.224.0/20' });
    expect(policy.check('34.118.240.0', 443).allowed).toBe(true);
    expect(policy.check('2a00:1::1', 443).allowed).toBe(false);
    policy.setDenyCidrs(['8.8.8.0/24']);
    expect(policy.check('34.118.224.1', 443).allowed).toBe(true);
    expect(policy.check('8.8.8.8', 443).allowed).toBe(false);
  });

  it('keeps the old networks when the new ones are broken', () => {
    const policy = createAddressPolicy({ denyCidrs: ['8.8.8.0/24'] });
    expect(() => policy.setDenyCidrs(['9.9.9.9', 'nonsense'])).toThrow(/nonsense/);
    expect(policy.check('8.8.8.8', 443).allowed).toBe(false);
    expect(policy.check('9.9.9.9', 443).allowed).toBe(true);
  });

  it('takes unsafe public prefixes out of the table, but not out of the denied networks', () => {
    const policy = createAddressPolicy({ unsafePublicCidrs: ['198.51.100.0/24'], denyCidrs: ['198.51.100.7'] });
    expect(policy.check('198.51.100.1', 443)).toEqual({ allowed: true, unsafeTarget: false });
    expect(policy.check('198.51.100.7', 443).allowed).toBe(false);
    expect(policy.check('198.51.100.1', 8443).allowed).toBe(false);
    expect(policy.check('198.51.101.1', 443).allowed).toBe(true);
    expect(policy.check('203.0.113.1', 443).allowed).toBe(false);
  });

  it('lets an unsafe target pass exactly, in any spelling of its address', () => {
    const policy = createAddressPolicy({ unsafeAllowTargets: ['127.0.0.1:8443', '[::1]:9000'] });
    expect(policy.check('127.0.0.1', 8443)).toEqual({ allowed: true, unsafeTarget: true });
    expect(policy.check('0:0:0:0:0:0:0:1', 9000)).toEqual({ allowed: true, unsafeTarget: true });
    for (const [ip, port] of [['127.0.0.1', 8444], ['127.0.0.2', 8443], ['::ffff:127.0.0.1', 8443], ['127.0.0.1', 443], ['8.8.8.8', 8443]] as const) {
      expect([ip, policy.check(ip, port).allowed]).toEqual([ip, false]);
    }
    expect([...policy.allowTargetPorts]).toEqual([8443, 9000]);
  });

  it.each(['127.0.0.1', '127.0.0.1:0', '127.0.0.1:65536', '127.0.0.1:08', 'localhost:80', '::1:80', '[127.0.0.1:80', '127.1:80', ' 127.0.0.1:80'])(
    'refuses the allow target %j',
    (text) => {
      expect(parseAllowTarget(text)).toBeUndefined();
      expect(() => createAddressPolicy({ unsafeAllowTargets: [text] })).toThrow(TypeError);
    },
  );
});

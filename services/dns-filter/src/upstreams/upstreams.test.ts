import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readNameServers } from './upstreams.ts';

describe('readNameServers()', () => {
  it.each([
    ['nameserver 10.96.0.10\n', ['10.96.0.10']], ['# nameserver 1.1.1.1\n; nameserver 1.1.1.1\n  nameserver\tfd00::a # x\n', ['fd00::a']],
    ['nameserver fe80::1%eth0\nnameserver 127.0.0.53', ['127.0.0.53']], ['nameserver a.example\nnameserver\n', []],
    ['nameserver 1.0.0.1\nnameserver 1.0.0.2\nnameserver 1.0.0.3\nnameserver 1.0.0.4\n', ['1.0.0.1', '1.0.0.2', '1.0.0.3']], ['', []],
  ])('reads %j', (text, addresses) => {
    expect(readNameServers(text)).toEqual(addresses.map((address) => ({ address, port: 53 })));
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void readNameServers(`nameserver ${text}`)));
  });
});

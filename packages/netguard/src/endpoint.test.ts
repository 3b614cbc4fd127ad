import { describe, expect, it } from '@jest/globals';
import { parseEndpoint } from './endpoint.ts';

describe('parseEndpoint()', () => {
  it.each([['10.0.0.1:53', '10.0.0.1', 53], ['[fd00::a]:5300', 'fd00::a', 5300], ['127.0.0.53:65535', '127.0.0.53', 65_535]])('reads %s', (text, address, port) => {
    expect(parseEndpoint(text)).toEqual({ address, port });
  });

  it.each(['10.0.0.1', '10.0.0.1:0', '10.0.0.1:65536', '10.0.0.1:053', 'fd00::a:53', '[10.0.0.1:53', '[fe80::1%eth0]:53', '256.0.0.1:53', 'a:53', '', '10.0.0.1:53 '])('refuses %j', (text) => {
    expect(parseEndpoint(text)).toBeUndefined();
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isAuthorized } from './auth.ts';

const token = Buffer.from('0123456789abcdef0123456789abcdef');
const rules = { token, hosts: new Set(['fetcher:8081']) };
const good = { host: ['fetcher:8081'], authorization: [`Bearer ${token.toString()}`] };

describe('isAuthorized()', () => {
  it.each([
    ['all right', good, true], ['no host', { ...good, host: undefined }, false], ['two hosts', { ...good, host: ['fetcher:8081', 'x'] }, false],
    ['host in capitals', { ...good, host: ['Fetcher:8081'] }, false], ['an origin', { ...good, origin: ['null'] }, false], ['no token', { ...good, authorization: undefined }, false],
    ['two tokens', { ...good, authorization: [...good.authorization, ...good.authorization] }, false], ['scheme in small letters', { ...good, authorization: [`bearer ${token.toString()}`] }, false],
  ])('%s: %s', (_name, headers, expected) => {
    expect(isAuthorized({ headers }, rules)).toBe(expected);
  });

  it('takes no other token', () => {
    fc.assert(fc.property(fc.string(), (text) => !isAuthorized({ headers: { ...good, authorization: [`Bearer ${text}`] } }, rules)));
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseAddress, parseCidr, type Prefix, prefixHolds } from '../address.ts';
import { formatPrefix } from '../address-text.ts';
import { covers, subtract } from './prefix.ts';

const prefix = (text: string): Prefix => parseCidr(text)!;
const left = (whole: string, ...holes: string[]): string[] => subtract(prefix(whole), holes.map(prefix)).map(formatPrefix);

describe('subtract()', () => {
  it.each<[string, string[], string[]]>([
    ['10.0.0.0/8', [], ['10.0.0.0/8']],
    ['10.0.0.0/8', ['10.0.0.0/8'], []],
    ['10.0.0.0/8', ['0.0.0.0/0'], []],
    ['10.0.0.0/8', ['11.0.0.0/8'], ['10.0.0.0/8']],
    ['10.0.0.0/8', ['::/0'], ['10.0.0.0/8']],
    ['10.0.0.0/30', ['10.0.0.1'], ['10.0.0.0/32', '10.0.0.2/31']],
    ['10.0.0.0/30', ['10.0.0.0', '10.0.0.3'], ['10.0.0.1/32', '10.0.0.2/32']],
    ['::/0', ['2000::/3'], ['::/3', '4000::/2', '8000::/1']],
    ['2001:db8::/126', ['2001:db8::2'], ['2001:db8::/127', '2001:db8::3/128']],
  ])('%s without %j leaves %j', (whole, holes, expected) => {
    expect(left(whole, ...holes)).toEqual(expected);
  });

  it('leaves exactly the addresses outside the holes', () => {
    const cidr = fc.tuple(fc.constantFrom('10.0.0.0', '10.1.2.3', '10.0.0.255', '11.0.0.1'), fc.integer({ min: 4, max: 32 })).map(([ip, bits]) => `${ip}/${bits}`);
    fc.assert(fc.property(cidr, fc.array(cidr, { maxLength: 4 }), fc.ipV4(), fc.integer({ min: 0, max: 255 }), (whole, holes, any, low) => {
      const rest = subtract(prefix(whole), holes.map(prefix));
      for (const ip of [any, `10.0.0.${low}`, `10.1.2.${low}`]) {
        const address = parseAddress(ip)!;
        const expected = prefixHolds(prefix(whole), address) && !holes.some((hole) => prefixHolds(prefix(hole), address));
        expect(rest.filter((part) => prefixHolds(part, address))).toHaveLength(expected ? 1 : 0);
      }
    }));
  });

  it('stays small around single addresses', () => {
    expect(left('::/0', '2001:db8::1')).toHaveLength(128);
    expect(left('0.0.0.0/0', '10.0.0.1', '10.0.0.2').length).toBeLessThanOrEqual(64);
  });
});

describe('covers()', () => {
  it.each<[string, string, boolean]>([
    ['10.0.0.0/8', '10.1.0.0/16', true], ['10.0.0.0/8', '10.0.0.0/8', true], ['10.1.0.0/16', '10.0.0.0/8', false],
    ['10.0.0.0/8', '11.0.0.0/16', false], ['::/0', '0.0.0.0/0', false],
  ])('%s covers %s: %s', (outer, inner, expected) => {
    expect(covers(prefix(outer), prefix(inner))).toBe(expected);
  });
});

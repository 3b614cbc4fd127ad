import { describe, expect, it } from '@jest/globals';
import { parseAddress, parseCidr, type Prefix, prefixHolds } from '@sekisho/netguard';
import { parse } from 'yaml';
import { publicRanges, rangesOf, sameRanges, subtract } from '../chart/ranges.ts';
import { renderPublicBlocks } from './network-policy.ts';

interface Block {
  readonly cidr: string;
  readonly except: readonly string[];
}
const blocks = Object.values(parse(renderPublicBlocks()) as Record<string, Block>);
const rows = blocks.flatMap(({ except }) => except);

const prefixOf = (cidr: string): Prefix => parseCidr(cidr) ?? { family: 4, bytes: [], bits: -1 };
const holds = (outer: string, inner: string): boolean => prefixOf(outer).bits <= prefixOf(inner).bits && prefixHolds(prefixOf(outer), parseAddress(inner.split('/')[0] ?? '') ?? { family: 4, bytes: [] });

describe('renderPublicBlocks()', () => {
  it('is a block of each family whose exceptions lie inside it, smaller than it', () => {
    expect(blocks.map(({ cidr }) => cidr)).toEqual(['0.0.0.0/0', '2000::/3']);
    for (const { cidr, except } of blocks) expect(except.filter((row) => !holds(cidr, row) || row === cidr)).toEqual([]);
  });

  it('has no exception inside another', () => {
    expect(rows.filter((row) => rows.some((other) => other !== row && holds(other, row)))).toEqual([]);
    expect(new Set(rows).size).toBe(rows.length);
  });

  it('leaves what netguard calls public', () => {
    const left = blocks.flatMap(({ cidr, except }) => subtract(rangesOf([cidr]), rangesOf(except)));
    expect(sameRanges(left, publicRanges())).toBe(true);
  });

  it.each(['203.0.113.0/24', '198.51.100.0/24', '2001:db8::/32'])('has the row %s, where the tests simulate the internet', (row) => {
    expect(rows).toContain(row);
  });
});

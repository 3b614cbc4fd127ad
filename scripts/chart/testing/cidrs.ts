// Ranges in the spellings that operators use, host bits cleared.

import { parseCidr } from '@sekisho/netguard';
import fc from 'fast-check';

export const ipv4Cidr = fc.tuple(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)), fc.integer({ min: 6, max: 32 }))
  .map(([bytes, bits]) => `${cleared(`${bytes.join('.')}/${bits}`).join('.')}/${bits}`);

const inGlobalUnicast = fc.integer({ min: 0x2000, max: 0x3fff });
const spelling = fc.record({ upper: fc.boolean(), padded: fc.boolean(), shortened: fc.boolean() });

/** Mostly inside 2000::/3, where a range counts. */
export const ipv6Cidr = fc.tuple(fc.oneof(inGlobalUnicast, inGlobalUnicast, fc.nat(0xffff)), fc.array(fc.nat(0xffff), { minLength: 7, maxLength: 7 }), fc.integer({ min: 4, max: 128 }), spelling)
  .map(([head, tail, bits, { upper, padded, shortened }]) => {
    const bytes = cleared(`${[head, ...tail].map((group) => group.toString(16)).join(':')}/${bits}`);
    const groups = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] ?? 0) * 256 + (bytes[2 * at + 1] ?? 0)).toString(16).padStart(padded ? 4 : 1, '0'));
    const full = groups.join(':');
    const text = shortened ? full.replace(/(?:(?:^|:)0{1,4}){2,}$/, '::') : full;
    return `${upper ? text.toUpperCase() : text}/${bits}`;
  });

const cleared = (cidr: string): readonly number[] => parseCidr(cidr)?.bytes ?? [];

// Names of strangers that lead inside, in every way DNS can. All of loopback: what gets through is counted, not sent out.

import type { DnsZone } from '@sekisho/testkit';

export const INSIDE = '127.0.0.77';

export const HOSTILE_ZONE: DnsZone = {
  'private.peer.example': { a: [INSIDE] },
  'six.peer.example': { aaaa: ['::1'] },
  'mapped.peer.example': { aaaa: [`::ffff:${INSIDE}`] },
  'zero.peer.example': { a: ['0.0.0.0'] },
  'both.peer.example': { a: [INSIDE], aaaa: ['::1'] },
  'cname.peer.example': { cname: 'private.peer.example' },
  'chain.peer.example': { cname: 'cname.peer.example' },
  'many.peer.example': { a: Array.from({ length: 40 }, (_, at) => `127.0.2.${at + 1}`) },
};
export const HOSTILE_NAMES = Object.keys(HOSTILE_ZONE);

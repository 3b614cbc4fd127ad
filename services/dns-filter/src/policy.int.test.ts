// Every rule of the policy on the real Unbound, which ignores an owner name that it does not understand.

import { expect, it } from '@jest/globals';
import { createAddressPolicy } from '@sekisho/netguard';
import { type DeniedOptions, deniedPrefixes } from '@sekisho/netguard/dns';
import { addressesIn, type Rig, spelled, startRig, withUnbound } from './testing/rig.ts';

const OPTIONS: readonly (readonly [string, DeniedOptions])[] = [
  ['the table', {}],
  ['networks of the installation', { denyCidrs: ['34.118.224.0/20', '8.8.8.8', '2600:1f00::/24', '2a00:1450:4001:80b::200e', '2606:4700:1:2:3:4:5:6/128', '2a00:0:0:1::/64', '1.0.0.0/7'] }],
  ['exceptions', { unsafePublicCidrs: ['203.0.113.0/24', '2001:db8::/32', '127.0.0.5'], denyCidrs: ['203.0.113.9'] }],
  ['a NAT64 translator', { nat64Prefixes: ['64:ff9b::/96', '2a00:64::/96'], denyCidrs: ['34.118.224.0/20'] }],
  ['everything', { denyCidrs: ['0.0.0.0/0', '::/0'] }],
];

const WIDTH = { 4: 32n, 6: 128n } as const;
const toNumber = (bytes: readonly number[]): bigint => bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
const toText = (family: 4 | 6, value: bigint): string =>
  family === 4
    ? [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.')
    : spelled(Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16)).join(':'));

/** First and last address of each rule, and their neighbours outside. */
function edges(options: DeniedOptions): readonly string[] {
  const all = deniedPrefixes(options).flatMap(({ prefix: { family, bytes, bits } }) => {
    const first = toNumber(bytes);
    const last = first + (1n << (WIDTH[family] - BigInt(bits))) - 1n;
    return [first - 1n, first, last, last + 1n].filter((value) => value >= 0n && value < 1n << WIDTH[family]).map((value) => toText(family, value));
  });
  return [...new Set(all)];
}

async function check(rig: Rig, options: DeniedOptions): Promise<{ readonly refused: number; readonly wrong: readonly string[] }> {
  const policy = createAddressPolicy(options);
  const wrong: string[] = [];
  let refused = 0;
  for (const [at, ip] of edges(options).entries()) {
    const type = ip.includes(':') ? 'AAAA' : 'A';
    rig.dns.set(`edge-${at}.origin.example`, { records: [`@ ${type} ${ip}`] });
    const passed = addressesIn(await rig.ask(`edge-${at}.origin.example`, { type })).includes(spelled(ip));
    if (!passed) refused += 1;
    if (passed !== policy.check(ip, 443).allowed) wrong.push(ip);
  }
  return { refused, wrong };
}

withUnbound('the policy on Unbound (needs unbound)', () => {
  it.each(OPTIONS)('agrees with the address policy at every edge of %s', async (_name, options) => {
    const { denyCidrs = [], unsafePublicCidrs = [], nat64Prefixes = [] } = options;
    const rig = await startRig({ config: { denyCidrs, unsafePublicCidrs, nat64Prefixes } });
    try {
      const { refused, wrong } = await check(rig, options);
      expect(wrong).toEqual([]);
      expect(refused).toBeGreaterThanOrEqual(deniedPrefixes(options).length);
    } finally {
      await rig.stop();
    }
  }, 60_000);

  it('refuses a private address beside an exempted one, whichever comes first', async () => {
    const rig = await startRig({
      config: { unsafePublicCidrs: ['203.0.113.0/24'] },
      zone: {
        'one.origin.example': { records: ['@ A 203.0.113.5', '@ A 10.0.0.1'] }, 'two.origin.example': { records: ['@ A 10.0.0.1', '@ A 203.0.113.5'] },
        'fine.origin.example': { records: ['@ A 203.0.113.5', '@ A 8.8.8.8'] },
      },
    });
    expect(addressesIn(await rig.ask('one.origin.example'))).toEqual([]);
    expect(addressesIn(await rig.ask('two.origin.example'))).toEqual([]);
    expect(addressesIn(await rig.ask('fine.origin.example'))).toEqual(['203.0.113.5', '8.8.8.8']);
    expect(rig.lines).toContainEqual(expect.objectContaining({ msg: 'SEKISHO_UNSAFE_PUBLIC_CIDRS is set: never do this in production' }));
    await rig.stop();
  });
});

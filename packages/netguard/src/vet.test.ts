import { describe, expect, it } from '@jest/globals';
import { anyAddress, deniedAddress, publicAddress } from '@sekisho/testkit/arbitraries';
import fc from 'fast-check';
import { createAddressPolicy } from './address-policy.ts';
import { classifyAddress } from './address.ts';
import { vetAnswer } from './vet.ts';

const policy = createAddressPolicy();
const vet = (v4: string[], v6: string[] = [], port = 443): ReturnType<typeof vetAnswer> => vetAnswer({ v4, v6 }, policy, port);

describe('vetAnswer()', () => {
  it.each<[string, string[], string[], string[]]>([
    ['public addresses, IPv4 first', ['8.8.8.8'], ['2606:4700::1'], ['8.8.8.8', '2606:4700::1']],
    ['at most four', ['1.1.1.1', '1.1.1.2', '1.1.1.3'], ['2606:4700::1', '2606:4700::2'], ['1.1.1.1', '1.1.1.2', '1.1.1.3', '2606:4700::1']],
    ['the clean family when A is mixed', ['8.8.8.8', '10.0.0.1'], ['2606:4700::1'], ['2606:4700::1']],
    ['the clean family when AAAA is private', ['8.8.8.8'], ['fd00::1'], ['8.8.8.8']],
    ['64 addresses', Array<string>(64).fill('8.8.8.8'), [], Array<string>(4).fill('8.8.8.8')],
  ])('passes %s', (_name, v4, v6, addresses) => {
    expect(vet(v4, v6)).toEqual({ ok: true, addresses });
  });

  it.each<[string, string[], string[]]>([
    ['nothing', [], []],
    ['a private address', ['10.0.0.1'], []],
    ['public, then private', ['8.8.8.8', '10.0.0.1'], []],
    ['private, then public', ['10.0.0.1', '8.8.8.8'], []],
    ['60 public and 1 private', [...Array<string>(60).fill('8.8.8.8'), '169.254.169.254'], []],
    ['both families mixed', ['8.8.8.8', '10.0.0.1'], ['2606:4700::1', '::1']],
    ['a mapped public address', [], ['::ffff:8.8.8.8']],
    ['65 addresses', Array<string>(65).fill('8.8.8.8'), []],
  ])('refuses %s', (_name, v4, v6) => {
    expect(vet(v4, v6).ok).toBe(false);
  });

  it('refuses public addresses on a port that is no web port', () => {
    expect(vet(['8.8.8.8'], [], 8443).ok).toBe(false);
  });

  it('never passes an address that is not public, nor one that was not in the answer', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(publicAddress(), deniedAddress(), anyAddress()), { maxLength: 12 }), (answer) => {
        const [v4, v6] = [answer.filter((ip) => !ip.includes(':')), answer.filter((ip) => ip.includes(':'))];
        const verdict = vet(v4, v6);
        if (!verdict.ok) return;
        for (const address of verdict.addresses) {
          expect(classifyAddress(address).public).toBe(true);
          expect([...v4, ...v6]).toContain(address);
        }
      }),
    );
  });
});

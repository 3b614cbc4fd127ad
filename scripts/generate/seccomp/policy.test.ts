import { describe, expect, it } from '@jest/globals';
import { ARCHITECTURES, callsOf, constantOf, numberOf } from './machine.ts';
import { parsePolicy, resolve } from './policy.ts';

interface Rule {
  readonly calls: readonly string[];
  readonly [field: string]: unknown;
}
const of = (...rules: readonly Rule[]) =>
  parsePolicy(JSON.stringify({ of: 'test', default: 'EPERM', rules: rules.map((rule) => ({ why: 'test', action: 'allow', ...rule })) }));
const when = (condition: object) => ({ calls: ['ioctl'], when: [{ argument: 1, name: 'request', bits: 32, ...condition }] });

describe('resolve()', () => {
  it.each([
    ['a name that no architecture has', of({ calls: ['raed'] }), 'no system call is named raed'],
    ['a name of x86_64 without saying so', of({ calls: ['open'] }), 'arm64 has no open'],
    ['a call decided twice', of({ calls: ['read'] }, { calls: ['read'], action: 'kill' }), 'read is decided twice'],
    ['a condition behind a decision', of({ calls: ['ioctl'] }, when({ in: ['TCGETS'] })), 'ioctl is decided twice'],
    ['a constant that is not known', of(when({ in: ['TCGTES'] })), 'no constant is named TCGTES'],
    ['two kinds of condition', of(when({ in: ['TCGETS'], is: ['TCGETS'] })), 'exactly one of'],
    ['no kind of condition', of(when({ has: ['TCGETS'] })), 'exactly one of'],
  ])('refuses %s', (_name, policy, message) => {
    expect(() => ARCHITECTURES.map((architecture) => resolve(policy, architecture))).toThrow(message);
  });

  it('takes a name of one architecture that is declared as such, there alone', () => {
    const policy = of({ calls: ['open'], on: ['x86_64'] }, { calls: ['read'] });
    expect(ARCHITECTURES.map((architecture) => resolve(policy, architecture).calls.map(({ name }) => name))).toEqual([['open', 'read'], ['read']]);
  });

  it('refuses a declaration for an architecture that has no such call', () => {
    expect(() => resolve(of({ calls: ['open'], on: ['arm64'] }), 'arm64')).toThrow('arm64 has no open');
  });

  it.each([
    ['a field that is none', { ...when({ in: ['TCGETS'] }), args: [] }],
    ['an action that is none', { calls: ['read'], action: 'log' }],
    ['a seventh argument', when({ argument: 6, in: ['TCGETS'] })],
    ['a rule for nothing', { calls: [] }],
    ['an empty list of conditions, which would hold always', { calls: ['read'], when: [] }],
    ['an empty list of values, which would hold never', when({ in: [] })],
  ])('parsePolicy() refuses %s', (_name, rule) => {
    expect(() => of(rule)).toThrow();
  });
});

describe('numbers', () => {
  // A few known by heart, from the first to the newest table.
  it.each([
    ['read', 0, 63], ['openat', 257, 56], ['clone', 56, 220], ['execve', 59, 221], ['open', 2, undefined], ['ptrace', 101, 117],
    ['seccomp', 317, 277], ['clone3', 435, 435], ['landlock_restrict_self', 446, 446], ['prlimit64', 302, 261],
  ])('of %s', (name, x86, arm) => {
    expect(ARCHITECTURES.map((architecture) => numberOf(architecture, name))).toEqual([x86, arm]);
  });

  it.each(ARCHITECTURES)('of %s stand for one call each', (architecture) => {
    const numbers = [...callsOf(architecture).values()];
    expect(numbers.length).toBeGreaterThan(300);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('flags of open() differ between the architectures', () => {
    expect(ARCHITECTURES.map((architecture) => constantOf(architecture, 'O_DIRECTORY'))).toEqual([0o200_000n, 0o40_000n]);
  });
});

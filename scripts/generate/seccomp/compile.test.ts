// Compiled filters against the policies they come from, and the files as they lie in the repository.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decode, encode } from './assembler.ts';
import { INSTRUCTIONS_MAX, RETURN, compile } from './compile.ts';
import { type PolicyName, readPolicy } from './files.ts';
import { run } from './interpreter.ts';
import { ARCHITECTURES, type Architecture, AUDIT_ARCH, X32_BIT, callsOf, numberOf } from './machine.ts';
import { parsePolicy, resolve } from './policy.ts';
import { arbitraryCall } from './testing/calls.ts';
import { evaluate } from './testing/evaluate.ts';

const root = dirname(dirname(dirname(import.meta.dirname)));
const POLICIES: readonly PolicyName[] = ['decoder', 'image-worker.policy'];
const every = POLICIES.flatMap((name) => ARCHITECTURES.map((architecture): [PolicyName, Architecture] => [name, architecture]));
const NUMBERS_MAX = 1_024;
const NONE = [0n, 0n, 0n, 0n, 0n, 0n];

describe.each(every)('%s on %s', (name, architecture) => {
  const policy = readPolicy(root, name);
  const resolved = resolve(policy, architecture);
  const program = compile(resolved);
  const decide = (number: number, args: readonly bigint[] = NONE, from: number = AUDIT_ARCH[architecture]): number =>
    run(program, { architecture: from, number, arguments: args });

  it('is as its policy says, call for call and bit for bit', () => {
    fc.assert(fc.property(arbitraryCall(policy, architecture), (call) =>
      decide(numberOf(architecture, call.name) ?? -1, call.arguments) === RETURN[evaluate(policy, architecture, call)]), { numRuns: 3_000 });
  });

  it('falls to its default for each number that the policy does not name', () => {
    const named = new Set(resolved.calls.map(({ number }) => number));
    const rest = Array.from({ length: NUMBERS_MAX }, (_, number) => number).filter((number) => !named.has(number));
    expect(rest.length).toBeGreaterThan(NUMBERS_MAX - 150);
    expect([...rest, 0x3f_ff_ff_ff].filter((number) => decide(number) !== RETURN.EPERM)).toEqual([]);
  });

  it('kills calls of every other architecture, whatever they are', () => {
    // i386, arm, x86_64 or arm64, big-endian arm64, riscv64, none.
    const others = [0x40_00_00_03, 0x40_00_00_28, ...Object.values(AUDIT_ARCH), 0x80_00_00_b7, 0xc0_00_00_f3, 0].filter((other) => other !== AUDIT_ARCH[architecture]);
    expect(others).toHaveLength(6);
    const numbers = Array.from({ length: NUMBERS_MAX }, (_, number) => number);
    for (const other of others) expect(numbers.filter((number) => decide(number, NONE, other) !== RETURN.kill)).toEqual([]);
  });

  it('kills calls of x32, which exists on x86_64 alone', () => {
    const numbers = [...callsOf(architecture).values(), 512, 547].map((number) => X32_BIT + number);
    const verdict = architecture === 'x86_64' ? RETURN.kill : RETURN.EPERM;
    expect([...numbers, 0xff_ff_ff_ff].filter((number) => decide(number) !== verdict)).toEqual([]);
  });

  it('is short, and finds the calls of the work first', () => {
    expect(program.length).toBeLessThanOrEqual(400);
    expect(program.length).toBeLessThan(INSTRUCTIONS_MAX);
    expect(resolved.calls.slice(0, 3).map((call) => call.name)).toEqual(['futex', 'read', 'write']);
  });
});

describe('files', () => {
  it.each(ARCHITECTURES)('decoder.%s.bpf is this filter', (architecture) => {
    const bytes = readFileSync(join(root, `k8s/seccomp/decoder.${architecture}.bpf`));
    expect(decode(bytes)).toEqual(compile(resolve(readPolicy(root, 'decoder'), architecture)));
  });
});

describe('encode()', () => {
  it('is struct sock_filter, little endian', () => {
    expect(Buffer.from(encode([{ code: 0x15, jumpTrue: 1, jumpFalse: 2, k: 0xc0_00_00_3e }])).toString('hex')).toBe('150001023e0000c0');
  });
});

describe('compile()', () => {
  const policyOf = (calls: number) => parsePolicy(JSON.stringify({
    of: 'test', default: 'EPERM',
    rules: Array.from({ length: calls }, () => ({ why: 'test', action: 'allow', calls: ['fcntl'], when: [{ argument: 1, name: 'command', bits: 32, in: ['F_GETFD'] }] })),
  }));

  it('refuses a rule over which no jump reaches', () => {
    expect(compile(resolve(policyOf(80), 'x86_64')).length).toBeLessThan(300);
    expect(() => compile(resolve(policyOf(90), 'x86_64'))).toThrow('jump to');
  });

  it('refuses what the kernel would not take', () => {
    const { calls: [call], ...rest } = resolve(policyOf(80), 'x86_64');
    if (call === undefined) throw new Error('no call');
    const many = (count: number) => ({ ...rest, calls: Array.from({ length: count }, (_, number) => ({ ...call, name: `call${number}`, number })) });
    expect(compile(many(16)).length).toBeLessThanOrEqual(INSTRUCTIONS_MAX);
    expect(() => compile(many(18))).toThrow('4096 are possible');
  });
});

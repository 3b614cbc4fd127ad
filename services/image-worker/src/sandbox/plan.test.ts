import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Facts } from './facts.ts';
import { SANDBOX_LAYERS, type SandboxLayer, namesOf } from './layers.ts';
import { planSandbox, stackedProfile } from './plan.ts';

const PROFILE = 'image-worker-0123456789ab';
const good: Facts = {
  arch: 'x64', glibc: true, launcher: '/launcher', landlockAbi: 7, seccomp: true, filter: '/decoder.bpf', label: { name: PROFILE, mode: 'enforce' },
};
const off = (facts: Facts): SandboxLayer[] => {
  const plan = planSandbox('best-effort', facts);
  return plan.ok ? namesOf(plan.sandbox.layers, false) : [...SANDBOX_LAYERS];
};
const LANDLOCK = ['landlock_files', 'landlock_tcp', 'landlock_scopes'];

describe('planSandbox()', () => {
  it('takes every layer there is', () => {
    const plan = planSandbox('require', good);
    expect(plan).toMatchObject({ ok: true, lacks: [], sandbox: { launcher: '/launcher', filter: '/decoder.bpf', profile: PROFILE } });
    expect(off(good)).toEqual([]);
  });

  it.each<[string, Partial<Facts>, readonly string[], RegExp | undefined]>([
    ['the launcher', { launcher: undefined, landlockAbi: 0, seccomp: false }, SANDBOX_LAYERS.filter((layer) => layer !== 'environment'), /launcher\/build\/launcher is missing or does not run; .*set-up\/launcher/],
    ['Landlock', { landlockAbi: 0 }, LANDLOCK, /Linux 5\.13.*landlock_create_ruleset/],
    ['seccomp', { seccomp: false }, ['seccomp'], /CONFIG_SECCOMP_FILTER/],
    ['the filter of this architecture', { filter: undefined, arch: 'riscv64' }, ['seccomp'], /filter for riscv64/],
    ['an AppArmor profile that forbids', { label: { name: PROFILE, mode: 'complain' } }, ['apparmor'], /complain mode/],
    ['rules for TCP', { landlockAbi: 3 }, ['landlock_tcp', 'landlock_scopes'], undefined],
    ['scopes', { landlockAbi: 5 }, ['landlock_scopes'], undefined],
    ['AppArmor', { label: undefined }, ['apparmor'], undefined],
    ['an AppArmor profile of its own', { label: { name: 'cri-containerd.apparmor.d', mode: 'enforce' } }, ['apparmor'], undefined],
    ['a confined label', { label: { name: 'unconfined', mode: undefined } }, ['apparmor'], undefined],
  ])('without %s: best-effort goes on and says so, require does what it must', (_name, change, missing, problem) => {
    const facts = { ...good, ...change };
    expect(off(facts)).toEqual(missing);
    const effort = planSandbox('best-effort', facts);
    expect(effort.ok && new Set(effort.lacks.flatMap(({ layers }) => layers))).toEqual(new Set(missing));
    const strict = planSandbox('require', facts);
    expect(strict.ok).toBe(problem === undefined);
    if (!strict.ok) expect(strict.problems).toEqual([expect.stringMatching(problem ?? /never/)]);
    if (!strict.ok) expect(strict.problems[0]).toMatch(/^SEKISHO_SANDBOX=require: /);
  });

  it('names every problem at once', () => {
    const plan = planSandbox('require', { ...good, landlockAbi: 0, seccomp: false });
    expect(plan.ok ? [] : plan.problems).toHaveLength(2);
  });

  it.each(['require', 'best-effort'] as const)('refuses musl with %s', (mode) => {
    expect(planSandbox(mode, { ...good, glibc: false })).toEqual({ ok: false, problems: [expect.stringContaining('musl')] });
  });

  it('asks for no wall that it reports as missing, and reports none as present that it does not ask for', () => {
    const facts: fc.Arbitrary<Facts> = fc.record({
      arch: fc.constantFrom('x64', 'arm64', 'ppc64'), glibc: fc.constant(true), launcher: fc.option(fc.constant('/launcher'), { nil: undefined }),
      landlockAbi: fc.nat({ max: 9 }), seccomp: fc.boolean(), filter: fc.option(fc.constant('/f'), { nil: undefined }),
      label: fc.option(fc.record({ name: fc.constantFrom(PROFILE, 'unconfined', `${PROFILE}0`), mode: fc.constantFrom('enforce', 'complain', undefined) }), { nil: undefined }),
    });
    fc.assert(fc.property(facts, (given) => {
      const plan = planSandbox('best-effort', given);
      if (!plan.ok) throw new Error(plan.problems.join(' '));
      const { layers, launcher, filter, profile } = plan.sandbox;
      expect([layers.landlock_files, layers.seccomp, layers.apparmor]).toEqual([launcher !== undefined && given.landlockAbi > 0, filter !== undefined, profile !== undefined]);
      if (launcher === undefined) expect(namesOf(layers, true)).toEqual(['environment']);
      expect(new Set(plan.lacks.flatMap((lack) => lack.layers))).toEqual(new Set(namesOf(layers, false)));
    }));
  });
});

describe('stackedProfile()', () => {
  it('is the child of the worker\'s own', () => {
    const plan = planSandbox('require', good);
    expect(plan.ok ? stackedProfile(plan.sandbox) : '').toBe(`${PROFILE}//decoder`);
  });
});

// The AppArmor profile on a kernel that has AppArmor: one boot of a virtual machine, in it the container runtime with
// no_new_privs, the worker, its launcher and decoders as they are. Every expectation is about something the machine said.

import { beforeAll, describe, expect, it } from '@jest/globals';
import { ATTEMPTS } from './guest/attempt-names.ts';
import { bootMachine } from './lib/machine.ts';
import { type Line, answer, parseReport } from './lib/report.ts';
import { vmProblem } from './lib/requirements.ts';
import { PROFILE, PROFILES, WEAKENED } from './lib/scenarios.ts';

/** 70 s on two cores of which little else is asked, 200 s where seven others want them. */
const BOOT_MS = 12 * 60_000;
const FETCH_MS = 5 * 60_000;

let lines: readonly Line[] = [];
const told = (scenario: string, check: string): unknown => answer(lines, scenario, check);
const deniedIn = (scenario: string): readonly string[] => lines.filter((line) => line.scenario === scenario && line.check === 'denied').map(({ value }) => String(value));
const verdict = (scenario: string, attempt: string): unknown => (told(scenario, 'verdicts') as Record<string, unknown>)[attempt];

beforeAll(async () => {
  const problem = vmProblem();
  if (problem !== undefined) throw new Error(problem);
  const { output, preparedMs, ranMs } = await bootMachine(BOOT_MS);
  process.stderr.write(`virtual machine: prepared in ${(preparedMs / 1_000).toFixed(1)} s, ran ${(ranMs / 1_000).toFixed(1)} s\n`);
  lines = parseReport(output);
}, BOOT_MS + FETCH_MS);

describe('the machine', () => {
  it('has AppArmor and Landlock in its kernel', () => {
    expect(told('machine', 'apparmor')).toBe('Y');
    expect(String(told('machine', 'lsm')).split(',')).toEqual(expect.arrayContaining(['apparmor', 'landlock']));
  });

  it.each(Object.keys(PROFILES))('loads %s', (name) => {
    expect(told('machine', `loads ${name}`)).toBe(true);
  });

  it('comes to its end', () => {
    expect(told('machine', 'end')).toEqual(expect.any(Number));
  });
});

const STACKED = `${PROFILE.name}//&${PROFILE.name}//decoder (enforce)`;

describe('the worker in its container', () => {
  it('has the profile, no_new_privs and the filter of the pod', () => {
    expect(told('product', 'walls')).toEqual({ noNewPrivs: true, seccompMode: 2, label: { name: PROFILE.name, mode: 'enforce' } });
  });

  it('finds every layer that this kernel has', () => {
    expect(told('product', 'layers')).toMatchObject({ no_new_privs: true, limits: true, descriptors: true, environment: true, landlock_files: true, seccomp: true, apparmor: true });
  });

  it.each(['raster', 'svg'])('decodes a picture in a %s decoder under both profiles and kills it', (of) => {
    const { label, missing, picture, end, loaded } = told('product', of) as Record<string, unknown>;
    expect({ loaded, label, missing, end }).toEqual({ loaded: true, label: STACKED, missing: [], end: 'SIGKILL' });
    expect(picture).toEqual({ kind: 'result', head: expect.stringMatching(/^RIFF....WEBP$/) });
  });

  it('starts no Node without the label', () => {
    expect(told('product', 'unlabelled')).toMatchObject({ loaded: false, stderr: 'launcher: /usr/local/bin/node: Permission denied\n', end: 127 });
  });

  it('can do what it must and nothing else, when somebody else owns it', () => {
    expect(told('product', 'owner')).toEqual({
      'read shadow': 'EACCES', 'read token': 'EACCES', 'read another secret': 'EACCES', 'list /': 'EACCES',
      'write to /tmp': 'EACCES', 'make a folder in /tmp': 'EPERM', 'write to a file in /tmp': 'EACCES', 'become unconfined': 'EACCES',
      'execute a shell': 'EACCES', 'execute node': 'EACCES', 'execute the launcher': 'status 125',
      'read its Redis password': 'done', listen: 'done',
    });
  });

  it('ends well', () => {
    expect(told('product', 'exit')).toBe(0);
  });
});

describe('a decoder that is taken over', () => {
  const REFUSED = expect.stringMatching(/^refused E[A-Z]+$/);
  const STOPPED = expect.stringMatching(/^(?:refused E[A-Z]+|killed SIGSYS)$/);

  it.each(ATTEMPTS)('%s: possible for root without walls, refused to it by AppArmor alone, stopped by all walls', (attempt) => {
    expect({ none: verdict('no-walls', attempt), alone: verdict('apparmor-alone', attempt), all: verdict('product', attempt) })
      .toEqual({ none: 'success', alone: REFUSED, all: STOPPED });
  });

  it('leaves its attempts in the log of the node', () => {
    expect(deniedIn('no-walls apparmor-alone').filter((line) => line.includes(`profile="${PROFILE.name}//decoder"`)).length).toBeGreaterThan(20);
  });
});

describe('a profile that holds nothing is noticed', () => {
  it('complain mode: no start with require, a decoder is not taken for confined', () => {
    expect(told('complain', 'require')).toEqual([expect.stringContaining(`${WEAKENED.COMPLAIN} is loaded in complain mode`)]);
    expect(told('complain', 'decoder')).toMatchObject({ loaded: true, label: expect.stringMatching(/\(complain\)$/), missing: ['apparmor'] });
  });

  it('complain mode: the attempts above succeed', () => {
    // The profile denies the first one by name, the kernel the others for no_new_privs; both hold in complain mode too.
    const others = ATTEMPTS.filter((attempt) => !['parent_maps', 'change_label', 'order_label'].includes(attempt));
    expect(others.filter((attempt) => verdict('complain', attempt) !== 'success')).toEqual([]);
  });

  it('control: the launcher starts a program under both profiles', () => {
    expect(told('launcher', 'stderr')).toBe('');
    expect(told('launcher', 'exit')).toBe(0);
  });

  it.each<[string, string, RegExp]>([
    ['exec-for-stack', 'no rule allows the label to be replaced', /^launcher: --stack \S+: Permission denied/],
    ['exec-for-stack-allowed', 'with such a rule the kernel refuses it under no_new_privs', /^launcher: .*: Operation not permitted/],
    ['no-child-profile', 'there is nothing to put on', /^launcher: --stack \S+: No such file or directory/],
  ])('%s: %s', (scenario, _why, said) => {
    expect(told(scenario, 'stderr')).toMatch(said);
    expect([126, 127]).toContain(told(scenario, 'exit'));
  });
});

describe('the service', () => {
  it('starts with require, is ready, and reports the layer', () => {
    expect(told('service', 'ready')).toMatchObject({ ready: true });
    expect(told('service', 'layers')).toContain('{layer="apparmor"} 1 ');
  });

  it('ends at SIGTERM', () => {
    expect(told('service', 'exit')).toBe(0);
  });

  it('does nothing that its profile denies', () => {
    expect(deniedIn('complain service')).toEqual([]);
  });
});

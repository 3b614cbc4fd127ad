// The parser's word on the profile. It needs no AppArmor in the kernel, only the package: features are given by file.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { findProgram } from '../../set-up/programs.ts';
import { readTemplate, renderProfile } from './profile.ts';

const FEATURES = '/etc/apparmor.d/abi/3.0';
const COMPILE_MS = 20_000;
const parser = findProgram('apparmor_parser');
const lack = parser === undefined ? 'apparmor_parser not found' : existsSync(FEATURES) ? undefined : `${FEATURES} not found`;
const folder = mkdtempSync(join(tmpdir(), 'sekisho-apparmor-'));
afterAll(() => rmSync(folder, { recursive: true }));

const { name, text } = renderProfile(readTemplate());

function parse(profile: string, ...options: readonly string[]): { readonly status: number | null; readonly lines: readonly string[]; readonly errors: string } {
  const path = join(folder, 'profile');
  writeFileSync(path, profile);
  const { status, stdout, stderr } = spawnSync(parser ?? '', [...options, '-M', FEATURES, path], { encoding: 'utf8', timeout: COMPILE_MS });
  return { status, lines: stdout.trim().split('\n'), errors: stderr };
}

(lack === undefined ? describe : describe.skip)(`apparmor_parser${lack === undefined ? '' : ` (${lack})`}`, () => {
  it('compiles the profile and has nothing to say', () => {
    expect(parse(text, '-QK')).toEqual({ status: 0, lines: [''], errors: '' });
  });

  it('finds the worker and its decoder in it', () => {
    expect(parse(text, '-N').lines).toEqual([name, `${name}//decoder`]);
  });

  it.each<[string, string, string]>([
    ['an unknown permission', '/etc/ld.so.cache r,', '/etc/ld.so.cache z,'],
    ['a rule without an end', 'network inet stream,', 'network inet stream'],
    ['an unknown family', 'network inet6 dgram,', 'network inet7 dgram,'],
  ])('control: refuses %s', (_what, good, bad) => {
    expect(text).toContain(good);
    const { status, errors } = parse(text.replace(good, bad), '-QK');
    expect(status).not.toBe(0);
    expect(errors).toContain('error');
  });
});

// The SSRF corpus, when it lies beside the repository. It is never copied into it.
import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAddressPolicy } from './address-policy.ts';
import { classifyAddress } from './address.ts';
import { checkTargetUrl, ownHostSet } from './url.ts';

interface Case {
  readonly id: string;
  readonly input: string;
  readonly kind: 'url' | 'ip' | 'authority';
  readonly expected: 'blocked' | 'allowed';
  readonly needs_dns?: boolean;
}

const folder = join(import.meta.dirname, '../../../../shared/corpus/ssrf');
const cases = existsSync(folder)
  ? readFileSync(join(folder, 'cases.jsonl'), 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Case)
  : [];
const rules = { plainHttp: 'allow', ownHosts: ownHostSet(['misskey.origin.example']), policy: createAddressPolicy() } as const;

const wrong = (kind: Case['kind'], allowed: (input: string) => boolean): string[] =>
  cases
    // A name that only its answer makes hostile is the resolver's business; see canary.int.test.ts.
    .filter((entry) => entry.kind === kind && !(entry.needs_dns === true && entry.expected === 'blocked'))
    .filter((entry) => allowed(entry.input) !== (entry.expected === 'allowed'))
    .map((entry) => `${entry.id} ${entry.input}`);

(existsSync(folder) ? describe : describe.skip)('SSRF corpus', () => {
  it('has cases of both verdicts', () => {
    expect(cases.filter(({ expected }) => expected === 'blocked').length).toBeGreaterThan(400);
    expect(cases.filter(({ expected }) => expected === 'allowed').length).toBeGreaterThan(30);
  });

  it('classifies each address as listed', () => {
    expect(wrong('ip', (input) => classifyAddress(input).public)).toEqual([]);
  });

  it('judges each URL as listed', () => {
    expect(wrong('url', (input) => checkTargetUrl(input, rules).ok)).toEqual([]);
  });
});

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseRulesFile } from '@sekisho/inbox-policy/rules';

const page = readFileSync(join(dirname(dirname(import.meta.dirname)), 'docs/inbox-rules.md'), 'utf8');
const examples = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].flatMap(([, text]) => text ?? []);

describe('docs/inbox-rules.md', () => {
  it('has examples', () => {
    expect(examples.length).toBeGreaterThanOrEqual(6);
  });

  it.each(examples.map((text, at) => [at + 1, text] as const))('example %d is a rules file', (_at, text) => {
    const { rules, lists } = parseRulesFile(text);
    expect(rules.length + lists.length).toBeGreaterThan(0);
  });
});

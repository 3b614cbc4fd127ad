import { describe, expect, it } from '@jest/globals';
import { KINDS } from '../conditions/operators.ts';
import { FIELDS } from '../fields/table.ts';
import { rulesFileJsonSchema } from './json-schema.ts';

interface Comparison {
  readonly properties: { readonly field?: { readonly enum?: readonly string[]; readonly anyOf?: readonly { readonly enum?: readonly string[] }[] }; readonly op?: { readonly const: string } };
  readonly additionalProperties: boolean;
}

describe('rulesFileJsonSchema()', () => {
  const schema = JSON.parse(JSON.stringify(rulesFileJsonSchema())) as {
    additionalProperties: boolean; properties: { rules: { items: { properties: { when: unknown }; required: string[] } } }; $defs: { condition: { anyOf: Comparison[] } };
  };

  it('closes the file and points every rule to the condition', () => {
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties.rules.items.properties.when).toEqual({ $ref: '#/$defs/condition' });
    expect(schema.properties.rules.items.required).toEqual(['id', 'action', 'when']);
  });

  it('asks for a limit with its action, and for none without', () => {
    const { rules, builtin } = (rulesFileJsonSchema() as { properties: Record<'rules' | 'builtin', { items: { anyOf?: unknown[] } }> }).properties;
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON schema
    const goesWith = { if: { properties: { action: { const: 'limit' } }, required: ['action'] }, then: { required: ['limit'] }, else: { not: { required: ['limit'] } } };
    expect([rules.items, builtin.items.anyOf?.[1]]).toMatchObject([goesWith, goesWith]);
  });

  it('has each field with its operators and no others', () => {
    const allowed = new Map<string, Set<string>>();
    for (const { properties: { field, op }, additionalProperties } of schema.$defs.condition.anyOf) {
      expect(additionalProperties).toBe(false);
      for (const name of field?.enum ?? field?.anyOf?.[0]?.enum ?? []) allowed.set(name, (allowed.get(name) ?? new Set()).add(op?.const ?? ''));
    }
    expect([...allowed.keys()].sort()).toEqual(Object.keys(FIELDS).sort());
    for (const [name, { kind }] of Object.entries(FIELDS)) expect([name, [...(allowed.get(name) ?? [])].sort()]).toEqual([name, [...KINDS[kind].operators].sort()]);
  });
});

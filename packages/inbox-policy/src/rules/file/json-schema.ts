// JSON schema of the rules file, for editors: they complete field names and see an operator that does not go with a field.

import { z } from 'zod';
import { KINDS, type Operator, TAKES_LIST, TAKES_SEVERAL } from '../conditions/operators.ts';
import { FIELDS, type FieldKind, type FieldRow, HEADER_FIELD_PATTERN } from '../fields/table.ts';
import { RULES_LIMITS } from '../limits.ts';
import { rulesFileSchema } from './schema.ts';

type Json = Record<string, unknown>;

const CONDITION = { $ref: '#/$defs/condition' } as const;
const LIMIT_GOES_WITH_ACTION = {
  if: { properties: { action: { const: 'limit' } }, required: ['action'] },
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON schema
  then: { required: ['limit'] },
  else: { not: { required: ['limit'] } },
};

export function rulesFileJsonSchema(): Json {
  const schema: Json = { ...z.toJSONSchema(rulesFileSchema, { io: 'input', override: putRule }) };
  return { ...schema, title: 'Inbox rules of the Sekisho gateway (SEKISHO_INBOX_RULES_FILE)', $defs: { condition: conditionSchema() } };
}

/** What code of its own checks: the conditions, the one place without a type, and that a limit goes with its action. */
function putRule({ jsonSchema }: { jsonSchema: { properties?: Json; required?: string[] } }): void {
  if (jsonSchema.properties?.['limit'] !== undefined) Object.assign(jsonSchema, LIMIT_GOES_WITH_ACTION);
  if (jsonSchema.properties?.['when'] === undefined) return;
  jsonSchema.properties['when'] = CONDITION;
  jsonSchema.required = [...new Set([...(jsonSchema.required ?? []), 'when'])];
}

const closed = (properties: Json, required: readonly string[] = Object.keys(properties)): Json =>
  ({ type: 'object', properties, required, additionalProperties: false });

function conditionSchema(): Json {
  const group = { type: 'array', minItems: 1, items: CONDITION };
  return {
    anyOf: [closed({ all: group }), closed({ any: group }), closed({ not: CONDITION }), ...kinds().flatMap((kind) => comparisonsOf(kind))],
  };
}

const kinds = (): readonly FieldKind[] => Object.keys(KINDS).filter((kind) => isKind(kind));
const isKind = (name: string): name is FieldKind => Object.hasOwn(KINDS, name);

function comparisonsOf(kind: FieldKind): readonly Json[] {
  const field = fieldSchema(kind);
  return KINDS[kind].operators.flatMap((op): Json[] => {
    const comparison = closed({ field, op: { const: op }, value: valueSchema(kind, op) });
    const isHosts = kind === 'host' || kind === 'hosts';
    return TAKES_LIST.has(op) && isHosts ? [comparison, closed({ field, op: { const: op }, list: { type: 'string', description: 'Id of a list below lists.' } })] : [comparison];
  });
}

function fieldSchema(kind: FieldKind): Json {
  const rows: readonly [string, FieldRow][] = Object.entries(FIELDS);
  const names = { enum: rows.filter(([, row]) => row.kind === kind).map(([name]) => name) };
  return kind === 'text' ? { anyOf: [names, { type: 'string', pattern: HEADER_FIELD_PATTERN }] } : names;
}

function valueSchema(kind: FieldKind, op: Operator): Json {
  if (kind === 'number') return { type: 'number' };
  if (kind === 'flag') return { type: 'boolean' };
  const text = { type: 'string', maxLength: op === 'regex' ? RULES_LIMITS.patternCharsMax : RULES_LIMITS.valueCharsMax };
  const several = { type: 'array', minItems: 1, maxItems: op === 'regex' ? RULES_LIMITS.patternsMax : RULES_LIMITS.valuesMax, items: text };
  if (TAKES_LIST.has(op)) return several;
  return TAKES_SEVERAL.has(op) ? { anyOf: [text, several] } : text;
}

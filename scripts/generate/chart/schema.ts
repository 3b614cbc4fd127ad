// values.schema.json. Strict everywhere but in `global`, which parent charts share, and with the root keys that Helm
// itself writes into a sub-chart's values.

import { RULE_PATHS, type Schema, ruleFor, ruleOfDefault } from './rules.ts';
import type { ValueNode } from './values.ts';

/** @throws TypeError that names a value without a rule, or a rule without a value. */
export function renderValuesSchema(root: ValueNode): string {
  const known = new Set<string>();
  const schema = objectOf(root, known);
  const strays = RULE_PATHS.filter((path) => !known.has(path));
  if (strays.length > 0) throw new TypeError(`rules for values that do not exist: ${strays.join(', ')}`);
  const own = schema['properties'];
  const properties = {
    ...(typeof own === 'object' ? own : {}),
    enabled: { description: 'Read by a parent chart (condition).', type: 'boolean' },
    tags: { description: 'Read by a parent chart.', type: 'object' },
  };
  return `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', title: 'Values of the Sekisho chart', ...schema, properties }, undefined, 2)}\n`;
}

function objectOf(node: ValueNode, known: Set<string>): Schema {
  const properties = Object.fromEntries((node.children ?? []).map((child) => [nameOf(child), describe(child, known)]));
  return { type: 'object', properties, ...(node.path === 'global' ? {} : { additionalProperties: false }) };
}

function describe(node: ValueNode, known: Set<string>): Schema {
  known.add(node.path);
  return { description: node.description, ...(ruleFor(node.path) ?? plain(node, known)) };
}

function plain(node: ValueNode, known: Set<string>): Schema {
  if (node.children !== undefined) return objectOf(node, known);
  try {
    return ruleOfDefault(node.fallback);
  } catch {
    throw new TypeError(`no rule for ${node.path}`);
  }
}

export const nameOf = ({ path }: ValueNode): string => path.slice(path.lastIndexOf('.') + 1);

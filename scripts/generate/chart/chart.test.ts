import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { renderChartReadme } from './readme.ts';
import { renderValuesSchema } from './schema.ts';
import { type ValueNode, readValues } from './values.ts';

const root = join(import.meta.dirname, '../../..');
const chart = readFileSync(join(root, 'charts/sekisho/values.yaml'), 'utf8');

describe('readValues()', () => {
  it('takes the comment above a value, also above the first of a block', () => {
    const values = readValues('# One.\none:\n  # Two,\n  # in two lines.\n  two: 2\n  # Three.\n  three: [3]\n');
    expect(values.children).toEqual([
      {
        path: 'one',
        description: 'One.',
        children: [
          { path: 'one.two', description: 'Two, in two lines.', fallback: 2 },
          { path: 'one.three', description: 'Three.', fallback: [3] },
        ],
      },
    ]);
  });

  it('explains a single block before what its name means elsewhere', () => {
    const [every, service] = readValues('image: { tag: "" }\ngateway: { image: { tag: "" } }\n').children ?? [];
    expect(every?.description).toBe('What holds for every image.');
    expect(service?.children?.[0]?.description).toBe('Image of the containers.');
  });

  it('names every value without an explanation', () => {
    expect(() => readValues('# One.\none: { strange: 1, replicas: 2, odd: 3 }\n')).toThrow('no comment above one.strange, one.odd');
  });
});

describe('renderValuesSchema()', () => {
  const schema: unknown = JSON.parse(renderValuesSchema(readValues(chart)));

  it('describes every property, and is closed everywhere but in global', () => {
    const open: string[] = [];
    const bare: string[] = [];
    visit(schema, '', (path, object) => {
      const properties = object['properties'];
      // What stands below `if` asks, and describes nothing.
      if (!isObject(properties) || path.endsWith('/if')) return;
      if (object['additionalProperties'] !== false) open.push(path);
      for (const [name, value] of Object.entries(properties)) {
        // Peers and references are Kubernetes' own types.
        if (isObject(value) && value['description'] === undefined && !/\/(items|additionalProperties)(\/|$)/.test(path)) bare.push(`${path}/${name}`);
      }
    });
    expect(open).toEqual(['/properties/global']);
    expect(bare).toEqual([]);
  });

  it('refuses a rule for a value that does not exist', () => {
    const values = readValues(chart);
    const without: ValueNode = { ...values, children: (values.children ?? []).filter(({ path }) => path !== 'egress' && path !== 'logLevel') };
    expect(() => renderValuesSchema(without)).toThrow('rules for values that do not exist: logLevel');
  });

  it('refuses a value that neither its default nor a rule explains', () => {
    expect(() => renderValuesSchema(readValues('# What.\nwhat: null\n'))).toThrow('no rule for what');
  });
});

describe('renderChartReadme()', () => {
  it('has a row for each value', () => {
    const text = renderChartReadme(readValues('# a | b\none: "x|y"\n# Empty.\ntwo: ""\n')).replaceAll('`', '');
    expect(text).toContain(String.raw`| one | "x\|y" | a \| b |`);
    expect(text).toContain('| two |  | Empty. |');
  });
});

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function visit(value: unknown, path: string, look: (path: string, object: Record<string, unknown>) => void): void {
  if (!isObject(value)) return;
  look(path, value);
  for (const [key, inner] of Object.entries(value)) visit(inner, `${path}/${key}`, look);
}

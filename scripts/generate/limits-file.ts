// The limits file as a table, from the JSON schema that editors use too.

import { z } from 'zod';
import { limitsFileJsonSchema } from '../../services/gateway/src/limits-file/schema.ts';
import { code, table } from './markdown.ts';

const field = z.object({ minimum: z.number(), maximum: z.number(), description: z.string() });
const schema = z.object({
  properties: z.record(z.string(), z.object({ properties: z.record(z.string(), field) })),
});

/** One row per key of the file: `group.key`, smallest and largest value, meaning with its default. */
export function limitsFileTable(): string {
  const { properties } = schema.parse(limitsFileJsonSchema());
  const rows = Object.entries(properties).flatMap(([group, part]) =>
    Object.entries(part.properties).map(([key, { minimum, maximum, description }]) => [
      code(`${group}.${key}`), grouped(minimum), grouped(maximum), description,
    ]));
  return table(['key', 'at least', 'at most', 'meaning'], rows);
}

const grouped = (value: number): string => value.toLocaleString('en-US');

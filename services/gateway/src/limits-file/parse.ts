// Text of the limits file to limits. A problem names its line; one problem refuses the whole file.

import { problemsError, readYaml, schemaProblems } from '@sekisho/inbox-policy/yaml';
import type { GatewayLimits } from './limits.ts';
import { combinationFault, limitsFileSchema, withDefaults } from './schema.ts';

export const LIMITS_FILE_BYTES_MAX = 64 * 1024;

/** @throws Error whose message names line and key of each problem. */
export function parseLimitsFile(text: string): GatewayLimits {
  const { value, lineOf } = readYaml(text, LIMITS_FILE_BYTES_MAX);
  // An empty file, or one of comments only, changes nothing.
  const parsed = limitsFileSchema.safeParse(value ?? {});
  if (!parsed.success) throw problemsError(schemaProblems(parsed.error.issues, lineOf));
  const limits = withDefaults(parsed.data);
  const fault = combinationFault(limits);
  if (fault !== undefined) throw problemsError([{ line: lineOf(['budget']), text: fault }]);
  return limits;
}

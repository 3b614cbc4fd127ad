import type { Check } from './check.ts';
import { FILE_CHECKS } from './files.ts';
import { OBJECT_CHECKS } from './objects.ts';
import { POD_CHECKS } from './pods.ts';
import { SECRET_CHECKS } from './secrets.ts';

export const CHECKS: readonly Check[] = [...POD_CHECKS, ...OBJECT_CHECKS, ...SECRET_CHECKS, ...FILE_CHECKS];

import type { Code } from '@sekisho/contracts';
import type { Denied } from './types.ts';

const DETAIL_CHARS_MAX = 200;

export const deny = (code: Code, detail: string): Denied => ({ ok: false, code, detail: detail.slice(0, DETAIL_CHARS_MAX) });

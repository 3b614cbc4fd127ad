// Which refusals depend on the URL alone, so that they may be shared with others who wait for the same picture.

import { CODES, type Code, type SekishoError } from '@sekisho/contracts';
import type { Refusal } from './types.ts';

/** Statuses that speak of the client, of our own load, or of the way the request came. */
const OWN_STATUSES: ReadonlySet<number> = new Set([400, 405, 408, 416, 429, 500, 503, 508]);

/** Whether a refusal is the same for everybody who asks for this URL in this mode. */
export const isShareable = (code: Code): boolean => !OWN_STATUSES.has(CODES[code].status) && !code.startsWith('SEKISHO_CLIENT');

export interface RefusalOptions {
  readonly upstreamStatus?: number | undefined;
  readonly retryAfterS?: number | undefined;
}

export const refusal = (code: Code, options: RefusalOptions = {}): Refusal => ({
  kind: 'refusal',
  code,
  upstreamStatus: options.upstreamStatus,
  retryAfterS: options.retryAfterS,
});

export const refusalOf = (error: SekishoError): Refusal =>
  refusal(error.code, { upstreamStatus: error.upstreamStatus, retryAfterS: error.retryAfterS });

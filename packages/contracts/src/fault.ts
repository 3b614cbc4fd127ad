import { CODES, type Code, type CodeRow } from './codes.ts';

const BRAND = Symbol.for('sekisho.fault');

export interface FaultFacts {
  /** For the log only, never for the wire. */
  readonly detail?: string;
  readonly cause?: unknown;
  /** Seconds a client should wait, for retryable codes. */
  readonly retryAfterS?: number;
  /** Status of the upstream, for SEKISHO_UPSTREAM_STATUS. */
  readonly upstreamStatus?: number;
}

/** A fault with a code of the one table. Match on `code`, never on `message`. */
export class SekishoError extends Error {
  override readonly name = 'SekishoError';
  readonly code: Code;
  readonly detail: string | undefined;
  readonly retryAfterS: number | undefined;
  readonly upstreamStatus: number | undefined;
  readonly [BRAND] = true;

  constructor(code: Code, facts: FaultFacts = {}) {
    super(facts.detail === undefined ? code : `${code}: ${facts.detail}`, { cause: facts.cause });
    this.code = code;
    this.detail = facts.detail;
    this.retryAfterS = facts.retryAfterS;
    this.upstreamStatus = facts.upstreamStatus;
  }

  get row(): CodeRow {
    return CODES[this.code];
  }
}

export const isSekishoError = (value: unknown): value is SekishoError =>
  typeof value === 'object' && value !== null && BRAND in value;

/** Any thrown value as a fault; what is unknown becomes SEKISHO_INTERNAL with its cause kept for the log. */
export const toSekishoError = (value: unknown): SekishoError =>
  isSekishoError(value) ? value : new SekishoError('SEKISHO_INTERNAL', { cause: value, detail: String(value) });

// Signature-Input and Signature of RFC 9421, in a strict subset of structured fields: one signature, components without
// parameters, in the canonical serialisation, so that the text that came is the text that was signed.

import { INBOX_LIMITS } from '@sekisho/contracts';
import { deny } from '../denied.ts';
import type { Denied } from '../types.ts';
import { isSignatureBase64 } from './base64.ts';

const COVERED_MAX = 32;
const LABEL = /^([a-z*][a-z0-9_.*-]{0,63})=/;
const COMPONENTS = /\(("[a-z0-9@!#$%&'*+.^_`|~-]+"(?: "[a-z0-9@!#$%&'*+.^_`|~-]+")*)\)/y;
const PARAMETER = /;([a-z*][a-z0-9_.*-]*)=(?:(\d{1,15})|"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)")/y;
const SIGNATURE = /^([a-z*][a-z0-9_.*-]{0,63})=:([A-Za-z0-9+/]+={0,2}):$/;
const DICTIONARY = /^\s*[a-z*][a-z0-9_.*-]*=:/;
const INTEGERS: ReadonlySet<string> = new Set(['created', 'expires']);
const STRINGS: ReadonlySet<string> = new Set(['keyid', 'alg', 'nonce', 'tag']);

export interface Rfc9421Parameters {
  readonly ok: true;
  readonly keyId: string;
  readonly algorithm: string | undefined;
  readonly covered: readonly string[];
  readonly signature: string;
  readonly createdS: number;
  readonly expiresS: number | undefined;
  /** Value of `@signature-params`. */
  readonly text: string;
}

const malformed = (detail: string): Denied => deny('SEKISHO_INBOX_SIGNATURE', detail);

/** Both schemes use the header Signature; the value tells which. */
export const isRfc9421 = (signature: string): boolean => DICTIONARY.test(signature);

export function parseRfc9421(input: string | undefined, signatureValue: string): Rfc9421Parameters | Denied {
  if (input === undefined) return malformed('Signature without Signature-Input');
  if (Math.max(input.length, signatureValue.length) > INBOX_LIMITS.signatureCharsMax) return malformed('Signature is too long');
  const [, label = '', signature = ''] = SIGNATURE.exec(signatureValue) ?? [];
  if (!isSignatureBase64(signature)) return malformed('Signature is not one signature in canonical base64');
  if (LABEL.exec(input)?.[1] !== label) return malformed('Signature-Input and Signature have other labels');
  const text = input.slice(label.length + 1);
  const parameters = readInput(text);
  return 'ok' in parameters ? parameters : fromParameters(parameters, { text, signature });
}

interface Input {
  readonly covered: readonly string[];
  readonly parameters: ReadonlyMap<string, string>;
}

function readInput(text: string): Input | Denied {
  const covered = readComponents(text);
  if ('ok' in covered) return covered;
  const parameters = readParameters(text, COMPONENTS.lastIndex);
  return 'ok' in parameters ? parameters : { covered, parameters };
}

function fromParameters({ covered, parameters }: Input, rest: { readonly text: string; readonly signature: string }): Rfc9421Parameters | Denied {
  const created = parameters.get('created');
  if (created === undefined) return malformed('created is missing');
  const expires = parameters.get('expires');
  return {
    ok: true, ...rest, covered, keyId: parameters.get('keyid') ?? '', algorithm: parameters.get('alg'),
    createdS: Number(created), expiresS: expires === undefined ? undefined : Number(expires),
  };
}

function readComponents(text: string): readonly string[] | Denied {
  COMPONENTS.lastIndex = 0;
  const list = COMPONENTS.exec(text)?.[1];
  if (list === undefined) return malformed('the covered components are not a plain list');
  const covered = list.slice(1, -1).split('" "');
  if (covered.length > COVERED_MAX) return malformed('too many components');
  return new Set(covered).size === covered.length ? covered : malformed('a component is covered twice');
}

function readParameters(text: string, start: number): ReadonlyMap<string, string> | Denied {
  const parameters = new Map<string, string>();
  for (let at = start; at < text.length; at = PARAMETER.lastIndex) {
    PARAMETER.lastIndex = at;
    const [, name = '', integer, string] = PARAMETER.exec(text) ?? [];
    const known = integer === undefined ? STRINGS.has(name) && string !== undefined : INTEGERS.has(name);
    if (!known || parameters.has(name)) return malformed('a parameter of the signature is unknown, of another type or there twice');
    parameters.set(name, integer ?? string ?? '');
  }
  return parameters;
}

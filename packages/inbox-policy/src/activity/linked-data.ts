// Strict reading of JSON-LD. The signature of a document covers its RDF, not its JSON: the same statements can be written down
// so that a reader of JSON sees another actor, object or type (GHSA-2vxv-pv3m-3wvj). Misskey takes such a signature wherever
// that of the request does not fit, so the rules hold for every activity that carries one; those that real documents never
// break hold for all.

import { deny } from '../denied.ts';
import type { Denied, JsonObject, JsonValue } from '../types.ts';
import { checkContext, collectTerms, isCoreName, type Terms } from './linked-data-context.ts';
import { BASIC_CONTEXTS, BASIC_TERMS, CONTEXT_PATHS, KNOWN_CONTEXTS, REARRANGING } from './linked-data-terms.ts';
import { ACTOR_TYPES, isList, isObject, listOf, typeOf } from './types.ts';

/** The reader of JSON has a limit of its own; whoever calls without it gets an answer in bounded time too. */
const DEPTH_MAX = 64;
/** Keys with a prefix; real documents have a handful. */
const COMPACT_KEYS_MAX = 256;

/** The only kind of signature that Misskey reads. */
const SIGNATURE_TYPE = 'RsaSignature2017';

const refused = (detail: string): Denied => deny('SEKISHO_INBOX_LD', detail);

/** Host of the key that signs the document itself; undefined where nothing does. */
export function signerOfDocument(value: JsonObject): string | undefined {
  const signature = value['signature'];
  if (!isSignature(signature)) return undefined;
  const creator = signature['creator'];
  const isComplete = typeof creator === 'string' && typeof signature['signatureValue'] === 'string';
  const url = isComplete ? URL.parse(creator) : null;
  return url?.protocol === 'https:' && url.port === '' ? url.hostname : undefined;
}

const isSignature = (value: JsonValue | undefined): value is JsonObject => isObject(value) && typeOf(value) === SIGNATURE_TYPE;

interface Found {
  readonly signed: boolean;
  readonly contexts: JsonValue[];
  /** Keys with a colon: they may be names of the core in disguise. */
  readonly compact: Set<string>;
}

/** @param forwarded whether only the signature of the document can vouch for it. */
export function checkLinkedData(value: JsonObject, forwarded: boolean): Denied | undefined {
  const found: Found = { signed: isObject(value['signature']), contexts: [], compact: new Set() };
  // A keyword beside its alias: two answers to what it is or whose it is.
  for (const keyword of ['@type', '@id']) if (value[keyword] !== undefined) return refused(keyword);
  const problem = search(value, found, 0);
  if (problem !== undefined) return problem;
  const terms = collectTerms(found.contexts);
  if (terms === undefined || found.compact.size > COMPACT_KEYS_MAX) return refused('too many terms');
  const wrong = checkContexts(found, terms);
  if (wrong !== undefined || !found.signed) return wrong;
  return checkSignedKeys(found.compact, terms) ?? (forwarded ? checkProfileTerms(value, found.contexts, terms) : undefined);
}

function checkContexts({ contexts, signed }: Found, terms: Terms): Denied | undefined {
  for (const context of contexts) {
    const wrong = checkContext(context, terms) ?? (signed ? checkSignedContext(context) : undefined);
    if (wrong !== undefined) return refused(`/@context: ${wrong}`);
  }
  return undefined;
}

/**
 * What no context defines is no part of what is signed, so whoever forwards a profile could add it (Mastodon CVE-2026-50128).
 * Remote contexts beyond the basic ones define terms that are not listed here; then nothing can be said.
 */
function checkProfileTerms(value: JsonObject, contexts: readonly JsonValue[], terms: Terms): Denied | undefined {
  const [object] = listOf(value['object']);
  if (!isObject(object) || !ACTOR_TYPES.has(typeOf(object) ?? '')) return undefined;
  if (contexts.some((context) => typeof context === 'string' && !BASIC_CONTEXTS.has(nameOfContext(context)))) return undefined;
  const isKnown = (key: string): boolean => BASIC_TERMS.has(key) || terms.has(key) || key.includes(':') || key === '@context';
  return Object.keys(object).every((key) => isKnown(key)) ? undefined : refused('a forwarded profile with a term that no context defines');
}

function search(value: JsonValue, found: Found, depth: number): Denied | undefined {
  if (depth > DEPTH_MAX) return refused('nested too deeply');
  if (isList(value)) return searchAll(value, found, depth);
  if (!isObject(value)) return undefined;
  for (const key of Object.keys(value)) {
    const inner = value[key];
    if (inner === undefined) continue;
    if (key === '@context') found.contexts.push(...listOf(inner));
    else {
      const problem = checkKey(key, value, found) ?? (typeof inner === 'object' ? search(inner, found, depth + 1) : undefined);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

function searchAll(items: readonly JsonValue[], found: Found, depth: number): Denied | undefined {
  for (const item of items) {
    const problem = search(item, found, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkKey(key: string, holder: JsonObject, found: Found): Denied | undefined {
  if (key.startsWith('@')) {
    if (REARRANGING.has(key)) return refused(key);
    // `@type` of a typed value, or of something that is no object of the fediverse (vCard addresses), says nothing new.
    if (found.signed && (key === '@id' || (key === '@type' && holder['type'] !== undefined))) return refused(key);
  }
  if (found.signed && key.includes(':')) found.compact.add(key);
  return undefined;
}

function checkSignedContext(context: JsonValue): string | undefined {
  if (isObject(context)) return undefined;
  if (typeof context !== 'string') return 'neither a URL nor an object';
  const name = nameOfContext(context);
  return KNOWN_CONTEXTS.has(name) || CONTEXT_PATHS.some((path) => path.test(name)) ? undefined : 'a remote context that is not known';
}

const nameOfContext = (context: string): string => context.replace(/^https?:\/\//, '').replace(/[#/]$/, '');

const checkSignedKeys = (keys: ReadonlySet<string>, terms: Terms): Denied | undefined =>
  [...keys].some((key) => isCoreName(key, terms)) ? refused('a key that is a second name for a term of the core') : undefined;

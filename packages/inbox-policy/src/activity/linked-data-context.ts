// Inline contexts: they may name what the core does not know, and may not touch what it does.

import type { JsonObject, JsonValue } from '../types.ts';
import { AS, CONTEXT_SETTINGS, CORE_IRIS, CORE_PREFIXES, CORE_TERMS, SEC, SECOND_NAMES } from './linked-data-terms.ts';
import { isObject, listOf } from './types.ts';

/** Term to the IRIs, as written, that the contexts of one document give it. */
export type Terms = ReadonlyMap<string, readonly string[]>;

/** Real documents define some 60 terms, in one context or two. */
const TERMS_MAX = 512;
/** Prefixes built on prefixes; and meanings of one IRI where a document defines a prefix several times. */
const EXPANSIONS_MAX = 4;
const MEANINGS_MAX = 8;
/** What an IRI stands for that is defined in too many ways to follow: the core, so that it is refused. */
const UNCLEAR: readonly string[] = [AS];

/** Keys of a definition that rearrange what stands below the term. */
const FORBIDDEN_IN_TERM = ['@reverse', '@nest', '@context', '@prefix', '@import'] as const;

const PLAIN_CONTAINERS: ReadonlySet<JsonValue> = new Set(['@list', '@set']);

/** Undefined where there are too many. */
export function collectTerms(contexts: readonly JsonValue[]): Terms | undefined {
  const terms = new Map<string, string[]>();
  let count = 0;
  for (const context of contexts) {
    if (!isObject(context)) continue;
    for (const term of Object.keys(context)) {
      if (++count > TERMS_MAX) return undefined;
      const iri = iriOf(context[term]);
      const known = terms.get(term);
      if (iri === undefined || known?.includes(iri) === true) continue;
      if (known === undefined) terms.set(term, [iri]);
      else known.push(iri);
    }
  }
  return terms;
}

const iriOf = (definition: JsonValue | undefined): string | undefined => {
  const iri = isObject(definition) ? definition['@id'] : definition;
  return typeof iri === 'string' ? iri : undefined;
};

/** What is wrong with an inline context, if anything. The sentence names a term only where it is one of the core. */
export function checkContext(context: JsonValue, terms: Terms): string | undefined {
  if (!isObject(context)) return undefined;
  for (const term of Object.keys(context)) {
    const problem = term.startsWith('@') ? checkSetting(term, context) : checkTerm(term, context[term], terms);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const checkSetting = (term: string, context: JsonObject): string | undefined =>
  CONTEXT_SETTINGS.has(term) && !isObject(context[term]) ? undefined : 'a keyword with a meaning of its own';

function checkTerm(term: string, definition: JsonValue | undefined, terms: Terms): string | undefined {
  if (isObject(definition) && FORBIDDEN_IN_TERM.some((key) => definition[key] !== undefined)) return 'a term that rearranges';
  const containers = isObject(definition) ? listOf(definition['@container']) : [];
  if (containers.includes('@graph')) return 'a term that holds a graph';
  const own = CORE_TERMS.get(term) ?? CORE_PREFIXES.get(term);
  if (own === undefined) return isSecondName(term, definition, terms) ? 'a second name for a term of the core' : undefined;
  // Maps by index, id, type or language put their keys between the property and its value.
  return isSame(own, definition, terms) && containers.every((name) => PLAIN_CONTAINERS.has(name)) ? undefined : `${term} redefined`;
}

/** Without `@id` a term is what its name says; null takes its meaning away. */
function isSame(own: string, definition: JsonValue | undefined, terms: Terms): boolean {
  const iri = iriOf(definition);
  return iri === undefined ? isObject(definition) : expand(iri, terms).every((meaning) => meaning === own);
}

function isSecondName(term: string, definition: JsonValue | undefined, terms: Terms): boolean {
  const iri = iriOf(definition);
  return iri !== undefined && expand(iri, terms).some((meaning) => isTaken(term, meaning));
}

function isTaken(term: string, meaning: string): boolean {
  if (meaning.startsWith('@')) return meaning !== '@json';
  if (meaning === AS || meaning === SEC) return true;
  return CORE_IRIS.has(meaning) && SECOND_NAMES.get(term) !== meaning;
}

/** Whether a key of the body stands for a name of the core without being it. */
export const isCoreName = (key: string, terms: Terms): boolean => {
  const meanings = expand(key, terms);
  return meanings === UNCLEAR || meanings.some((meaning) => CORE_IRIS.has(meaning));
};

/** Everything that an IRI may stand for: compact, absolute, or a name of the core. */
function expand(iri: string, terms: Terms): readonly string[] {
  let meanings: readonly string[] = [iri];
  for (let round = 0; round < EXPANSIONS_MAX; round++) {
    const next = expandEach(meanings, terms);
    if (next.length > MEANINGS_MAX) return UNCLEAR;
    if (next.every((meaning, at) => meaning === meanings[at])) return next.map(withHttps);
    meanings = next;
  }
  return UNCLEAR;
}

/** Each once. Of one meaning, the usual case, no two of the next are the same: a term has no IRI twice. */
function expandEach(meanings: readonly string[], terms: Terms): readonly string[] {
  const [only, another] = meanings;
  if (only !== undefined && another === undefined) return expandOnce(only, terms);
  return [...new Set(meanings.flatMap((meaning) => expandOnce(meaning, terms)))];
}

const AS_BY_HTTP = AS.replace('https:', 'http:');
const withHttps = (iri: string): string => (iri.startsWith(AS_BY_HTTP) ? AS + iri.slice(AS_BY_HTTP.length) : iri);

function expandOnce(iri: string, terms: Terms): readonly string[] {
  const colon = iri.indexOf(':');
  if (colon === -1) return iri.startsWith('@') ? [iri] : [CORE_TERMS.get(iri) ?? iri];
  const suffix = iri.slice(colon + 1);
  if (suffix.startsWith('//')) return [iri];
  const prefix = iri.slice(0, colon);
  const core = CORE_PREFIXES.get(prefix);
  if (core !== undefined) return [core + suffix];
  return terms.get(prefix)?.map((meaning) => meaning + suffix) ?? [iri];
}

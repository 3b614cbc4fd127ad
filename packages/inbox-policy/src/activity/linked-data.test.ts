import { createRequire } from 'node:module';
import { getDocumentLoader } from '@fedify/vocab-runtime';
import { describe, expect, it } from '@jest/globals';
import { activity, ALICE, create, type Json, many, note, PEER, person, PUBLIC, refusal, rulesWith, VICTIM, verdict } from '../testing/activity.ts';
import { AS, CORE_TERMS, LDP, SEC } from './linked-data-terms.ts';

const AS_CONTEXT = 'https://www.w3.org/ns/activitystreams';
const SECURITY_CONTEXT = 'https://w3id.org/security/v1';
const SIGNATURE = { type: 'RsaSignature2017', creator: `${ALICE}#main-key`, created: '2026-11-25T12:00:00Z', signatureValue: 'AAAA' };
const inContext = (...more: readonly unknown[]): Json => create(note(), { '@context': [AS_CONTEXT, SECURITY_CONTEXT, ...more] });
const signed = (value: Json): Json => ({ ...value, signature: SIGNATURE });

describe('JSON-LD of every activity', () => {
  it.each(['@graph', '@included', '@reverse', '@nest'])('%s is refused wherever it stands', (keyword) => {
    expect(verdict(create(note(), { [keyword]: [] }))).toBe('LD');
    expect(verdict(create(note({ [keyword]: {} })))).toBe('LD');
    expect(verdict(create(note({ x: [{ y: [[{ [keyword]: 1 }]] }] })))).toBe('LD');
    expect(verdict(create(note({ [keyword.slice(1)]: [] })))).toBe('ok');
  });

  it.each(['@id', '@type'])('%s beside its alias says two things', (keyword) => {
    expect(verdict(create(note(), { [keyword]: `https://${VICTIM}/1` }))).toBe('LD');
    // Expanded documents exist below; Misskey reads the alias.
    expect(verdict(create(note({ [keyword]: `https://${VICTIM}/1` })))).toBe('ok');
    expect(verdict(signed(create(note({ [keyword]: `https://${VICTIM}/1` }))))).toBe('LD');
  });

  it.each([
    ['terms of their own', { toot: 'http://joinmastodon.org/ns#', featured: { '@id': 'toot:featured', '@type': '@id' } }],
    ['terms that AS has reserved', { Hashtag: 'as:Hashtag', sensitive: 'as:sensitive', movedTo: { '@id': 'as:movedTo', '@type': '@id' } }],
    ['the core as it is', { as: AS, likes: { '@id': 'as:likes' }, actor: { '@id': 'as:actor', '@type': '@id' }, inbox: 'ldp:inbox', id: '@id', type: '@type' }],
    ['the core by its full name', { object: `${AS}object`, to: { '@id': `${AS}to` } }],
    ['names outside of what Misskey reads', { Place: 'sc:Place', location: { '@id': 'sc:location', '@type': 'sc:Place' }, sc: 'http://schema.org/' }],
    ['languages and vocabularies', { '@language': 'und', '@vocab': 'https://x.example/ns#' }],
    ['lists', { toot: 'http://joinmastodon.org/ns#', focalPoint: { '@container': '@list', '@id': 'toot:focalPoint' } }],
    ['icons of PeerTube', { icons: 'as:icon' }],
    ['JSON values', { x: { '@id': 'urn:x', '@type': '@json' } }],
  ])('contexts define %s', (_name, context) => {
    expect(verdict(inContext(context))).toBe('ok');
    expect(verdict(signed(inContext(context)))).toBe('ok');
    expect(verdict({ ...create(note({ '@context': context })), signature: null })).toBe('ok');
  });

  it.each([
    ['swap actor and object', { actor: 'as:object', object: 'as:actor' }],
    ['rename to', { to: 'as:cc' }],
    ['rename a type', { Like: 'as:Delete' }],
    ['take away a term', { actor: null }],
    ['give a core term something else', { publicKey: 'urn:x' }],
    ['give a second name', { x: 'as:object' }],
    ['give a second name by its full IRI', { x: { '@id': `${AS}object` } }],
    ['give a second name by the name', { x: 'object' }],
    ['give a second name for the inbox', { x: `${LDP}inbox` }],
    ['give a second name for a key', { x: `${SEC}publicKeyPem` }],
    ['give the namespace a second name', { x: AS }],
    ['build the namespace of two parts', { x: 'https://www.w3.org/ns/activity', y: 'x:streams#object' }],
    ['build it of three', { a: 'https://www.w3.org/', b: 'a:ns/activity', y: 'b:streams#object' }],
    ['build it without end', { a: 'b:x', b: 'a:x' }],
    ['redefine the prefix', { as: 'https://x.example/ns#' }],
    ['alias @reverse', { x: '@reverse' }],
    ['alias @graph', { x: { '@id': '@graph' } }],
    ['alias @id', { x: '@id' }],
    ['alias @type', { x: '@type' }],
    ['swap keywords', { id: '@type', type: '@id' }],
    ['define by @reverse', { x: { '@reverse': 'as:object' } }],
    ['nest', { x: { '@id': 'urn:x', '@nest': 'y' } }],
    ['scope a context', { x: { '@id': 'urn:x', '@context': { to: 'as:cc' } } }],
    ['scope a context to a type', { X: { '@id': 'urn:x', '@context': {} } }],
    ['hold graphs', { x: { '@id': 'urn:x', '@container': '@graph' } }],
    ['hold graphs and more', { x: { '@id': 'urn:x', '@container': ['@graph', '@id'] } }],
    ['put an index before the object', { object: { '@id': 'as:object', '@container': '@index' } }],
    ['import', { '@import': 'https://x.example/ns' }],
    ['protect', { '@protected': true }],
    ['set a base', { '@base': `https://${VICTIM}/` }],
    ['redefine a keyword', { '@id': 'urn:x', '@type': '@id' }],
  ])('contexts that %s are refused', (_name, context) => {
    expect(verdict(inContext(context))).toBe('LD');
    expect(verdict(create(note({ '@context': context })))).toBe('LD');
    expect(verdict(inContext(context), { rules: rulesWith({ ldPolicy: 'pass' }) })).toBe('ok');
  });

  it('follows 512 terms, and no more', () => {
    const terms = (count: number): Json => Object.fromEntries(many(count, (at) => [`t${at}`, `urn:${at}`]));
    expect(verdict(inContext(terms(512)))).toBe('ok');
    expect(verdict(inContext(terms(513)))).toBe('LD');
    // However often a prefix is defined.
    expect(verdict(inContext(...many(8, (at) => ({ p: `urn:${at}:` })), { x: 'p:y' }))).toBe('ok');
    expect(verdict(inContext(...many(9, (at) => ({ p: `urn:${at}:` })), { x: 'p:y' }))).toBe('LD');
  });

  it('says which rule, not what stood there', () => {
    expect(refusal(inContext({ 'secret words': 'as:object' }))).toBe('LD /@context: a second name for a term of the core');
    expect(refusal(inContext({ to: 'as:cc' }))).toBe('LD /@context: to redefined');
  });
});

describe('JSON-LD of signed documents', () => {
  it.each([
    'https://w3id.org/identity/v1', 'https://w3id.org/security/data-integrity/v2', 'https://join-lemmy.org/context.json', 'https://gotosocial.org/ns', 'http://joinmastodon.org/ns',
    'http://schema.org', 'http://www.w3.org/ns/activitystreams#', 'https://a.example/schemas/litepub-0.1.jsonld', 'https://a.example/apschema/v1.9',
  ])('the context %s is known', (context) => {
    expect(verdict(signed(inContext(context)))).toBe('ok');
  });

  it.each([
    `https://${VICTIM}/context.jsonld`, 'https://www.w3.org/ns/activitystreams2', 'https://a.example/schemas/litepub-0.1.jsonld?x', 'https://a.example/x/schemas/litepub-0.1.jsonld', 'ftp://schema.org',
  ])('the context %s is not, which only matters with a signature', (context) => {
    expect(verdict(signed(inContext(context)))).toBe('LD');
    expect(verdict(inContext(context))).toBe('ok');
  });

  it.each([
    ['as:object', {}], [`${AS}object`, {}], ['http://www.w3.org/ns/activitystreams#object', {}], ['sec:publicKeyPem', {}], ['x:streams#object', { x: 'https://www.w3.org/ns/activity' }],
  ])('the key %s is a second name for what Misskey reads', (key, context) => {
    const value = create(note({ [key]: `https://${VICTIM}/1` }), { '@context': [AS_CONTEXT, context] });
    expect(verdict(signed(value))).toBe('LD');
    expect(verdict(value)).toBe('ok');
  });

  it('other prefixes are not', () => {
    expect(verdict(signed(create(note({ 'vcard:bday': '2000-01-01', 'ostatus:conversation': 'x', 'vcard:Address': { '@type': 'vcard:Home' } }))))).toBe('ok');
  });

  it('a forwarded profile has no term that its contexts leave undefined (Mastodon CVE-2026-50128)', () => {
    const forwarder = { keyHost: 'forwarder.example' };
    const toot = { toot: 'http://joinmastodon.org/ns#', attributionDomains: { '@id': 'toot:attributionDomains', '@type': '@id' } };
    const profile = (...contexts: readonly unknown[]): Json =>
      signed(activity('Update', { '@context': [AS_CONTEXT, SECURITY_CONTEXT, ...contexts], object: person({ attributionDomains: [VICTIM] }) }));
    expect(verdict(profile(toot), forwarder)).toBe('ok');
    expect(verdict(profile(), forwarder)).toBe('LD');
    expect(verdict(profile('https://join-lemmy.org/context.json'), forwarder)).toBe('ok');
    expect(verdict(profile())).toBe('ok');
  });
});

// An oracle that is not ours: what a document states as RDF, by the library that signs and verifies it elsewhere. Its types
// are not installed.
interface JsonLd {
  canonize(document: object, options: object): Promise<string>;
}
const jsonld = createRequire(import.meta.url)('jsonld') as JsonLd;
const documentLoader = getDocumentLoader();
const statements = (document: Json): Promise<string> => jsonld.canonize(document, { documentLoader, safe: false });

describe('documents that state the same in another order', () => {
  const target = `https://${VICTIM}/n/77`;
  const announce = { id: `https://${PEER}/a/2`, type: 'Announce', actor: ALICE, object: target, to: [PUBLIC] };
  const undo: Json = { '@context': [AS_CONTEXT], id: `https://${PEER}/a/1`, type: 'Undo', actor: ALICE, object: announce, to: [PUBLIC] };
  const { object: _object, ...outer } = undo;
  const rearranged: readonly (readonly [string, Json])[] = [
    ['@included', { ...announce, '@context': AS_CONTEXT, '@included': [{ ...outer, '@context': undefined, object: announce.id }] }],
    ['@graph', { '@context': AS_CONTEXT, '@graph': [announce, { ...outer, '@context': undefined, object: announce.id }] }],
    ['@reverse', { ...announce, '@context': AS_CONTEXT, '@reverse': { object: { ...outer, '@context': undefined } } }],
    ['a reverse term', { ...announce, '@context': [AS_CONTEXT, { x: { '@reverse': 'as:object' } }], x: { ...outer, '@context': undefined } }],
    ['an alias of @included', { ...announce, '@context': [AS_CONTEXT, { x: '@included' }], x: [{ ...outer, '@context': undefined, object: announce.id }] }],
    ['nesting', { ...outer, '@context': [AS_CONTEXT, { x: '@nest' }], x: { object: announce } }],
    ['a second name', { ...outer, '@context': [AS_CONTEXT, { x: { '@id': 'as:object', '@type': '@id' } }], x: announce }],
    ['a compact name', { ...outer, 'as:object': { ...announce } }],
  ];

  it('the original is taken', () => {
    expect(verdict(signed(undo))).toBe('ok');
  });

  it.each(rearranged)('%s: the same RDF, refused', async (_name, value) => {
    expect(await statements(JSON.parse(JSON.stringify(value)) as Json)).toBe(await statements(undo));
    const result = verdict(signed(value));
    expect(['LD', 'SHAPE']).toContain(result);
    // With an object in its place too, so that no other check answers first.
    expect(verdict(signed({ ...value, type: 'Undo', id: undo['id'], actor: ALICE, object: announce }))).toBe('LD');
  });

  it('terms that nobody defines state nothing, and are taken', async () => {
    const value = { ...undo, undefinedTerm: { anything: true } };
    expect(await statements(value)).toBe(await statements(undo));
    expect(verdict(signed(value))).toBe('ok');
  });

  it('the names of the core are what the real contexts define', async () => {
    const load = async (url: string): Promise<Json> => ((await documentLoader(url)).document as { '@context': Json })['@context'];
    const terms = { ...(await load(SECURITY_CONTEXT)), ...(await load(AS_CONTEXT)) };
    const wrong = [...CORE_TERMS].filter(([term, iri]) => {
      const definition = terms[term];
      const written = typeof definition === 'object' && definition !== null ? (definition as Json)['@id'] : definition;
      const full = String(written).replace(/^as:/, AS).replace(/^sec:/, SEC).replace(/^ldp:/, LDP);
      return full !== iri;
    });
    expect(wrong).toEqual([]);
  });
});

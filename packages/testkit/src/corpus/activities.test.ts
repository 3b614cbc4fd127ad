import { describe, expect, it } from '@jest/globals';
import { corpusFolder, deliver, readActivityCases, readAttackCorpus, rewriteHosts, testHost } from './index.ts';

const self = 'instance.peer.example';
const each = corpusFolder() === undefined ? describe.skip : describe;

describe('rewriteHosts()', () => {
  it('moves hosts and keeps contexts, vocabularies and escapes', () => {
    const json = '{"@context":["http://schema.org#",{"a":{"@context":"http://x.test/ns"}}],"id":"http:\\/\\/A.test:3000\\/1","b" : "see https://c.test/x and http://www.w3.org/ns/y", "n": 1.0}';
    const out = rewriteHosts(json);
    expect(out).toBe(`{"@context":["http://schema.org#",{"a":{"@context":"http://x.test/ns"}}],"id":"https:\\/\\/${testHost('a.test:3000')}\\/1","b" : "see https://${testHost('c.test')}/x and http://www.w3.org/ns/y", "n": 1.0}`);
  });

  it('moves litepub contexts with their host', () => {
    expect(rewriteHosts('{"@context":["https://a.test/schemas/litepub-0.1.jsonld"],"id":"https://a.test/1"}'))
      .toBe(`{"@context":["https://${testHost('a.test')}/schemas/litepub-0.1.jsonld"],"id":"https://${testHost('a.test')}/1"}`);
  });

  it('puts the receiver on our host', () => {
    expect(rewriteHosts('"http://us.test/users/1"', { host: 'us.test', self })).toBe(`"https://${self}/users/1"`);
  });

  it('ends a context where it ends', () => {
    expect(rewriteHosts('{"object":{"@context":"http://a.test/ns"},"id":"http://a.test/1"}')).toContain(`"id":"https://${testHost('a.test')}/1"`);
  });
});

each('the corpus of activities', () => {
  const cases = readActivityCases();

  it('holds legitimate, hostile and malformed documents', () => {
    for (const [expected, least] of [['legit', 490], ['hostile', 7], ['malformed', 20], ['any', 500]] as const) {
      expect(cases.filter((one) => one.expected === expected).length).toBeGreaterThanOrEqual(least);
    }
  });

  it('gives every legitimate document an actor and a key on a test host, and ids over https', () => {
    for (const one of cases.filter(({ expected }) => expected === 'legit')) {
      const { actor, actorHost, keyId, activity, body } = deliver(one, { self });
      expect({ id: one.id, host: actorHost }).toEqual({ id: one.id, host: expect.stringMatching(/\.peer\.example$/) });
      expect(keyId.startsWith(`https://${actorHost}`) && actor.startsWith('https://')).toBe(true);
      expect(String(activity['id'])).toMatch(/^https:\/\/[^/:]+\.peer\.example(?:[/?#]|$)/);
      expect(body.length).toBeLessThanOrEqual(65_536);
    }
  });
});

each('the corpus of attacks', () => {
  it('builds all of them', async () => {
    const { cases, bases } = await readAttackCorpus();
    expect(cases.length).toBeGreaterThanOrEqual(137);
    expect(bases.length).toBeGreaterThanOrEqual(23);
    for (const one of cases) expect(one.build().method).toBe('POST');
    for (const one of bases) expect(() => JSON.parse(one.build().body.toString())).not.toThrow();
  });
});

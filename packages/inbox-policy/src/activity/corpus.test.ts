// Real documents: none that is legitimate is refused, and every change of one that the mutations know is.

import { describe, expect, it } from '@jest/globals';
import { type Code, CODES } from '@sekisho/contracts';
import { checkHostName } from '@sekisho/netguard';
import { type ActivityCase, ATTACK_HOSTS, corpusFolder, deliver, type Delivery, type ExactRequest, MUTATIONS, readActivityCases, readAttackCorpus, testKey } from '@sekisho/testkit';
import { parseStrictJson } from '../json/parse.ts';
import { keysWithin } from '../testing/activity.ts';
import type { ActivityRules, Denied, JsonObject, ReadActivity } from '../types.ts';
import { checkLinkedData } from './linked-data.ts';
import { readActivity } from './read.ts';
import { sanitiseActivity } from './sanitise.ts';

const self = ATTACK_HOSTS.self;
const nowMs = Date.now();
const rules: ActivityRules = { ownHosts: new Set([self]), isPublicHost: (host) => checkHostName(host).ok, ldPolicy: 'strict', relays: new Set(), nowMs };

function judge(body: Uint8Array, keyId: string): ReadActivity | Denied {
  const json = parseStrictJson(body);
  return json.ok ? readActivity(json.value, { keyId, keyHost: URL.parse(keyId)?.hostname ?? '' }, rules) : json;
}

const keyIdOf = ({ headers }: ExactRequest): string => {
  const signature = headers.find(([name]) => name.toLowerCase() === 'signature')?.[1] ?? '';
  return /keyId="([^"]*)"/.exec(signature)?.[1] ?? '';
};

/** Dropped with 202, as Misskey drops them: types that it does not handle, moderators, and follows of nobody here. */
const DROPS: ReadonlySet<Code> = new Set(['SEKISHO_INBOX_ACTIVITY_TYPE', 'SEKISHO_INBOX_MODERATOR', 'SEKISHO_INBOX_NOT_LOCAL']);

/** Codes of this layer; a mutation that may have one of them is in the body or in the host of its keyId. */
const OWN_CODES: ReadonlySet<Code> = new Set([
  'SEKISHO_INBOX_ACTIVITY_TYPE', 'SEKISHO_INBOX_ID', 'SEKISHO_INBOX_ACTOR', 'SEKISHO_INBOX_OWN_HOST', 'SEKISHO_INBOX_REFERENCE', 'SEKISHO_INBOX_ID_HOST', 'SEKISHO_INBOX_LD',
  'SEKISHO_INBOX_SHAPE', 'SEKISHO_INBOX_AUTHORITY', 'SEKISHO_INBOX_ACTOR_DOCUMENT', 'SEKISHO_INBOX_ACTOR_KEY', 'SEKISHO_INBOX_COUNT', 'SEKISHO_INBOX_PUBLISHED',
]);

const cases = readActivityCases();
const one = (id: string, result: ReadActivity | Denied): string => (result.ok ? id : `${id} ${result.code} ${result.detail}`);
const sorted = (expected: ActivityCase['expected']): readonly ActivityCase[] => cases.filter((item) => item.expected === expected && item.deliver !== 'none');
const describeCorpus = corpusFolder() === undefined ? describe.skip : describe;

describeCorpus('the corpus of activities (skipped where ../shared/corpus is missing)', () => {
  const legit = sorted('legit').map((item) => deliver(item, { self }));
  const results = new Map<Delivery, ReadActivity | Denied>(legit.map((delivery) => [delivery, judge(delivery.body, delivery.keyId)]));
  const taken = legit.filter((delivery) => results.get(delivery)?.ok === true);

  it('holds what is legitimate, none of which is refused', () => {
    expect(legit.length).toBeGreaterThanOrEqual(490);
    const refused = [...results].filter(([, result]) => !result.ok && !DROPS.has(result.code));
    expect(refused.map(([{ id }, result]) => one(id, result))).toEqual([]);
    expect(taken.length).toBeGreaterThanOrEqual(470);
    const moderators = [...results].filter(([, result]) => !result.ok && result.code === 'SEKISHO_INBOX_MODERATOR');
    expect(moderators.map(([{ id }]) => id)).toEqual(['lemmy.lemmy-remove-note']);
  });

  it('holds copies that are taken as well, and the same again', () => {
    for (const delivery of taken) {
      const result = results.get(delivery);
      if (result?.ok !== true) throw new Error(delivery.id);
      const copy = JSON.parse(JSON.stringify(sanitiseActivity(result))) as JsonObject;
      expect(keysWithin(copy).filter((key) => key.startsWith('@') || key === 'signature')).toEqual([]);
      const again = readActivity(copy, { keyId: delivery.keyId, keyHost: delivery.actorHost }, rules);
      // Written for a group: Misskey takes the post of nobody but the actor, so the rest of what vouches for it is not copied.
      if (delivery.id === 'mobilizon.mobilizon-mobilizon-post-activity-group') continue;
      expect(one(delivery.id, again)).toBe(delivery.id);
      if (again.ok) expect(sanitiseActivity(again)).toEqual(sanitiseActivity(result));
    }
  });

  it('holds what comes by http as it was written, all of which is refused', () => {
    const raw = sorted('legit').filter(({ facts }) => facts.has('http-id')).map((item) => deliver(item, { self, rewrite: false }));
    expect(raw.length).toBeGreaterThan(100);
    expect(raw.filter(({ body, keyId }) => judge(body, keyId).ok).map(({ id }) => id)).toEqual([]);
  });

  it('holds what is hostile or malformed, and is refused where it can be seen', () => {
    const passed = [...sorted('hostile'), ...sorted('malformed')].filter((item) => {
      const { body, keyId } = deliver(item, { self });
      return judge(body, keyId).ok;
    });
    // An announcement with another's post in it, which Misskey fetches itself; and a post that lies where a server keeps
    // uploads, which only who fetches it can tell by its type.
    expect(passed.map(({ id }) => id).sort()).toEqual(['mastodon.akkoma-bogus-mastodon-announce', 'pleroma.akkoma-spoofed-object']);
  });

  it('breaks the rules of JSON-LD nowhere', () => {
    const real = cases.filter(({ deliver: how }) => how !== 'none').map((item) => deliver(item, { self }));
    const broken = real.filter(({ activity }) => checkLinkedData(activity as JsonObject, false) !== undefined);
    expect(real.length).toBeGreaterThan(500);
    expect(real.filter(({ activity }) => activity['signature'] !== undefined).length).toBeGreaterThan(40);
    expect(broken.map(({ id }) => id)).toEqual([]);
  });

  it('judges everything in a clean way', () => {
    for (const item of cases) {
      const { body, keyId } = deliver({ ...item, deliver: 'as-is', read: item.read }, { self });
      const result = judge(body, keyId);
      if (!result.ok) expect(CODES[result.code].status).toBeLessThan(500);
    }
  });

  const own = MUTATIONS.filter(({ codes }) => codes.some((code) => OWN_CODES.has(code)));
  const world = { self, victim: ATTACK_HOSTS.victim, key: testKey('ed25519').privateKey, nowMs };

  it('is refused after every mutation that this layer sees', () => {
    let count = 0;
    const wrong: string[] = [];
    for (const mutation of own) {
      // Every fifth document, another fifth for each mutation.
      for (const [at, delivery] of taken.entries()) {
        if ((at + own.indexOf(mutation)) % 5 !== 0 || !mutation.applies(delivery)) continue;
        const request = mutation.request(delivery, world);
        const result = judge(request.body, keyIdOf(request));
        count++;
        if (result.ok || !mutation.codes.includes(result.code)) wrong.push(`${mutation.name}: ${one(delivery.id, result)}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(count).toBeGreaterThan(2_000);
  });
});

describeCorpus('the corpus of attacks (skipped where ../shared/corpus is missing)', () => {
  /** Areas that are nothing but body; of others what this layer sees by its number. */
  const AREAS: ReadonlySet<string> = new Set(['identity', 'url', 'authority', 'json-ld']);
  const OTHERS: ReadonlySet<string> = new Set(['d036', 'd050', 'd051', 'd062', 'd064', 'd065', 'd066', 'd067', 'd069', 'd070']);

  it('takes what the cases are made of', async () => {
    const { bases } = await readAttackCorpus();
    expect(bases.length).toBeGreaterThanOrEqual(23);
    for (const base of bases) {
      const request = base.build();
      expect(one(base.name, judge(request.body, keyIdOf(request)))).toBe(base.name);
    }
  });

  it('refuses every case of its own', async () => {
    const { cases: attacks } = await readAttackCorpus();
    const seen = attacks.filter(({ id, area }) => AREAS.has(area) || OTHERS.has(id));
    expect(seen.length).toBeGreaterThanOrEqual(70);
    const passed = seen.filter((attack) => {
      const request = attack.build();
      const result = judge(request.body, keyIdOf(request));
      return result.ok || !fits(attack.id, attack.statuses, CODES[result.code].status);
    });
    // Pleroma sends the addresses of an attachment as a list; each is checked, so a list is no harm.
    expect(passed.map(({ id, level }) => `${id} ${level}`)).toEqual(['d110 should']);
  });

  /** Our own actor: the check table gives it 400, the case asks for 401 or 403. */
  const fits = (id: string, statuses: readonly number[], status: number): boolean => statuses.includes(status) || (id === 'd084' && status === 400);
});

import { describe, expect, it } from '@jest/globals';
import type { ReadActivity } from '@sekisho/inbox-policy';
import type { Relationship } from '@sekisho/inbox-policy/rules';
import { createAnswers } from './answers.ts';
import { createRelationship, noRelationship } from './relationship.ts';

const by = (name: string): ReadActivity => ({
  ok: true, type: 'Create', id: 'https://p.example/1', actor: `https://p.example/${name}`, actorHost: 'p.example', objectType: undefined, object: undefined, hosts: new Set(), forwarded: false, visibility: 'unknown', value: {},
});
const FRIEND: Relationship = { followedHere: true, followsHere: false };
const STRANGER: Relationship = { followedHere: false, followsHere: false };

function setUp() {
  let nowMs = 1_000;
  const asked: { readonly actor: string; readonly answer: PromiseWithResolvers<Relationship> }[] = [];
  const said: string[] = [];
  const counted: string[] = [];
  const log = { info: (text: unknown) => void said.push(`info ${String(text)}`), warn: (_fields: unknown, text: string) => void said.push(`warn ${text}`) };
  const find = createRelationship({
    database: {
      ask: async (actor) => {
        const answer = Promise.withResolvers<Relationship>();
        asked.push({ actor, answer });
        return await answer.promise;
      },
    },
    clock: { now: () => nowMs, monotonicMs: () => nowMs, sleep: async () => undefined },
    log: log as unknown as Parameters<typeof createRelationship>[0]['log'],
    onLookUp: (result) => void counted.push(result),
  });
  /** What the last question gets. */
  const answered = async (name: string, relationship: Relationship): Promise<Relationship | undefined> => {
    const found = find(by(name));
    asked.at(-1)?.answer.resolve(relationship);
    return await found;
  };
  const failed = async (name: string): Promise<Relationship | undefined> => {
    const found = find(by(name));
    asked.at(-1)?.answer.reject(new Error('connect ECONNREFUSED'));
    return await found;
  };
  return { find, answered, failed, asked, said, counted, pass: (ms: number) => (nowMs += ms) };
}

describe('createRelationship()', () => {
  it.each([['a friend', FRIEND], ['a stranger', STRANGER]])('remembers %s for a minute', async (_name, relationship) => {
    const { find, answered, asked, counted, pass } = setUp();
    expect(await answered('a', relationship)).toEqual(relationship);
    pass(59_999);
    expect(await find(by('a'))).toEqual(relationship);
    expect(asked).toHaveLength(1);
    pass(1);
    expect(await answered('a', FRIEND)).toEqual(FRIEND);
    expect(counted).toEqual(['asked', 'remembered', 'asked']);
  });

  it('asks once for all who wait for the same actor', async () => {
    const { find, asked } = setUp();
    const all = [find(by('a')), find(by('a')), find(by('b'))];
    expect(asked.map(({ actor }) => actor)).toEqual(['https://p.example/a', 'https://p.example/b']);
    asked[0]?.answer.resolve(FRIEND);
    asked[1]?.answer.resolve(STRANGER);
    expect(await Promise.all(all)).toEqual([FRIEND, FRIEND, STRANGER]);
  });

  it('lets at most 100 questions wait, and takes more as they end', async () => {
    const { find, asked, counted } = setUp();
    const waiting = Array.from({ length: 100 }, async (_, at) => await find(by(`a${at}`)));
    expect(await find(by('more'))).toBeUndefined();
    expect(await find(by('even-more'))).toBeUndefined();
    expect([asked.length, counted.at(-1)]).toEqual([100, 'full']);
    for (const { answer } of asked) answer.resolve(FRIEND);
    await Promise.all(waiting);
    const again = find(by('more'));
    asked.at(-1)?.answer.resolve(STRANGER);
    expect(await again).toEqual(STRANGER);
  });

  it('knows nothing after a failure, tries again every three seconds, and says each change once', async () => {
    const { find, answered, failed, asked, said, counted, pass } = setUp();
    expect(await failed('a')).toBeUndefined();
    expect(await find(by('a'))).toBeUndefined();
    expect(await find(by('b'))).toBeUndefined();
    expect([asked.length, counted]).toEqual([1, ['asked', 'away', 'away']]);
    pass(3_000);
    expect(await failed('b')).toBeUndefined();
    pass(3_000);
    const probe = find(by('c'));
    expect(await find(by('d'))).toBeUndefined();
    asked.at(-1)?.answer.resolve(STRANGER);
    expect(await probe).toEqual(STRANGER);
    expect(await answered('a', FRIEND)).toEqual(FRIEND);
    expect(said.map((line) => line.split(':')[0])).toEqual(["warn Misskey's database does not answer", "info Misskey's database answers again"]);
  });

  it('waits no longer than a second', async () => {
    const { find, counted } = setUp();
    expect(await find(by('a'))).toBeUndefined();
    expect(await find(by('a'))).toBeUndefined();
    expect(counted).toEqual(['asked', 'away']);
  });
});

describe('noRelationship()', () => {
  it('says once that nobody knows', async () => {
    const said: string[] = [];
    const find = noRelationship({ warn: (text: unknown) => void said.push(String(text)) });
    expect([await find(by('a')), await find(by('b'))]).toEqual([undefined, undefined]);
    expect(said).toHaveLength(1);
  });
});

describe('createAnswers()', () => {
  it('never holds more than it may, and keeps the younger half', () => {
    const answers = createAnswers<number>(100);
    for (let at = 0; at < 1_000; at += 1) {
      answers.put(String(at), { value: Promise.resolve(at), untilMs: 0 });
      expect(answers.size).toBeLessThanOrEqual(100);
    }
    for (let at = 950; at < 1_000; at += 1) expect(answers.get(String(at))).toBeDefined();
    expect(answers.get('0')).toBeUndefined();
  });
});

// A rule about strangers in a whole gateway: with the database, without one, and while it is away.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { postgresFolder } from '@sekisho/testkit';
import { type MisskeyDatabase, actorUrl, startMisskeyDatabase } from '../../testing/relationship/misskey-database.ts';
import { type InboxRig, activities, send, signed, startInboxRig } from '../../testing/inbox-rig.ts';

const RULES = `rules:
  - id: strangers
    action: reject
    when: { all: [{ field: type, op: eq, value: Like }, { field: actor.followedHere, op: eq, value: false }] }
`;

(postgresFolder() === undefined ? describe.skip : describe)('a rule about strangers', () => {
  let database: MisskeyDatabase;
  let rig: InboxRig;
  let settings: NodeJS.ProcessEnv;
  beforeAll(async () => {
    database = await startMisskeyDatabase();
    rig = await startInboxRig();
    const rules = rig.file('rules.yaml', RULES);
    settings = { SEKISHO_INBOX_RULES_FILE: rules, SEKISHO_MISSKEY_DATABASE_URL_FILE: rig.file('database', `${database.roleUrl}\n`) };
  }, 60_000);
  afterAll(async () => {
    await rig.stop();
    await database.stop();
  });
  /** A like by alice of the peer. */
  const like = async (): Promise<number> => (await send(rig, signed({ activity: activities()['like'] ?? {} }))).status;
  const follows = (isFollowed: boolean): void => {
    database.sql(`DELETE FROM "following" WHERE "id" = 'a'; DELETE FROM "user" WHERE "id" = 'alice'`);
    if (!isFollowed) return;
    database.sql(`INSERT INTO "user" VALUES ('alice', 'alice', 'misskey.peer.example', '${actorUrl('alice')}', NULL); INSERT INTO "following" VALUES ('a', 'alice', 'local1', 'misskey.peer.example', NULL, NULL)`);
  };
  const lookUps = async (result: string): Promise<number> => Number(new RegExp(`inbox_relationship_look_ups_total\\{result="${result}"\\} (\\d+)`).exec(await rig.metrics())?.[1] ?? 0);
  const warnings = (words: string): number => rig.log().split(words).length - 1;

  it('refuses strangers, and remembers for a minute that they were', async () => {
    follows(false);
    await rig.restart(settings);
    expect(await like()).toBe(403);
    follows(true);
    expect(await like()).toBe(403);
    expect([await lookUps('asked'), await lookUps('remembered')]).toEqual([1, 1]);
  }, 20_000);

  it('lets pass whom somebody here follows, and asks nothing about what it is not about', async () => {
    follows(true);
    await rig.restart(settings);
    expect((await send(rig, signed({ activity: activities()['follow'] ?? {} }))).status).toBe(202);
    expect(await lookUps('asked')).toBe(0);
    expect(await like()).toBe(202);
    expect(await lookUps('asked')).toBe(1);
  }, 20_000);

  it('does not act while the database is away, and the gateway stays ready', async () => {
    follows(false);
    await rig.restart(settings);
    await database.crash();
    try {
      for (let turn = 0; turn < 3; turn += 1) expect(await like()).toBe(202);
      expect(rig.app.readiness().ready).toBe(true);
      expect([await lookUps('asked'), await lookUps('away')]).toEqual([1, 2]);
      expect(warnings("Misskey's database does not answer")).toBe(1);
    } finally {
      await database.restart();
    }
  }, 20_000);

  it('is late by the deadline once where the database hangs, and the gateway ends in time', async () => {
    await rig.restart(settings);
    database.pause();
    try {
      expect(await like()).toBe(202);
      const startMs = performance.now();
      for (let turn = 0; turn < 10; turn += 1) expect(await like()).toBe(202);
      // Ten waits for the deadline would be as many seconds.
      expect(performance.now() - startMs).toBeLessThan(5_000);
      const closingMs = performance.now();
      await rig.restart({});
      expect(performance.now() - closingMs).toBeLessThan(8_000);
    } finally {
      database.resume();
    }
  }, 30_000);

  it('does not act without a database, and says so once', async () => {
    await rig.restart({ ...settings, SEKISHO_MISSKEY_DATABASE_URL_FILE: undefined });
    expect([await like(), await like()]).toEqual([202, 202]);
    expect(warnings('SEKISHO_MISSKEY_DATABASE_URL_FILE is not set')).toBe(1);
  }, 20_000);
});

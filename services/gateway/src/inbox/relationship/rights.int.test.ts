// What the role of the gateway can do in Misskey's database: the one question, and nothing else. Who takes the gateway over
// has no more than that.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { postgresFolder } from '@sekisho/testkit';
import { type MisskeyDatabase, ROLE, actorUrl, startMisskeyDatabase } from '../../testing/relationship/misskey-database.ts';
import { type Database, openDatabase } from './database.ts';

(postgresFolder() === undefined ? describe.skip : describe)("Misskey's database", () => {
  let server: MisskeyDatabase;
  let database: Database;
  beforeAll(async () => {
    server = await startMisskeyDatabase();
    database = openDatabase(server.roleUrl);
  }, 60_000);
  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  describe('the question', () => {
    it.each<[string, boolean, boolean]>([
      ['friend', true, true], ['followed', true, false], ['follower', false, true],
      // Follows and is followed, by nobody here.
      ['stranger', false, false], ['nobody-knows', false, false], ["x' OR '1'='1", false, false], ['\0', false, false], ['friend\0', false, false], ['\ud800', false, false], ['x"; DROP TABLE "user"; --', false, false],
    ])('about %j: followed here %p, follows here %p', async (name, followedHere, followsHere) => {
      expect(await database.ask(actorUrl(name))).toEqual({ followedHere, followsHere });
    });

    it('is answered by indexes alone', () => {
      const plan = server.sql(`SET enable_seqscan = off; EXPLAIN SELECT EXISTS (SELECT FROM "user" u JOIN "following" f ON f."followeeId" = u."id" WHERE u."uri" = 'x' AND f."followerHost" IS NULL)`);
      expect(plan).toContain('user_uri_idx');
      expect(plan).toContain('following_followeeId_idx');
      expect(plan).not.toContain('Seq Scan');
    });
  });

  describe('the rights of the role', () => {
    const reads = [
      'SELECT "email", "password" FROM "user_profile"', 'SELECT "text" FROM "note"', 'SELECT "token" FROM "user"', 'SELECT * FROM "user"', 'SELECT "username", "host" FROM "user"',
      'SELECT "followerInbox" FROM "following"', 'SELECT count(*) FROM "note"', 'SELECT "passwd" FROM "pg_shadow"', `SELECT pg_read_file('/etc/passwd')`,
    ];
    const writes = [
      `UPDATE "user" SET "uri" = 'x'`, `DELETE FROM "following"`, `INSERT INTO "following" VALUES ('9', 'friend', 'local2', NULL, NULL, NULL)`, 'TRUNCATE "following"', 'DROP TABLE "following"',
      'ALTER TABLE "user" ADD "x" int', `CREATE TABLE "x" ("x" int)`, 'CREATE ROLE x', `COPY "user" TO PROGRAM 'cat > /dev/null'`,
    ];

    it.each(reads)('are not enough for %s', (statement) => {
      expect(() => server.sql(statement, ROLE)).toThrow(/permission denied/);
      // The tables are there, and whoever may read them does.
      expect(server.sql(statement)).not.toBe('');
    });

    it.each(writes)('are not enough for %s, even where the session gives up being read-only', (statement) => {
      expect(() => server.sql(`BEGIN READ WRITE; ${statement}; ROLLBACK`, ROLE)).toThrow(/permission denied|must be owner|must be superuser/);
      expect(() => server.sql(`BEGIN; ${statement}; ROLLBACK`)).not.toThrow();
    });

    it('are read-only from the start, with an end to each statement', () => {
      expect(() => server.sql('CREATE TEMP TABLE "x" ("x" int)', ROLE)).toThrow(/read-only transaction/);
      expect(() => server.sql('SELECT pg_sleep(10)', ROLE)).toThrow(/statement timeout/);
      expect(server.sql(`SELECT rolsuper, rolcreaterole, rolcreatedb, rolinherit, rolreplication, rolbypassrls, rolconnlimit FROM pg_roles WHERE rolname = '${ROLE}'`)).toBe('f|f|f|f|f|f|40');
    });

    it.each([
      ['"user"', '"id"'], ['"user"', '"uri"'], ['"following"', '"followeeId"'], ['"following"', '"followerId"'], ['"following"', '"followeeHost"'], ['"following"', '"followerHost"'],
    ])('would not do without %s %s', async (table, column) => {
      server.sql(`REVOKE SELECT (${column}) ON ${table} FROM ${ROLE}`);
      try {
        await expect(database.ask(actorUrl('friend'))).rejects.toThrow('permission denied');
      } finally {
        server.sql(`GRANT SELECT (${column}) ON ${table} TO ${ROLE}`);
      }
      expect(await database.ask(actorUrl('friend'))).toEqual({ followedHere: true, followsHere: true });
    });
  });
});

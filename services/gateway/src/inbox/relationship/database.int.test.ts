// Misskey's database while it is slow, hangs, breaks off and comes back.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ReadActivity } from '@sekisho/inbox-policy';
import { systemClock } from '@sekisho/runtime';
import { originAuthority, postgresFolder } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import pg from 'pg';
import { type MisskeyDatabase, ROLE, actorUrl, startMisskeyDatabase } from '../../testing/relationship/misskey-database.ts';
import { type Database, openDatabase } from './database.ts';
import { createRelationship } from './relationship.ts';

/** The deadline is one second, and machines pause. */
const IN_TIME_MS = 4_000;
const FRIEND = { followedHere: true, followsHere: true };

(postgresFolder() === undefined ? describe.skip : describe)("Misskey's database", () => {
  let server: MisskeyDatabase;
  const opened: Database[] = [];
  const open = (url = server.roleUrl): Database => {
    const database = openDatabase(url);
    opened.push(database);
    return database;
  };
  beforeAll(async () => {
    server = await startMisskeyDatabase();
  }, 60_000);
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(async (database) => await database.close()));
  });
  afterAll(async () => {
    await server.stop();
  });
  const connections = (): number => Number(server.sql(`SELECT count(*) FROM pg_stat_activity WHERE usename = '${ROLE}'`));
  const friend = async (database: Database) => await database.ask(actorUrl('friend'));
  const timed = async (work: Promise<unknown>): Promise<number> => {
    const startMs = performance.now();
    await work.catch(() => undefined);
    return performance.now() - startMs;
  };

  /** Nobody reads the table meanwhile: what a long migration does. */
  async function whileLocked<T>(work: () => Promise<T>): Promise<T> {
    const owner = new pg.Client({ connectionString: server.url() });
    await owner.connect();
    await owner.query('BEGIN');
    await owner.query('LOCK TABLE "following"');
    try {
      return await work();
    } finally {
      await owner.query('ROLLBACK');
      await owner.end();
    }
  }

  describe('openDatabase()', () => {
    it('connects when it is asked, and at most twice', async () => {
      const database = open();
      expect(connections()).toBe(0);
      await whileLocked(async () => {
        const all = Array.from({ length: 20 }, async () => await friend(database));
        await until(() => connections() === 2);
        const outcomes = await Promise.allSettled(all);
        expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
      });
      // A connection whose question was given up is none any more, on both sides.
      await until(() => connections() === 0);
      expect(await friend(database)).toEqual(FRIEND);
      expect(connections()).toBe(1);
    }, 20_000);

    it('gives up a question that waits behind a lock, and ends with one under way', async () => {
      const [database, ending] = [open(), open()];
      await whileLocked(async () => {
        const tookMs = await timed(friend(database));
        expect(tookMs).toBeGreaterThan(900);
        expect(tookMs).toBeLessThan(IN_TIME_MS);
        const asked = friend(ending).catch((error: unknown) => error);
        await until(() => connections() > 0);
        expect(await timed(ending.close())).toBeLessThan(IN_TIME_MS);
        expect(await asked).toBeInstanceOf(Error);
      });
      await until(() => connections() === 0);
    }, 20_000);

    it('gives up a server that takes connections and says nothing, and ends all the same', async () => {
      const database = open();
      server.pause();
      try {
        const tookMs = await timed(friend(database));
        expect(tookMs).toBeGreaterThan(900);
        expect(tookMs).toBeLessThan(IN_TIME_MS);
        const asked = friend(database).catch((error: unknown) => error);
        expect(await timed(database.close())).toBeLessThan(IN_TIME_MS);
        expect(await asked).toBeInstanceOf(Error);
      } finally {
        server.resume();
      }
    }, 20_000);

    it('lives through the end of its idle connections, and connects again', async () => {
      const database = open();
      expect(await friend(database)).toEqual(FRIEND);
      await server.crash();
      await expect(friend(database)).rejects.toThrow(/ECONNREFUSED|terminat/);
      await expect(friend(database)).rejects.toThrow(/ECONNREFUSED/);
      await server.restart();
      expect(await friend(database)).toEqual(FRIEND);
      server.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${ROLE}'`);
      await until(async () => await friend(database).then(() => true, () => false));
    }, 20_000);

    it('encrypts as the URL says, and checks the certificate where it says so', async () => {
      const { ca, cert, key } = originAuthority();
      for (const [name, text] of [['server.key', key], ['server.crt', cert]] as const) {
        server.sql(`COPY (SELECT '${Buffer.from(text).toString('base64')}') TO PROGRAM 'umask 077; base64 -d > ${name}'`);
      }
      server.sql('ALTER SYSTEM SET ssl = on');
      await server.restart();
      const folder = mkdtempSync(join(tmpdir(), 'sekisho-database-'));
      writeFileSync(join(folder, 'ca.crt'), ca);
      const isEncrypted = (): string => server.sql(`SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = '${ROLE}'`);
      try {
        for (const [query, ssl] of [['', 'f'], ['?sslmode=no-verify', 't'], [`?sslmode=verify-full&sslrootcert=${join(folder, 'ca.crt')}`, 't']] as const) {
          const database = open(`${server.roleUrl}${query}`);
          expect(await friend(database)).toEqual(FRIEND);
          expect(isEncrypted()).toBe(ssl);
          await database.close();
          await until(() => connections() === 0);
        }
        await expect(friend(open(`${server.roleUrl}?sslmode=verify-full`))).rejects.toThrow(/certificate/);
      } finally {
        server.sql('ALTER SYSTEM RESET ssl');
        await server.restart();
        rmSync(folder, { recursive: true });
      }
    }, 30_000);

    it('says why it is refused, and not with what', async () => {
      const wrong = open(server.url(ROLE, 'hunter2'));
      await expect(friend(wrong)).rejects.toThrow('password authentication failed');
      await expect(friend(wrong)).rejects.not.toThrow('hunter2');
    });
  });

  it('is unknown behind a lock, keeps nobody waiting a second time, and is known again afterwards', async () => {
    const said: unknown[] = [];
    const log = { info: (...line: unknown[]) => void said.push(line), warn: (...line: unknown[]) => void said.push(line) } as unknown as Parameters<typeof createRelationship>[0]['log'];
    let skippedMs = 0;
    const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + skippedMs };
    const find = createRelationship({ database: open(), clock, log, onLookUp: () => undefined });
    const about = { actor: actorUrl('friend') } as ReadActivity;
    await whileLocked(async () => {
      expect(await find(about)).toBeUndefined();
      const startMs = performance.now();
      for (let turn = 0; turn < 50; turn += 1) expect(await find(about)).toBeUndefined();
      // One by one: 50 waits for the deadline would take as many seconds.
      expect(performance.now() - startMs).toBeLessThan(IN_TIME_MS);
      expect(said).toHaveLength(1);
    });
    skippedMs += 3_000;
    expect(await find(about)).toEqual(FRIEND);
    expect(said).toHaveLength(2);
  }, 20_000);
});

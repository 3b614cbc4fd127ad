// Questions to Misskey's PostgreSQL. It is Misskey's: at most two connections, made when a rule asks and closed when none
// does any more; a statement that takes longer than a rule waits is given up on both sides.

import { Socket } from 'node:net';
import { INBOX_LIMITS } from '@sekisho/contracts';
import type { Relationship } from '@sekisho/inbox-policy/rules';
import { errorCode, inTime } from '@sekisho/runtime';
import pg from 'pg';

const CONNECTIONS_MAX = 2;
const IDLE_MS = 30_000;
const CLOSE_MS = 1_000;

/** An actor that Misskey does not know has no row, so both are false. A host of NULL is this instance. */
const QUESTION = {
  name: 'sekisho-relationship',
  text: `SELECT
    EXISTS (SELECT FROM "user" u JOIN "following" f ON f."followeeId" = u."id" WHERE u."uri" = $1 AND f."followerHost" IS NULL) AS "followedHere",
    EXISTS (SELECT FROM "user" u JOIN "following" f ON f."followerId" = u."id" WHERE u."uri" = $1 AND f."followeeHost" IS NULL) AS "followsHere"`,
};

export interface Database {
  /** Rejects where the database does not answer in time. */
  ask(actor: string): Promise<Relationship>;
  /** Ends within about a second, also while it does not answer. */
  close(): Promise<void>;
}

export function openDatabase(url: string): Database {
  const sockets = new Set<Socket>();
  const pool = new pg.Pool({
    connectionString: url, max: CONNECTIONS_MAX, idleTimeoutMillis: IDLE_MS, keepAlive: true, application_name: 'sekisho-gateway',
    connectionTimeoutMillis: INBOX_LIMITS.relationshipMs, query_timeout: INBOX_LIMITS.relationshipMs, statement_timeout: INBOX_LIMITS.relationshipMs,
    stream: () => trackedSocket(sockets),
  });
  // Of connections that nobody uses at the moment: the pool has dropped them already.
  pool.on('error', () => undefined);
  return {
    ask: async (actor) => {
      const { rows } = await pool.query<Relationship>({ ...QUESTION, values: [actor] }).catch(unlessUnspeakable);
      const [row] = rows;
      if (typeof row?.followedHere !== 'boolean' || typeof row.followsHere !== 'boolean') throw new Error('no answer in the reply');
      return { followedHere: row.followedHere, followsHere: row.followsHere };
    },
    close: async () => {
      if (!pool.ending) await inTime(pool.end(), CLOSE_MS, () => undefined);
      // A server that hangs never closes its side.
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Class 22 of the SQL standard: the value is none that a column could hold. */
const DATA_EXCEPTION = /^22/;
const NOBODY: Relationship = { followedHere: false, followsHere: false };

/** What no column holds is no account; a stranger must not make the database look away with an actor like that. */
function unlessUnspeakable(error: unknown): { readonly rows: readonly Relationship[] } {
  if (DATA_EXCEPTION.test(errorCode(error) ?? '')) return { rows: [NOBODY] };
  throw error;
}

function trackedSocket(sockets: Set<Socket>): Socket {
  const socket = new Socket();
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
  return socket;
}

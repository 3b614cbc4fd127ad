// A PostgreSQL with Misskey's tables, and the role of the gateway with exactly the rights that the project ships.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestPostgres, startPostgres } from '@sekisho/testkit';

const ROLE_FILE = join(import.meta.dirname, '../../../../../k8s/postgres/sekisho-inbox.sql');
export const ROLE = 'sekisho_inbox';
const PASSWORD = 'inbox-password';
const PEER = 'https://misskey.peer.example';
export const actorUrl = (name: string): string => `${PEER}/users/${name}`;

export interface MisskeyDatabase extends TestPostgres {
  /** As the gateway is told. */
  readonly roleUrl: string;
}

export async function startMisskeyDatabase(): Promise<MisskeyDatabase> {
  const server = await startPostgres();
  try {
    server.sql(readFileSync(join(import.meta.dirname, 'misskey.sql'), 'utf8'));
    server.sql(readFileSync(ROLE_FILE, 'utf8').replace(":'password'", `'${PASSWORD}'`));
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { ...server, roleUrl: server.url(ROLE, PASSWORD) };
}

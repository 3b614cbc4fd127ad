// URL of Misskey's database. What would only be found when the first rule asks is found at the start, and nothing of the
// URL is ever said: it holds a password.

import pg from 'pg';

const PROTOCOLS: ReadonlySet<string> = new Set(['postgres:', 'postgresql:']);

/** @throws Error without the text. */
export function readDatabaseUrl(text: string): string {
  const given = text.trim();
  const url = URL.parse(given);
  if (url === null || !PROTOCOLS.has(url.protocol) || url.hostname === '' || url.username === '' || url.pathname.length < 2) {
    throw new Error('must hold a URL like postgres://user:password@host:5432/database');
  }
  try {
    // Reads parameters and certificates; nothing is connected.
    void new pg.Client({ connectionString: given });
  } catch (error) {
    throw new Error('must hold a URL whose parameters are known and whose certificates are there', { cause: error });
  }
  return given;
}

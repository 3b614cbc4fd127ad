-- A user of Misskey's database that can tell who follows whom, and nothing else. Run it in that database, as somebody who may
-- make roles (postgres, usually), with psql and its variable `password`; docs/inbox-rules.md has the line.

-- Two connections of each gateway, twice that while a Deployment rolls.
CREATE ROLE sekisho_inbox LOGIN PASSWORD :'password' NOINHERIT CONNECTION LIMIT 40;
ALTER ROLE sekisho_inbox SET default_transaction_read_only = on;
-- The gateway gives up after a second.
ALTER ROLE sekisho_inbox SET statement_timeout = '2s';
ALTER ROLE sekisho_inbox SET idle_in_transaction_session_timeout = '10s';

-- Before PostgreSQL 15 every role may make functions there that others then call. Misskey, who owns the tables, still may.
DO $$ BEGIN
  EXECUTE format('GRANT CREATE ON SCHEMA public TO %I', (SELECT tableowner FROM pg_tables WHERE schemaname = 'public' AND tablename = 'user'));
END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

GRANT USAGE ON SCHEMA public TO sekisho_inbox;
GRANT SELECT ("id", "uri") ON "user" TO sekisho_inbox;
GRANT SELECT ("followeeId", "followerId", "followeeHost", "followerHost") ON "following" TO sekisho_inbox;

-- What the rules ask of Misskey's database, and next to it what nobody but Misskey may read. Names as in Misskey 2026.3.

CREATE TABLE "user" (
  "id" varchar(32) PRIMARY KEY,
  "username" varchar(128) NOT NULL,
  "host" varchar(128),
  "uri" varchar(512),
  "token" char(16)
);
CREATE INDEX ON "user" ("uri");

CREATE TABLE "following" (
  "id" varchar(32) PRIMARY KEY,
  "followeeId" varchar(32) NOT NULL REFERENCES "user",
  "followerId" varchar(32) NOT NULL REFERENCES "user",
  "followeeHost" varchar(128),
  "followerHost" varchar(128),
  "followerInbox" varchar(512),
  UNIQUE ("followerId", "followeeId")
);
CREATE INDEX ON "following" ("followeeId");
CREATE INDEX ON "following" ("followerId");

CREATE TABLE "user_profile" ("userId" varchar(32) PRIMARY KEY REFERENCES "user", "email" varchar(128), "password" varchar(128));
CREATE TABLE "note" ("id" varchar(32) PRIMARY KEY, "userId" varchar(32) NOT NULL, "visibility" varchar(32), "text" text);

INSERT INTO "user" ("id", "username", "host", "uri", "token") VALUES
  ('local1', 'ayano', NULL, NULL, '0123456789abcdef'),
  ('local2', 'kana', NULL, NULL, NULL),
  ('friend', 'friend', 'misskey.peer.example', 'https://misskey.peer.example/users/friend', NULL),
  ('followed', 'followed', 'misskey.peer.example', 'https://misskey.peer.example/users/followed', NULL),
  ('follower', 'follower', 'misskey.peer.example', 'https://misskey.peer.example/users/follower', NULL),
  ('stranger', 'stranger', 'misskey.peer.example', 'https://misskey.peer.example/users/stranger', NULL);

INSERT INTO "following" VALUES
  ('1', 'friend', 'local1', 'misskey.peer.example', NULL, 'https://self.example/inbox'),
  ('2', 'local1', 'friend', NULL, 'misskey.peer.example', 'https://self.example/inbox'),
  ('3', 'followed', 'local2', 'misskey.peer.example', NULL, 'https://self.example/inbox'),
  ('4', 'local2', 'follower', NULL, 'misskey.peer.example', 'https://self.example/inbox'),
  -- Between two that are elsewhere: says nothing of anybody here.
  ('5', 'stranger', 'friend', 'misskey.peer.example', 'misskey.peer.example', 'https://self.example/inbox'),
  ('6', 'friend', 'stranger', 'misskey.peer.example', 'misskey.peer.example', 'https://self.example/inbox');

INSERT INTO "user_profile" VALUES ('local1', 'ayano@self.example', 'hash');
INSERT INTO "note" VALUES ('n', 'local1', 'specified', 'to one person only');

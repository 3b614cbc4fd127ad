// The name of an actor, read from its URL: an activity does not carry it. Servers that put an id there instead of a name
// would otherwise look like fresh accounts with random names: an id of Misskey is ten characters of a–z and 0–9.

const NAME = /^\w(?:[\w.-]{0,126}\w)?$/;
/** UUID, ULID, ObjectId and its like, ids of sixteen characters, numbers. */
const IDS = [/^[\da-f]{8}-[\da-f-]{27}$/i, /^[\dA-HJKMNP-TV-Z]{26}$/i, /^[\da-f]{24}$/i, /^[5-9ab][\da-z]{15}$/, /^\d{5,}$/];
const AID = /^[\da-z]{10}$/;
/** Ids of ten characters begin with eight digits in base 36: ms since 2000. */
const AID_EPOCH_MS = Date.UTC(2000, 0, 1);
const AID_FROM_MS = Date.UTC(2014, 0, 1);
const DAY_MS = 86_400_000;

export interface ActorNames {
  readonly actor: string;
  /** Of the activity. */
  readonly id: string;
  readonly nowMs: number;
}

/** undefined when the URL holds no name that is one for sure. */
export function usernameOf({ actor, id, nowMs }: ActorNames): string | undefined {
  const segment = lastSegment(actor);
  if (segment === undefined) return undefined;
  if (segment.startsWith('@')) return named(segment.slice(1));
  const name = named(segment);
  if (name === undefined || IDS.some((pattern) => pattern.test(name))) return undefined;
  // Servers with names in their URLs put the activity below the actor.
  const isBelow = id.startsWith(`${actor}/`) || id.startsWith(`${actor}#`);
  return !isBelow && isAid(name, nowMs) ? undefined : name;
}

const named = (text: string): string | undefined => (NAME.test(text) ? text : undefined);

function lastSegment(actor: string): string | undefined {
  const path = URL.parse(actor)?.pathname.split('/').filter((part) => part !== '');
  return path?.at(-1);
}

function isAid(name: string, nowMs: number): boolean {
  if (!AID.test(name)) return false;
  const madeMs = AID_EPOCH_MS + Number.parseInt(name.slice(0, 8), 36);
  return madeMs >= AID_FROM_MS && madeMs <= nowMs + DAY_MS;
}

/** Shannon entropy, bits per character: 0 for one letter over and over, 3.3 for ten different ones. */
export function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  let total = 0;
  for (const char of text) {
    counts.set(char, (counts.get(char) ?? 0) + 1);
    total += 1;
  }
  return [...counts.values()].reduce((sum, count) => sum - (count / total) * Math.log2(count / total), 0);
}

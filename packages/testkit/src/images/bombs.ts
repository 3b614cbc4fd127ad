// Pictures that cost more than they look. Each is built in milliseconds (the flat ones that an encoder has to write: in two
// seconds at most) and holds no more memory than its own bytes; what they cost a decoder without limits stands in `why`.

import type { BombRow } from './bomb-row.ts';
import { BROKEN } from './bombs-broken.ts';
import { MOVING } from './bombs-moving.ts';
import { STILL } from './bombs-still.ts';
import { VECTOR } from './bombs-vector.ts';

export interface Bomb {
  readonly name: string;
  /** What an honest origin would claim. */
  readonly type: string;
  /** `reject`: a clean refusal must come; `any`: a picture or a clean refusal. */
  readonly expected: 'reject' | 'any';
  /** Known from the header alone, so no decoder may see a byte of it. */
  readonly refusedByHeader: boolean;
  readonly why: string;
  bytes(): Promise<Buffer>;
}

const ROWS = { ...STILL, ...MOVING, ...VECTOR, ...BROKEN } as const;

export type BombName = keyof typeof ROWS;

const toBomb = (name: BombName): Bomb => {
  const row: BombRow = ROWS[name];
  const { type, expected, why } = row;
  return { name, type, expected, why, refusedByHeader: row.byHeader === true, bytes: async () => row.make() };
};

export const BOMB_NAMES = Object.keys(ROWS) as readonly BombName[];
export const BOMBS = Object.fromEntries(BOMB_NAMES.map((name) => [name, toBomb(name)])) as Readonly<Record<BombName, Bomb>>;

/** A fresh bomb; not kept, so that a test's memory tells about the code under test. */
export const makeBomb = (name: BombName): Promise<Buffer> => BOMBS[name].bytes();

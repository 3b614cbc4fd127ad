// One bomb as its table says it.

export interface BombRow {
  readonly type: string;
  readonly expected: 'reject' | 'any';
  readonly byHeader?: true;
  readonly why: string;
  make(): Buffer | Promise<Buffer>;
}

/** The first part of a file, `part` between 0 and 1. */
export const cut = (file: Buffer, part: number): Buffer => file.subarray(0, Math.floor(file.length * part));

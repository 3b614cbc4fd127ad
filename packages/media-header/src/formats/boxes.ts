// Boxes of ISO/IEC 14496-12, within the bytes given. Sizes are strangers' numbers: each box is cut at its parent's end.

import type { HeaderReader } from '../header-reader.ts';

export interface Box {
  readonly name: string;
  /** First byte of the content. */
  readonly start: number;
  /** Byte behind the content, never behind the bytes given. */
  readonly end: number;
  /** The box goes on behind the bytes given or behind its parent. */
  readonly cut: boolean;
}

/** The children of `parent`, in order. */
export function* boxesOf(reader: HeaderReader, parent: Box): Generator<Box> {
  let at = parent.start;
  while (at + 8 <= parent.end && reader.step()) {
    const header = headerBytes(reader, at);
    const size = boxSize(reader, at, parent.end);
    if (size < header) return;
    const start = Math.min(at + header, parent.end);
    yield { name: reader.name(at + 4), start, end: Math.min(at + size, parent.end), cut: at + size > parent.end };
    at += size;
  }
}

export function findBox(reader: HeaderReader, parent: Box, name: string): Box | undefined {
  for (const box of boxesOf(reader, parent)) {
    if (box.name === name) return box;
  }
  return undefined;
}

/** A size of 1 announces a 64-bit size behind the name. */
const headerBytes = (reader: HeaderReader, at: number): number => (reader.u32be(at) === 1 ? 16 : 8);

/** A size of 0 means "to the end". */
function boxSize(reader: HeaderReader, at: number, end: number): number {
  const size = reader.u32be(at);
  if (size === 0) return end - at;
  return size === 1 ? reader.u32be(at + 8) * 0x1_0000_0000 + reader.u32be(at + 12) : size;
}

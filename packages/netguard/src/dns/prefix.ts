// Arithmetic on prefixes: what is left of one without others. Pure.

import { type Prefix, prefixHolds } from '../address.ts';

/** Is every address of `inner` in `outer`? */
export const covers = (outer: Prefix, inner: Prefix): boolean => outer.bits <= inner.bits && prefixHolds(outer, inner);

/** The prefixes that remain of `whole` without `holes`; at most one per bit and hole. */
export const subtract = (whole: Prefix, holes: readonly Prefix[]): readonly Prefix[] =>
  holes.reduce<readonly Prefix[]>((left, hole) => left.flatMap((part) => without(part, hole)), [whole]);

function without(whole: Prefix, hole: Prefix): readonly Prefix[] {
  if (covers(hole, whole)) return [];
  if (!covers(whole, hole)) return [whole];
  return halves(whole).flatMap((half) => without(half, hole));
}

function halves({ family, bytes, bits }: Prefix): readonly Prefix[] {
  const upper = bytes.map((byte, at) => (at === bits >> 3 ? byte | (0x80 >> (bits & 7)) : byte));
  return [{ family, bytes, bits: bits + 1 }, { family, bytes: upper, bits: bits + 1 }];
}

'use strict';
// Why a picture is refused: one word of a closed set. The text of a library never crosses the pipe.

class Refusal extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

const refuse = (reason) => {
  throw new Refusal(reason);
};

/** Order matters: libvips says "Image exceeds pixel limit" and "unable to allocate memory" for very different things. */
const REASONS = [
  [/pixel limit|channel limit|too many channels|too large/i, 'header'],
  [/memory|unable to make|alloc/i, 'memory'],
];

/** The reason of any error; `fallback` for what no rule knows. */
function reasonOf(error, fallback = 'decode') {
  if (error instanceof Refusal) return error.reason;
  const message = String(error?.message);
  if (error instanceof RangeError && /allocation/i.test(message)) return 'memory';
  return REASONS.find(([pattern]) => pattern.test(message))?.[1] ?? fallback;
}

module.exports = { refuse, reasonOf };

// Answers of the last minute, bounded: two tables of which the older one is dropped whole, so that nothing is deleted one
// by one.

export interface Answer<T> {
  readonly value: Promise<T | undefined>;
  /** Monotonic; it counts until then. */
  untilMs: number;
}

export interface Answers<T> {
  get(key: string): Answer<T> | undefined;
  put(key: string, answer: Answer<T>): void;
  readonly size: number;
}

export function createAnswers<T>(entriesMax: number): Answers<T> {
  let young = new Map<string, Answer<T>>();
  let old = new Map<string, Answer<T>>();
  return {
    get: (key) => young.get(key) ?? old.get(key),
    put: (key, answer) => {
      if (young.size >= entriesMax / 2) {
        old = young;
        young = new Map();
      }
      young.set(key, answer);
    },
    get size() {
      return young.size + old.size;
    },
  };
}

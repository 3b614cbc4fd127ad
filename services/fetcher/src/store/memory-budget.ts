// Bytes of pictures that wait in memory for their end; 256 fetches of 20 MiB each would be 5 GiB.

export interface MemoryBudget {
  /** Takes bytes; false when there is no room. */
  take(bytes: number): boolean;
  give(bytes: number): void;
  readonly used: number;
}

export function createMemoryBudget(bytesMax: number): MemoryBudget {
  let used = 0;
  return {
    take: (bytes) => {
      if (used + bytes > bytesMax) return false;
      used += bytes;
      return true;
    },
    give: (bytes) => {
      used = Math.max(0, used - bytes);
    },
    get used() {
      return used;
    },
  };
}

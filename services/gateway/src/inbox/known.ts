// What is known of names, in memory, bounded. What there is and that there is nothing have tables of their own: whoever makes
// up names by the thousand pushes out nothing but his own. The oldest makes room.

export interface KnownMaxima {
  readonly found: number;
  readonly none: number;
}

export interface Known<T> {
  get(name: string): T | undefined;
  /** In place of what was known before; the newest from now on. */
  put(name: string, kind: keyof KnownMaxima, entry: T): void;
  readonly size: number;
}

export function createKnown<T>(maxima: KnownMaxima): Known<T> {
  const tables = { found: new Map<string, T>(), none: new Map<string, T>() };
  return {
    get: (name) => tables.found.get(name) ?? tables.none.get(name),
    put: (name, kind, entry) => {
      tables.found.delete(name);
      tables.none.delete(name);
      const table = tables[kind];
      table.set(name, entry);
      const [oldest] = table.keys();
      if (table.size > maxima[kind] && oldest !== undefined) table.delete(oldest);
    },
    get size() {
      return tables.found.size + tables.none.size;
    },
  };
}

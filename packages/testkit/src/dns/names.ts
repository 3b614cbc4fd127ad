/** What a zone has for a name: its own entry, else that of the nearest `*.rest` above it. */
export function findName<T>(zone: ReadonlyMap<string, T>, name: string): T | undefined {
  const labels = name.split('.');
  const above = labels.slice(1).map((_, at) => `*.${labels.slice(at + 1).join('.')}`);
  const found = [name, ...above].find((entry) => zone.has(entry));
  return found === undefined ? undefined : zone.get(found);
}

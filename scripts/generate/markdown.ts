// The little Markdown that the references need.

/** First lines of a generated page: what it holds and what it is made from. */
export const page = (title: string, source: string, parts: readonly string[]): string =>
  [`# ${title}`, `<!-- Generated from ${source} by npm run generate. Do not edit. -->`, ...parts].join('\n\n') + '\n';

/** A table; a bar inside a cell is escaped, a line break becomes a space. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`).replaceAll(/\s*\n\s*/g, ' ');

export const code = (text: string): string => `\`${text}\``;

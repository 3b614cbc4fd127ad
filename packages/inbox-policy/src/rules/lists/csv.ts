// RFC 4180, as far as host lists use it: quoted cells may hold commas and line breaks. One pass.

const ROWS_MAX = 200_000;
const CELLS_MAX = 32;

/** undefined when a quote never ends or there is too much of it. */
export function parseCsv(text: string): readonly (readonly string[])[] | undefined {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    const cell = readCell(text, at);
    if (cell === undefined) return undefined;
    if (row.length < CELLS_MAX) row.push(cell.text);
    at = cell.end;
    if (text[at] === ',') {
      at += 1;
      continue;
    }
    rows.push(row);
    row = [];
    if (rows.length > ROWS_MAX) return undefined;
    at += text.startsWith('\r\n', at) ? 2 : 1;
  }
  if (row.length > 0) rows.push(row);
  return rows;
}

interface Cell {
  readonly text: string;
  /** Position of the comma or line break behind it. */
  readonly end: number;
}

function readCell(text: string, from: number): Cell | undefined {
  if (text[from] !== '"') {
    const end = endOfCell(text, from);
    return { text: text.slice(from, end), end };
  }
  const pieces: string[] = [];
  let at = from + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote === -1) return undefined;
    pieces.push(text.slice(at, quote));
    if (text[quote + 1] !== '"') return { text: pieces.join(''), end: endOfCell(text, quote + 1) };
    pieces.push('"');
    at = quote + 2;
  }
}

function endOfCell(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== ',' && text[at] !== '\n' && text[at] !== '\r') at += 1;
  return at;
}

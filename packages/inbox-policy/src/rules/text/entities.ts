// Character references of HTML, as far as they can hide a text or an address.

const NAMED: ReadonlyMap<string, string> = new Map([
  ['amp', '&'], ['lt', '<'], ['gt', '>'], ['quot', '"'], ['apos', '\''], ['nbsp', ' '], ['colon', ':'], ['sol', '/'], ['period', '.'], ['shy', ''],
  ['commat', '@'], ['num', '#'], ['Tab', ' '], ['NewLine', '\n'], ['ZeroWidthSpace', ''], ['hellip', '…'],
]);
/** `ZeroWidthSpace`; numbers are shorter. */
const CHARS_MAX = 16;

export function decodeEntities(text: string): string {
  let next = text.indexOf('&');
  if (next === -1) return text;
  const pieces: string[] = [];
  let at = 0;
  while (next !== -1) {
    const end = endOf(text, next + 1);
    const decoded = end === undefined ? undefined : decode(text.slice(next + 1, end));
    pieces.push(text.slice(at, next), decoded ?? '&');
    at = decoded === undefined || end === undefined ? next + 1 : end + 1;
    next = text.indexOf('&', at);
  }
  pieces.push(text.slice(at));
  return pieces.join('');
}

function endOf(text: string, from: number): number | undefined {
  for (let at = from; at < from + CHARS_MAX && at < text.length; at += 1) {
    if (text[at] === ';') return at;
  }
  return undefined;
}

function decode(name: string): string | undefined {
  if (!name.startsWith('#')) return NAMED.get(name);
  const isHex = name[1] === 'x' || name[1] === 'X';
  const digits = name.slice(isHex ? 2 : 1);
  if (digits === '' || !(isHex ? /^[\da-f]{1,8}$/i : /^\d{1,10}$/).test(digits)) return undefined;
  const code = Number.parseInt(digits, isHex ? 16 : 10);
  return code > 0 && code <= 0x10_ff_ff && !(code >= 0xd8_00 && code <= 0xdf_ff) ? String.fromCodePoint(code) : undefined;
}

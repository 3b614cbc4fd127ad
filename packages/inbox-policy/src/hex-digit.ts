/**
 * NaN for what is no digit. By arithmetic: a body may hold ten thousand escapes, and a regular expression for each takes five
 * times as long.
 */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : Number.NaN;
}

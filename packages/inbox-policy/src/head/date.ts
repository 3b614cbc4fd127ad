// The Date of a signature. `new Date()` reads almost any text, and what it cannot read is neither too old nor too new.

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';
const MONTH_CHARS = 3;
/**
 * RFC 9110 IMF-fixdate; besides that, what HTTP libraries of senders are known to write and Misskey reads: a day of one digit
 * (Java's RFC_1123_DATE_TIME), `UTC` (Go's RFC1123 in UTC) and `+0000` (PHP's DATE_RFC2822) for the zone.
 */
const DATE = /^([A-Z][a-z]{2}), (\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC|\+0000)$/;

/** Most requests of one second carry the same. */
let last: { readonly value: string; readonly ms: number | undefined } = { value: '', ms: undefined };

/** ms since the epoch; undefined for anything else, days that do not exist and wrong weekdays included. */
export function parseDate(value: string): number | undefined {
  if (last.value !== value) last = { value, ms: readDate(value) };
  return last.ms;
}

function readDate(value: string): number | undefined {
  const match = DATE.exec(value);
  if (match === null) return undefined;
  const [, weekday = '', day = '', month = '', year = '', hour, minute, second] = match;
  const index = MONTHS.indexOf(month);
  if (index % MONTH_CHARS !== 0) return undefined;
  const ms = Date.UTC(Number(year), index / MONTH_CHARS, Number(day), Number(hour), Number(minute), Number(second));
  const canonical = `${weekday}, ${day.padStart(2, '0')} ${month} ${year} ${hour}:${minute}:${second} GMT`;
  return new Date(ms).toUTCString() === canonical ? ms : undefined;
}

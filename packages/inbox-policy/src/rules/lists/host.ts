// Host names as they stand in lists and in rules: as a URL parser writes them (lower case, IDN as punycode), so that one
// host has one spelling. An entry stands for itself and everything below it.

const LABELS_MAX = 128;
/** Two labels or more of lower-case letters and digits, the last of letters: nothing that a URL parser would change. */
const PLAIN = /^(?!.*xn--)[a-z0-9]+(?:[.-][a-z0-9]+)*\.[a-z]{2,63}$/;
const NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+$/;

/**
 * Second levels under which strangers register names, as under a top level: an entry of this kind means the whole of a
 * country's registry and is a slip of the pen. Not complete, and no gate: it stops the ones that are typed by mistake.
 */
const SHARED_SECOND_LEVELS: ReadonlySet<string> = new Set([
  ...['ac', 'co', 'gov', 'ltd', 'me', 'net', 'nhs', 'org', 'plc', 'sch'].map((label) => `${label}.uk`),
  ...['ac', 'ad', 'co', 'ed', 'go', 'gr', 'lg', 'ne', 'or'].map((label) => `${label}.jp`),
  ...['ac', 'co', 'go', 'ne', 'or', 're', 'pe'].map((label) => `${label}.kr`),
  ...['com', 'edu', 'gov', 'id', 'net', 'org'].map((label) => `${label}.au`),
  ...['ac', 'co', 'geek', 'gen', 'govt', 'maori', 'net', 'org', 'school'].map((label) => `${label}.nz`),
  ...['com', 'edu', 'gov', 'net', 'org'].flatMap((label) => ['br', 'cn', 'hk', 'mx', 'my', 'ph', 'sg', 'tr', 'tw', 'ua', 'ar', 'co'].map((land) => `${label}.${land}`)),
  ...['ac', 'co', 'net', 'org', 'gov'].flatMap((label) => ['in', 'za', 'il', 'id', 'th'].map((land) => `${label}.${land}`)),
  'eu.org',
]);

export type HostEntry = { readonly ok: true; readonly host: string } | { readonly ok: false; readonly detail: string };

/** An entry in any usual spelling: `Example.com`, `*.example.com`, `.example.com`, `bücher.example`. */
export function readHost(entry: string): HostEntry {
  const text = entry.trim();
  if (text.length > 512 || /[\s/\\?#@%:[\]]/.test(text)) return bad(text, 'is no host name');
  const bare = text.startsWith('*.') ? text.slice(2) : text.startsWith('.') ? text.slice(1) : text;
  if (bare.includes('*')) return bad(text, 'is not readable: part of it is hidden');
  const host = nameOf(bare);
  if (host !== '' && !host.includes('.')) return bad(text, 'is a whole top level');
  if (!isName(host)) return bad(text, 'is no host name');
  return SHARED_SECOND_LEVELS.has(host) ? bad(text, 'is a registry of many owners, not a host') : { ok: true, host };
}

/** As in URLs. Nearly all entries of a long list are plain; parsing 100,000 of them as URLs would hold up everything else. */
const nameOf = (text: string): string => (PLAIN.test(text) ? text : (URL.parse(`https://${text}/`)?.hostname.replace(/\.$/, '') ?? ''));

const isName = (host: string): boolean => host.length <= 253 && NAME.test(host) && !/^[\d.]+$/.test(host);

const bad = (text: string, what: string): HostEntry => ({ ok: false, detail: `${JSON.stringify(text.slice(0, 80))} ${what}` });

/** Whether a host (as URLs write it), or one above it, is in the set. */
export function holdsHost(hosts: ReadonlySet<string>, host: string): boolean {
  if (hosts.size === 0) return false;
  let name = host.endsWith('.') ? host.slice(0, -1) : host;
  for (let turn = 0; turn < LABELS_MAX; turn += 1) {
    if (hosts.has(name)) return true;
    const dot = name.indexOf('.');
    if (dot === -1) return false;
    name = name.slice(dot + 1);
  }
  return false;
}

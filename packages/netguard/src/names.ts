// Host-name rules. A name must look like a name of the public DNS before anything asks a resolver for it: resolvers read
// numbers, search lists and hosts files in ways that a URL parser does not.

/** RFC 1035 section 2.3.4. */
const NAME_CHARS_MAX = 253;
const LABEL_CHARS_MAX = 63;

export interface DeniedSuffix {
  readonly suffix: string;
  readonly source: string;
}

const suffix = (name: string, source: string): DeniedSuffix => ({ suffix: name, source });

/** Names under these never lead to a public host. */
export const DENIED_SUFFIXES: readonly DeniedSuffix[] = [
  suffix('localhost', 'RFC 6761 section 6.3'),
  suffix('localdomain', 'default domain of many resolvers'),
  suffix('local', 'RFC 6762'),
  suffix('internal', 'ICANN resolution 2024.07.29.06; metadata.google.internal'),
  suffix('lan', 'common in home routers; not delegated'),
  suffix('home', 'ICANN name collision, never to be delegated'),
  suffix('corp', 'ICANN name collision, never to be delegated'),
  suffix('intranet', 'RFC 6762 appendix G'),
  suffix('private', 'RFC 6762 appendix G'),
  suffix('home.arpa', 'RFC 8375'),
  suffix('ipv4only.arpa', 'RFC 8880'),
  suffix('cluster.local', 'Kubernetes DNS'),
  suffix('svc', 'Kubernetes DNS, short form'),
  suffix('onion', 'RFC 7686'),
  suffix('alt', 'RFC 9476'),
  suffix('invalid', 'RFC 6761 section 6.4'),
  suffix('test', 'RFC 6761 section 6.2'),
  // Metadata services that have a name in the public DNS.
  suffix('metadata.tencentyun.com', 'Tencent Cloud metadata'),
  suffix('metadata.packet.net', 'Equinix Metal metadata'),
];

export type NameVerdict =
  | { readonly ok: true; readonly name: string }
  | { readonly ok: false; readonly detail: string };

/** Lower case without its one trailing dot; no judgement. */
export function normalizeHost(host: string): string {
  const lower = host.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

/** May this name be resolved at all? `name` is the normalised form (ASCII, lower case, no trailing dot). */
export function checkHostName(host: string): NameVerdict {
  const name = normalizeHost(host);
  if (name.length === 0 || name.length > NAME_CHARS_MAX) return { ok: false, detail: 'empty or longer than 253 characters' };
  if (!NAME.test(name)) return { ok: false, detail: 'a label that is empty, too long or not of letters, digits and hyphens' };
  const lastDot = name.lastIndexOf('.');
  if (lastDot === -1) return { ok: false, detail: 'a single label' };
  if (isNumeric(name.slice(lastDot + 1))) return { ok: false, detail: 'the last label is a number' };
  const denied = deniedSuffixOf(name);
  return denied === undefined ? { ok: true, name } : { ok: false, detail: `suffix ${denied.suffix}: ${denied.source}` };
}

const NAME = new RegExp(`^[a-z0-9-]{1,${LABEL_CHARS_MAX}}(?:\\.[a-z0-9-]{1,${LABEL_CHARS_MAX}})*$`);

const BY_SUFFIX: ReadonlyMap<string, DeniedSuffix> = new Map(DENIED_SUFFIXES.map((row) => [row.suffix, row]));

/** Of the name or what it lies under, whichever is shorter. */
function deniedSuffixOf(name: string): DeniedSuffix | undefined {
  for (let dot = name.lastIndexOf('.'); ; dot = name.lastIndexOf('.', dot - 1)) {
    const denied = BY_SUFFIX.get(name.slice(dot + 1));
    if (denied !== undefined || dot <= 0) return denied;
  }
}

/** What WHATWG URL calls a number: decimal, octal or hexadecimal. */
const isNumeric = (label: string): boolean => /^(?:\d+|0x[0-9a-f]*)$/.test(label);

// Reads a response policy zone the way a filter does: an own reading of the owner names, so that a writer's mistake shows.

export interface ReadZone {
  readonly serial: number;
  readonly rules: readonly ReadRule[];
  /** Owner names whose action is "no such name". */
  readonly names: readonly string[];
}

export interface ReadRule {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
  readonly owner: string;
}

const WIDTH = { 4: 32, 6: 128 } as const;

/** @throws Error for any line that is not understood. */
export function readZone(text: string): ReadZone {
  const lines = text.split('\n').map((line) => line.replace(/ *;.*$/, '')).filter((line) => line !== '' && !line.startsWith('$'));
  const [soa = '', ns = '', ...rest] = lines;
  const serial = /^@ SOA localhost\. nobody\.localhost\. (\d+) /.exec(soa)?.[1];
  if (serial === undefined || ns !== '@ NS localhost.') throw new Error('no apex');
  const rules: ReadRule[] = [];
  const names: string[] = [];
  for (const line of rest) {
    const [, owner = '', action] = /^(\S+) CNAME (\*\.|\.)$/.exec(line) ?? [];
    if (action === '*.') rules.push(readOwner(owner));
    else if (action === '.') names.push(owner);
    else throw new Error(`not understood: ${line}`);
  }
  return { serial: Number(serial), rules, names };
}

/** `8.0.0.0.10.rpz-ip` and `32.zz.db8.2001.rpz-ip` as ranges. */
export function readOwner(owner: string): ReadRule {
  const labels = owner.split('.');
  if (labels.pop() !== 'rpz-ip') throw new Error(`no address rule: ${owner}`);
  const bits = Number(labels.shift());
  const forward = labels.reverse();
  const family = forward.length === 4 && forward.every((label) => /^\d+$/.test(label)) && !forward.includes('zz') ? 4 : 6;
  const base = family === 4 ? join(forward, 8, 10) : join(expand(forward), 16, 16);
  const size = 1n << BigInt(WIDTH[family] - bits);
  if (base % size !== 0n || !(bits >= 0 && bits <= WIDTH[family])) throw new Error(`host bits or length: ${owner}`);
  return { family, first: base, last: base + size - 1n, owner };
}

export const holds = (rules: readonly ReadRule[], family: 4 | 6, address: bigint): boolean =>
  rules.some((rule) => rule.family === family && rule.first <= address && address <= rule.last);

/** Number of an address in any spelling that a URL parser takes. */
export function addressNumber(text: string): bigint {
  if (!text.includes(':')) return join(text.split('.'), 8, 10);
  const [front = '', back] = new URL(`http://[${text}]/`).hostname.slice(1, -1).split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  return join(back === undefined ? groups(front) : expand([...groups(front), 'zz', ...groups(back)]), 16, 16);
}

/** Address text from its number. */
export const addressText = (family: 4 | 6, value: bigint): string =>
  family === 4
    ? [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.')
    : Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16)).join(':');

function expand(groups: readonly string[]): readonly string[] {
  const at = groups.indexOf('zz');
  if (at < 0) return groups;
  const zeros = Array.from({ length: 9 - groups.length }, () => '0');
  return [...groups.slice(0, at), ...zeros, ...groups.slice(at + 1)];
}

function join(parts: readonly string[], width: number, base: 10 | 16): bigint {
  if (parts.length !== (width === 8 ? 4 : 8)) throw new Error(`not an address: ${parts.join(' ')}`);
  return parts.reduce((sum, part) => {
    if (!(base === 10 ? /^\d{1,3}$/ : /^[0-9a-f]{1,4}$/).test(part)) throw new Error(`not a part of an address: ${part}`);
    return (sum << BigInt(width)) | BigInt(base === 10 ? part : `0x${part}`);
  }, 0n);
}

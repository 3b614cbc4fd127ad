// The address table plus what an installation adds: its own networks (denied) and the unsafe exceptions of tests.

import { NAT64_MALFORMED } from './address-table.ts';
import { type Address, type AddressClass, addressKey, classifyAddress, classifyParsed, isIsatap, parseAddress, parseCidr, type Prefix, prefixHolds } from './address.ts';
import { parseEndpoint } from './endpoint.ts';
import { decodeNat64, parseNat64Prefix } from './nat64.ts';

/** Ports a stranger may name. Anything else would make the fetcher a port scanner of the internet. */
const WEB_PORTS: readonly number[] = [80, 443];
/** Far above any cluster's own networks; a larger list is a mistake and would make each check slow. */
const CIDRS_MAX = 4_096;
const ALLOW_TARGETS_MAX = 256;
const NAT64_PREFIXES_MAX = 8;

export interface AddressPolicyOptions {
  /** Networks of the installation, denied on top of the table. */
  readonly denyCidrs?: readonly string[];
  /** Prefixes taken out of the table (not out of `denyCidrs`). Cluster tests only. */
  readonly unsafePublicCidrs?: readonly string[];
  /** `ip:port` or `[ipv6]:port`, treated as public, any port. Tests and development only. */
  readonly unsafeAllowTargets?: readonly string[];
  /** Prefixes of the installation's NAT64 translators: an address in one is judged by the IPv4 address inside it. */
  readonly nat64Prefixes?: readonly string[];
  /** Ports that may be connected to at all; 80 and 443 unless given. */
  readonly ports?: readonly number[];
}

export type AddressVerdict =
  | { readonly allowed: true; readonly unsafeTarget: boolean }
  | { readonly allowed: false; readonly label: string; readonly cidr: string; readonly source: string };

export interface AddressPolicy {
  /** May a connection be opened to this address and port? Pure, no I/O. */
  check(ip: string, port: number): AddressVerdict;
  /** Replaces the denied networks. @throws TypeError naming the bad entry; the old list stays. */
  setDenyCidrs(cidrs: readonly string[]): void;
  /** Ports that occur in an unsafe allow target; a URL with another port than 80 or 443 must name one of them. */
  readonly allowTargetPorts: ReadonlySet<number>;
}

/** @throws TypeError naming the first entry that is no prefix or target. */
export function createAddressPolicy(options: AddressPolicyOptions = {}): AddressPolicy {
  let denied = parsePrefixes(options.denyCidrs ?? []);
  const exempt = parsePrefixes(options.unsafePublicCidrs ?? []);
  const nat64 = parseNat64Prefixes(options.nat64Prefixes ?? []);
  const targets = parseTargets(options.unsafeAllowTargets ?? []);
  const ports: ReadonlySet<number> = new Set(options.ports ?? WEB_PORTS);
  return {
    allowTargetPorts: new Set(targets.map(({ port }) => port)),
    setDenyCidrs: (cidrs) => {
      denied = parsePrefixes(cidrs);
    },
    check: (ip, port) => {
      const address = parseAddress(ip);
      if (address === undefined) return byClass(classifyAddress(ip));
      const key = addressKey(address);
      if (targets.some((target) => target.port === port && target.key === key)) return { allowed: true, unsafeTarget: true };
      if (!ports.has(port)) return refuse('port', String(port));
      return judge(address, { denied, exempt, nat64 });
    },
  };
}

interface Networks {
  readonly denied: readonly NamedPrefix[];
  readonly exempt: readonly NamedPrefix[];
  readonly nat64: readonly Prefix[];
}

function judge(address: Address, networks: Networks): AddressVerdict {
  const own = networks.denied.find(({ prefix }) => prefixHolds(prefix, address));
  if (own !== undefined) return refuse('configured', own.cidr);
  const translator = isIsatap(address) ? undefined : networks.nat64.find((prefix) => prefixHolds(prefix, address));
  if (translator !== undefined) {
    const embedded = decodeNat64(translator, address);
    // The embedded address is an IPv4 one, which no translator holds: this ends after one step.
    return embedded === undefined ? byClass({ public: false, ...NAT64_MALFORMED }) : judge(embedded, networks);
  }
  if (networks.exempt.some(({ prefix }) => prefixHolds(prefix, address))) return ALLOWED;
  return byClass(classifyParsed(address));
}

interface NamedPrefix {
  readonly cidr: string;
  readonly prefix: Prefix;
}

const ALLOWED: AddressVerdict = { allowed: true, unsafeTarget: false };

const byClass = (verdict: AddressClass): AddressVerdict =>
  verdict.public ? ALLOWED : { allowed: false, label: verdict.label, cidr: verdict.cidr, source: verdict.source };

const refuse = (label: string, cidr: string): AddressVerdict => ({ allowed: false, label, cidr, source: 'configuration' });

function parsePrefixes(cidrs: readonly string[]): readonly NamedPrefix[] {
  if (cidrs.length > CIDRS_MAX) throw new TypeError(`more than ${CIDRS_MAX} prefixes`);
  return cidrs.map((cidr) => {
    const prefix = parseCidr(cidr);
    if (prefix === undefined) throw new TypeError(`no address prefix: ${JSON.stringify(cidr)}`);
    return { cidr, prefix };
  });
}

function parseNat64Prefixes(texts: readonly string[]): readonly Prefix[] {
  if (texts.length > NAT64_PREFIXES_MAX) throw new TypeError(`more than ${NAT64_PREFIXES_MAX} NAT64 prefixes`);
  return texts.map((text) => {
    const prefix = parseNat64Prefix(text);
    if (prefix === undefined) throw new TypeError(`no NAT64 prefix: ${JSON.stringify(text)}`);
    return prefix;
  });
}

function parseTargets(texts: readonly string[]): readonly { readonly key: string; readonly port: number }[] {
  if (texts.length > ALLOW_TARGETS_MAX) throw new TypeError(`more than ${ALLOW_TARGETS_MAX} allow targets`);
  return texts.map((text) => {
    const target = parseEndpoint(text);
    const address = parseAddress(target?.address ?? '');
    if (target === undefined || address === undefined) throw new TypeError(`no ip:port: ${JSON.stringify(text)}`);
    return { key: addressKey(address), port: target.port };
  });
}

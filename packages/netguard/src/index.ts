// netguard: which targets may be reached, and the only code that reaches them.
export {
  type AddressFamily,
  type AddressRow,
  IPV4_DENY,
  IPV6_ALLOW,
  IPV6_DENY,
  IPV6_NAMED,
} from './address-table.ts';
export {
  type Address,
  type AddressClass,
  addressKey,
  classifyAddress,
  parseAddress,
  parseCidr,
  type Prefix,
  prefixHolds,
} from './address.ts';
export {
  type AddressPolicy,
  type AddressPolicyOptions,
  type AddressVerdict,
  createAddressPolicy,
} from './address-policy.ts';
export { type Endpoint, parseEndpoint } from './endpoint.ts';
export { CIDR_LIST_BYTES_MAX, parseCidrList } from './cidr-list.ts';
export {
  type Connected,
  connectPinned,
  type ConnectDeps,
  type ConnectRequest,
  createTlsContext,
  type Refusal,
} from './connect.ts';
export {
  type FetchDeps,
  type FetchRefusal,
  guardedFetch,
  type GuardedRequest,
  type GuardedResponse,
  type HostSlot,
} from './fetch.ts';
export {
  createHostMatcher,
  foldHost,
  HOST_LIST_BYTES_MAX,
  HOST_LIST_ENTRIES_MAX,
  type HostListError,
  type HostMatcher,
  type ParsedHostList,
  parseHostList,
} from './host-list.ts';
export {
  checkLoop,
  type LoopEntries,
  type LoopIdentity,
  loopIdentity,
  type LoopLines,
  type LoopVerdict,
  outgoingLoopHeaders,
  pseudonymOf,
} from './loop.ts';
export { checkHostName, DENIED_SUFFIXES, type DeniedSuffix, type NameVerdict, normalizeHost } from './names.ts';
export { NAT64_PREFIX_BITS, NAT64_WELL_KNOWN } from './nat64.ts';
export { createResolver, type NameResolver, type Resolution, type ResolverOptions } from './resolver.ts';
export {
  canonicalUrl,
  type CanonicalUrl,
  checkTargetUrl,
  hostOfUrl,
  ownHostSet,
  type PlainHttp,
  type Target,
  type TargetRefusal,
  type TargetRules,
  type TargetVerdict,
} from './url.ts';
export { clusterDenied, isCidr, isEndpoint, isHost, isNat64Prefix, openServicesProblem } from './settings.ts';
export { ADDRESSES_TRIED_MAX, type DnsAnswer, type VettedAnswer, vetAnswer } from './vet.ts';

// Settings about addresses that several services have, each with one meaning. Pure.

import { createAddressPolicy } from './address-policy.ts';
import { parseCidr } from './address.ts';
import { parseEndpoint } from './endpoint.ts';
import { parseNat64Prefix } from './nat64.ts';
import { ownHostSet } from './url.ts';

export const isCidr = (text: string): boolean => parseCidr(text) !== undefined;
/** `ip:port` */
export const isEndpoint = (text: string): boolean => parseEndpoint(text) !== undefined;
export const isNat64Prefix = (text: string): boolean => parseNat64Prefix(text) !== undefined;

/** A bare host, without port, path or credentials. */
export function isHost(text: string): boolean {
  try {
    return ownHostSet([text]).size === 1 && !/[\s/?#@:]/.test(text);
  } catch {
    return false;
  }
}

export interface ClusterNetworks {
  /** Networks of the environment. */
  readonly named: readonly string[];
  /** Addresses of node and pod. */
  readonly nodeIps: readonly string[];
  /** KUBERNETES_SERVICE_HOST; undefined outside a cluster. */
  readonly apiServer: string | undefined;
}

/** What is denied on top of the table, the API server's Service address by itself. */
export const clusterDenied = ({ named, nodeIps, apiServer = '' }: ClusterNetworks): readonly string[] => [...named, ...nodeIps, ...(isCidr(apiServer) ? [apiServer] : [])];

/**
 * Some clusters (GKE: 34.118.224.0/20) take their Services from public space, where the built-in table cannot know them:
 * then somebody must have named the network, here or in the file.
 * @returns the sentence what to do; undefined when all is well.
 */
export function openServicesProblem({ named, apiServer = '' }: ClusterNetworks, inFile: readonly string[]): string | undefined {
  if (!isCidr(apiServer)) return undefined;
  const policy = createAddressPolicy({ denyCidrs: [...named, ...inFile] });
  return policy.check(apiServer, 443).allowed
    ? 'the Services of this cluster have public addresses and nothing denies them: set cluster.denyCIDRs (SEKISHO_DENY_CIDRS) to the Service, pod and node networks'
    : undefined;
}

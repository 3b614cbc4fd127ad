// A configuration for tests on loopback.

import type { EgressConfig } from '../config.ts';
import type { TunnelLimits } from '../tunnel/limits.ts';

export const OWN_HOST = 'misskey.origin.example';

/** Deadlines short enough for a test, long enough for a slow machine. */
export const FAST: Partial<TunnelLimits> = { headersMs: 1_000, dnsMs: 1_000, connectMs: 1_000, helloMs: 1_000, idleMs: 1_200, lifeMs: 20_000 };

export const BASE_CONFIG: EgressConfig = {
  listenHost: '127.0.0.1', port: 0, smtpPort: undefined, smtpTargets: [], opsHost: '127.0.0.1', opsPort: 0, publicUrl: new URL(`https://${OWN_HOST}`), ownHosts: ['sekisho-egress-proxy.misskey.svc'],
  mode: 'enforce', dnsServers: [], denyCidrs: [], denyCidrsFile: undefined, nat64Prefixes: [], unsafeAllowTargets: [], unsafePublicCidrs: [], credentialsFile: undefined, allowHostsFile: undefined,
  denyHostsFile: undefined, tunnelsMax: 1_024, hostTunnelsMax: 256, tunnelBytesMax: 1024 * 1024 * 1024, logLevel: 'info', shutdownDelayMs: 0, shutdownDrainMs: 1_000,
};

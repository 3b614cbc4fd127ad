import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-egress-config-'));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const base = { SEKISHO_PUBLIC_URL: 'https://misskey.origin.example' };

describe('readConfig()', () => {
  it('is content with the least, and closed by default', () => {
    expect(readConfig({ ...base, PATH: '/bin', SEKISHO_OWN_HOSTS: '' })).toMatchObject({
      port: 3128, opsPort: 9090, listenHost: '0.0.0.0', mode: 'enforce', smtpPort: undefined, smtpTargets: [], denyCidrs: [], nat64Prefixes: [], unsafeAllowTargets: [], unsafePublicCidrs: [], credentialsFile: undefined,
      allowHostsFile: undefined, denyHostsFile: undefined, tunnelsMax: 1_024, hostTunnelsMax: 256, tunnelBytesMax: 1_073_741_824, shutdownDelayMs: 5_000, shutdownDrainMs: 60_000,
    });
  });

  it('takes targets of mail', () => {
    expect(readConfig({ ...base, SEKISHO_EGRESS_SMTP_PORT: '3129', SEKISHO_EGRESS_SMTP_TARGETS: 'SMTP.peer.example:587, a.peer.example:465' })).toMatchObject({ smtpPort: 3129, smtpTargets: ['smtp.peer.example:587', 'a.peer.example:465'] });
  });

  it.each([
    ['SEKISHO_PUBLIC_URL', undefined], ['SEKISHO_PUBLIC_URL', 'misskey.example'], ['SEKISHO_EGRESS_PORT', '65536'], ['SEKISHO_EGRESS_SMTP_PORT', '3129'], ['SEKISHO_EGRESS_SMTP_TARGETS', 'smtp.peer.example'], ['SEKISHO_EGRESS_SMTP_TARGETS', '10.0.0.1:587'],
    ['SEKISHO_EGRESS_SMTP_TARGETS', 'smtp:587'], ['SEKISHO_EGRESS_SMTP_TARGETS', 'smtp.peer.example.:587'], ['SEKISHO_EGRESS_SMTP_TARGETS', 'mail.misskey.svc:587'], ['SEKISHO_EGRESS_MODE', 'off'], ['SEKISHO_OWN_HOSTS', 'a:80'],
    ['SEKISHO_DNS_SERVERS', '1.1.1.1'], ['SEKISHO_DENY_CIDRS', '10.0.0.0/33'], ['SEKISHO_DENY_CIDRS_FILE', '/nowhere'], ['SEKISHO_DENY_CIDRS_FILE', file('cidrs', 'x')], ['SEKISHO_NODE_IPS', 'node'], ['SEKISHO_NAT64_PREFIX', '64:ff9b::'],
    ['SEKISHO_UNSAFE_ALLOW_TARGETS', '127.0.0.1'], ['SEKISHO_UNSAFE_PUBLIC_CIDRS', 'x'], ['SEKISHO_EGRESS_CREDENTIALS_FILE', '/nowhere'], ['SEKISHO_EGRESS_CREDENTIALS_FILE', file('empty', '')], ['SEKISHO_EGRESS_CREDENTIALS_FILE', file('bad', 'hunter2')],
    ['SEKISHO_EGRESS_ALLOW_HOSTS_FILE', file('hosts', 'a b')], ['SEKISHO_EGRESS_DENY_HOSTS_FILE', '/nowhere'], ['SEKISHO_EGRESS_TUNNELS_MAX', '0'], ['SEKISHO_EGRESS_HOST_TUNNELS_MAX', 'x'], ['SEKISHO_EGRESS_TUNNEL_BYTES_MAX', '1'], ['SEKISHO_EGRES_MODE', 'report'],
  ])('refuses %s=%s', (name, value) => {
    expect(() => readConfig({ ...base, [name]: value })).toThrow(/configuration is not valid/);
  });

  it('prints all problems at once and no secret', () => {
    const read = (): unknown => readConfig({ ...base, SEKISHO_EGRESS_CREDENTIALS_FILE: file('secret', 'hunter2'), SEKISHO_EGRESS_DENY_HOSTS_FILE: '/nowhere', SEKISHO_EGRESS_SMTP_PORT: '1' });
    for (const name of ['SEKISHO_EGRESS_CREDENTIALS_FILE: line 1', 'SEKISHO_EGRESS_DENY_HOSTS_FILE', 'SEKISHO_EGRESS_SMTP_TARGETS']) expect(read).toThrow(name);
    expect(read).not.toThrow(/hunter2/);
  });

  it.each([
    ['a private API server', '10.96.0.1', {}, ['10.96.0.1']], ['a public one that is denied', '34.118.224.1', { SEKISHO_DENY_CIDRS: '34.118.224.0/20' }, ['34.118.224.0/20', '34.118.224.1']],
    ['a public one that the file denies', '34.118.224.1', { SEKISHO_DENY_CIDRS_FILE: file('deny', '34.118.224.0/20\n') }, ['34.118.224.1']], ['and node addresses', '10.96.0.1', { SEKISHO_NODE_IPS: '192.88.98.7, 2600::1' }, ['192.88.98.7', '2600::1', '10.96.0.1']],
  ])('denies %s by itself', (_name, host, env, denyCidrs) => {
    expect(readConfig({ ...base, ...env, KUBERNETES_SERVICE_HOST: host }).denyCidrs).toEqual(denyCidrs);
  });

  it('refuses to start with a public API server that nothing denies', () => {
    expect(() => readConfig({ ...base, KUBERNETES_SERVICE_HOST: '34.118.224.1' })).toThrow(/set cluster\.denyCIDRs/);
  });
});

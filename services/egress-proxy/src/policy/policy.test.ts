import { describe, expect, it } from '@jest/globals';
import { createAddressPolicy, createHostMatcher, ownHostSet } from '@sekisho/netguard';
import { anyPort, withoutSelf } from './address.ts';
import { decideMail, decideTunnel, type TunnelRules } from './decide.ts';

const rules: TunnelRules = {
  mode: 'enforce', ownHosts: ownHostSet(['misskey.origin.example', 'sekisho-gateway', 'sekisho-egress-proxy.misskey.svc', '192.0.2.1']), extraPorts: new Set(), allowedHosts: undefined, deniedHosts: undefined,
};
const codeOf = (text: string, over: Partial<TunnelRules> = {}): string => {
  const decision = decideTunnel(text, { ...rules, ...over });
  return decision.ok ? ['ok', ...decision.wouldDeny].join(' ') : decision.code;
};

describe('decideTunnel()', () => {
  it.each([
    ['a.origin.example:443', 'ok'], ['a.origin.example:80', 'SEKISHO_EGRESS_PORT'], ['a.origin.example:25', 'SEKISHO_EGRESS_PORT'], ['a.origin.example:8443', 'SEKISHO_EGRESS_PORT'],
    ['a.origin.example', 'SEKISHO_EGRESS_AUTHORITY'], ['127.1:443', 'SEKISHO_EGRESS_LITERAL'], ['127.1:80', 'SEKISHO_EGRESS_LITERAL'], ['localhost:443', 'SEKISHO_EGRESS_NAME'],
    ['misskey.origin.example:443', 'SEKISHO_EGRESS_OWN_HOST'], ['MISSKEY.origin.example.:80', 'SEKISHO_EGRESS_OWN_HOST'], ['sekisho-gateway:8080', 'SEKISHO_EGRESS_OWN_HOST'],
    ['sekisho-egress-proxy.misskey.svc:3128', 'SEKISHO_EGRESS_OWN_HOST'], ['192.0.2.1:443', 'SEKISHO_EGRESS_OWN_HOST'],
  ])('%s: %s', (text, expected) => {
    expect(codeOf(text)).toBe(expected);
  });

  it('keeps both host lists, the denied one before the allowed one', () => {
    const lists = { allowedHosts: createHostMatcher(['origin.example']), deniedHosts: createHostMatcher(['bad.origin.example']) };
    expect([codeOf('a.origin.example:443', lists), codeOf('a.peer.example:443', lists), codeOf('x.bad.origin.example:443', lists)]).toEqual([
      'ok', 'SEKISHO_EGRESS_HOST_NOT_ALLOWED', 'SEKISHO_EGRESS_HOST_DENIED',
    ]);
    expect(codeOf('a.origin.example:443', { allowedHosts: createHostMatcher([]) })).toBe('SEKISHO_EGRESS_HOST_NOT_ALLOWED');
  });

  it('reports ports and lists, and relaxes nothing else', () => {
    const report = { mode: 'report', deniedHosts: createHostMatcher(['a.origin.example']) } as const;
    expect(codeOf('a.origin.example:80', report)).toBe('ok SEKISHO_EGRESS_PORT SEKISHO_EGRESS_HOST_DENIED');
    expect(['a.origin.example', '127.1:443', 'localhost:443', 'misskey.origin.example:443'].map((text) => codeOf(text, report))).toEqual([
      'SEKISHO_EGRESS_AUTHORITY', 'SEKISHO_EGRESS_LITERAL', 'SEKISHO_EGRESS_NAME', 'SEKISHO_EGRESS_OWN_HOST',
    ]);
  });
});

describe('decideMail()', () => {
  const mail = { ownHosts: rules.ownHosts, targets: new Set(['smtp.peer.example:587']) };
  it.each([
    ['smtp.peer.example:587', undefined], ['SMTP.peer.example.:587', undefined], ['smtp.peer.example:465', 'SEKISHO_EGRESS_SMTP_TARGET'], ['a.peer.example:587', 'SEKISHO_EGRESS_SMTP_TARGET'],
    ['smtp.peer.example:443', 'SEKISHO_EGRESS_SMTP_TARGET'], ['10.0.0.1:587', 'SEKISHO_EGRESS_LITERAL'], ['smtp.peer.example', 'SEKISHO_EGRESS_AUTHORITY'],
  ])('%s: %s', (text, code) => {
    const decision = decideMail(text, mail);
    expect(decision.ok ? undefined : decision.code).toBe(code);
  });
});

describe('address policies', () => {
  const base = createAddressPolicy({ ports: [443], unsafeAllowTargets: ['127.0.0.1:3128', '127.0.0.1:587', '10.0.0.1:443'], denyCidrs: ['8.8.8.0/24'] });
  const allowed = (policy: { check: typeof base.check }, ip: string, port: number): boolean => policy.check(ip, port).allowed;

  it('never lets a tunnel come back to our own ports', () => {
    const policy = withoutSelf(base, { addresses: ['127.0.0.1', '::1', 'fe80::1%eth0'], ports: new Set([3128, 443]) });
    expect([allowed(base, '127.0.0.1', 3128), allowed(policy, '127.0.0.1', 3128), allowed(policy, '127.0.0.1', 587), allowed(policy, '1.1.1.1', 443)]).toEqual([true, false, true, true]);
    expect([allowed(anyPort(policy), '127.0.0.1', 3128), policy.allowTargetPorts.has(587)]).toEqual([false, true]);
  });

  it('judges an address for mail as for port 443', () => {
    const policy = anyPort(base);
    expect([allowed(base, '1.1.1.1', 587), allowed(policy, '1.1.1.1', 587), allowed(policy, '1.1.1.1', 25)]).toEqual([false, true, true]);
    expect(['10.0.0.2', '169.254.169.254', '8.8.8.8', '::1', '127.0.0.2', 'x'].filter((ip) => allowed(policy, ip, 587))).toEqual([]);
    expect([allowed(policy, '127.0.0.1', 587), allowed(policy, '127.0.0.1', 588), allowed(policy, '10.0.0.1', 587)]).toEqual([true, false, false]);
  });
});

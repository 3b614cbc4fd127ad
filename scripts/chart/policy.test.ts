import { describe, expect, it } from '@jest/globals';
import { parseDocuments } from './documents.ts';
import { addressRoutes, type Endpoint, matches, policiesOf, portsBetween, showPorts } from './policy.ts';
import { rangesOf, sameRanges } from './ranges.ts';

const pod = (name: string, namespace = 'web'): Endpoint => ({ name, namespace, namespaceLabels: { zone: namespace }, labels: { app: name } });
const [a, b, far] = [pod('a'), pod('b'), pod('b', 'far')] as const;

const policies = (...specs: readonly string[]): ReturnType<typeof policiesOf> =>
  policiesOf(specs.flatMap((spec) => parseDocuments(`{apiVersion: v1, kind: NetworkPolicy, metadata: {name: p}, spec: ${spec}}`)), 'web');

const DENY = '{podSelector: {}, policyTypes: [Ingress, Egress]}';
const OUT = (rule: string): string => `{podSelector: {matchLabels: {app: a}}, policyTypes: [Egress], egress: [${rule}]}`;
const between = (from: Endpoint, to: Endpoint, ...specs: readonly string[]): string => showPorts(portsBetween(policies(...specs), from, to));

describe('portsBetween()', () => {
  it.each([
    ['no policy: open', a, b, [], 'SCTP/1-65535 TCP/1-65535 UDP/1-65535'],
    ['default deny', a, b, [DENY], ''],
    ['egress alone is not enough', a, b, [DENY, OUT('{to: [{podSelector: {}}]}')], ''],
    ['egress to a pod that nothing restricts', a, far, [DENY, OUT('{to: [{namespaceSelector: {}}], ports: [{port: 1}]}')], 'TCP/1'],
    ['a pod selector alone stays in its namespace', a, far, [OUT('{to: [{podSelector: {}}]}')], ''],
    ['both selectors of one peer must fit', a, far, [OUT('{to: [{namespaceSelector: {matchLabels: {zone: far}}, podSelector: {matchLabels: {app: c}}}]}')], ''],
    ['an empty list of peers is everybody', a, far, [OUT('{to: [], ports: [{port: 5, endPort: 7}]}')], 'TCP/5-7'],
    ['policies add up', a, far, [OUT('{ports: [{port: 5}]}'), OUT('{ports: [{port: 6}, {port: 5, protocol: UDP}]}')], 'TCP/5-6 UDP/5'],
    ['an address block is no pod', a, far, [OUT('{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}')], ''],
    ['a policy of another namespace', far, b, [DENY.replace('[Ingress, Egress]', '[Egress]')], 'SCTP/1-65535 TCP/1-65535 UDP/1-65535'],
    ['egress in the policy without policyTypes', a, far, ['{podSelector: {}, egress: [{ports: [{port: 9}]}]}'], 'TCP/9'],
  ])('%s', (_title, from, to, specs, expected) => {
    expect(between(from, to, ...specs)).toBe(expected);
  });

  it('refuses a named port', () => {
    expect(() => between(a, far, OUT('{ports: [{port: http}]}'))).toThrow('named port');
  });
});

describe('addressRoutes()', () => {
  it('cuts the exceptions out', () => {
    const [route] = addressRoutes(policies(OUT('{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/9]}}]}')), a);
    expect(sameRanges(route?.ranges ?? [], rangesOf(['10.128.0.0/9']))).toBe(true);
  });

  it.each([['no policy', []], ['a rule without peers', [OUT('{ports: [{port: 443}]}')]]])('leads everywhere with %s', (_title, specs) => {
    expect(sameRanges(addressRoutes(policies(...specs), a).flatMap(({ ranges }) => ranges), rangesOf(['0.0.0.0/0', '::/0']))).toBe(true);
  });
});

describe('matches()', () => {
  it.each([
    ['In', ['x'], true], ['In', ['y'], false], ['NotIn', ['x'], false], ['NotIn', ['y'], true], ['Exists', [], true], ['DoesNotExist', [], false],
  ])('%s %j', (operator, values, expected) => {
    expect(matches({ matchExpressions: [{ key: 'k', operator, values }] }, { k: 'x' })).toBe(expected);
  });

  it('throws for an operator it does not know', () => {
    expect(() => matches({ matchExpressions: [{ key: 'k', operator: 'Gt', values: ['1'] }] }, { k: '2' })).toThrow('operator');
  });
});

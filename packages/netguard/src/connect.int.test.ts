import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AddressPolicy } from './address-policy.ts';
import { createAddressPolicy } from './address-policy.ts';
import { connectPinned } from './connect.ts';
import type { NameResolver, Resolution } from './resolver.ts';
import { type BareServer, startBare } from './testing/servers.ts';

let server: BareServer;
beforeAll(async () => {
  server = await startBare(undefined, { host: '0.0.0.0' });
});
afterAll(() => server.stop());

const resolverOf = (answer: Resolution): NameResolver => ({ resolve: () => Promise.resolve(answer) });
const answer = (...v4: string[]): NameResolver => resolverOf({ kind: 'answer', v4, v6: [] });
const request = () => ({ host: 'a.origin.example', port: server.port, tls: false, connectMs: 3_000 });
const allowing = (...ips: string[]): AddressPolicy => createAddressPolicy({ unsafeAllowTargets: ips.map((ip) => `${ip}:${server.port}`) });

describe('connectPinned()', () => {
  it('connects to the vetted address and says which it was', async () => {
    const result = await connectPinned(request(), { policy: allowing('127.0.0.3'), resolver: answer('127.0.0.3') });
    if (result.kind !== 'connected') throw new Error(result.detail);
    expect([result.address, result.socket.remoteAddress]).toEqual(['127.0.0.3', '127.0.0.3']);
    result.socket.destroy();
    expect(await server.idle(2_000)).toBe(true);
  });

  it('looks at the other end once more: a policy that changed meanwhile wins', async () => {
    let asked = 0;
    const policy: AddressPolicy = {
      ...allowing('127.0.0.1'),
      check: () => {
        asked += 1;
        return asked === 1 ? { allowed: true, unsafeTarget: true } : { allowed: false, label: 'configured', cidr: '', source: '' };
      },
    };
    const before = server.connections;
    expect(await connectPinned(request(), { policy, resolver: answer('127.0.0.1') })).toMatchObject({ kind: 'deny', code: 'SEKISHO_TARGET_ADDRESS' });
    expect([asked, server.connections - before]).toEqual([2, 1]);
    expect(await server.idle(2_000)).toBe(true);
  });

  it('never asks the resolver for a literal', async () => {
    const resolver: NameResolver = { resolve: () => Promise.reject(new Error('asked')) };
    const denied = await connectPinned({ ...request(), host: '127.0.0.1' }, { policy: allowing('127.0.0.3'), resolver });
    expect(denied).toMatchObject({ kind: 'deny', code: 'SEKISHO_TARGET_ADDRESS' });
    const allowed = await connectPinned({ ...request(), host: '127.0.0.1' }, { policy: allowing('127.0.0.1'), resolver });
    if (allowed.kind !== 'connected') throw new Error(allowed.detail);
    allowed.socket.destroy();
  });

  it.each<[string, Resolution, string, string]>([
    ['unresolved', { kind: 'unresolved', detail: '' }, 'deny', 'SEKISHO_TARGET_UNRESOLVED'],
    ['failed', { kind: 'failed', detail: '' }, 'fault', 'SEKISHO_UPSTREAM_DNS'],
    ['answer', { kind: 'answer', v4: [], v6: [] }, 'deny', 'SEKISHO_TARGET_ADDRESS'],
    ['answer', { kind: 'answer', v4: ['127.0.0.1', '10.0.0.1'], v6: [] }, 'deny', 'SEKISHO_TARGET_ADDRESS'],
    ['answer', { kind: 'answer', v4: ['localhost', '2130706433'], v6: [] }, 'deny', 'SEKISHO_TARGET_ADDRESS'],
  ])('makes of %s %j: %s %s', async (_name, resolution, kind, code) => {
    const before = server.connections;
    expect(await connectPinned(request(), { policy: allowing('127.0.0.1'), resolver: resolverOf(resolution) })).toMatchObject({ kind, code });
    expect(server.connections).toBe(before);
  });
});

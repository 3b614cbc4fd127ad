// SEKISHO_NAT64_PREFIX through the whole fetcher: what the wall says about an address inside a translator's prefix is what it
// says about the IPv4 address in it. No translator runs here, so a target that passes ends as a connection that failed.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Rig, startRig } from './testing/rig.ts';

const zone = {
  'public.origin.example': { aaaa: ['64:ff9b::808:808'] }, 'private.origin.example': { aaaa: ['64:ff9b::a00:1'] },
  'local.origin.example': { aaaa: ['64:ff9b:1:a00:0:100::'] }, 'mixed.origin.example': { aaaa: ['64:ff9b::808:808', '64:ff9b::a9fe:a9fe'] },
  'own.origin.example': { aaaa: ['64:ff9b::34.118.224.1'] },
};
const FAILED = /^fault SEKISHO_UPSTREAM_(?:CONNECT|TIMEOUT)$/;

let on: Rig;
let off: Rig;
beforeAll(async () => {
  on = await startRig({ zone, limits: { connectMs: 400 }, config: { nat64Prefixes: ['64:ff9b::/96', '64:ff9b:1::/48'], denyCidrs: ['34.118.224.0/20'] } });
  off = await startRig({ zone, limits: { connectMs: 400 } });
});
afterAll(async () => {
  await on.stop();
  await off.stop();
});

describe('a translator that is named', () => {
  it.each(['https://public.origin.example/', 'https://[64:ff9b::808:808]/', 'https://[64:ff9b:1:808:8:800::]/'])('lets %s reach the network (positive control)', async (url) => {
    expect(await on.sum(url)).toMatch(FAILED);
  });

  it.each([
    'https://private.origin.example/', 'https://local.origin.example/', 'https://mixed.origin.example/', 'https://own.origin.example/',
    'https://[64:ff9b::10.0.0.1]/', 'https://[64:ff9b::127.0.0.1]/', 'https://[64:ff9b:1:a00:0:100::]/', 'https://[64:ff9b:1:808:8:800::1]/',
  ])('still denies %s', async (url) => {
    expect(await on.sum(url)).toBe('deny SEKISHO_TARGET_ADDRESS');
  });
});

describe('without one', () => {
  it.each(['https://public.origin.example/', 'https://[64:ff9b::808:808]/'])('denies %s', async (url) => {
    expect(await off.sum(url)).toBe('deny SEKISHO_TARGET_ADDRESS');
  });
});

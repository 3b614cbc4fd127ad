// The table of hostile answers on the real Unbound with the real policy.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createAddressPolicy, createResolver, vetAnswer } from '@sekisho/netguard';
import { type HostileZone, startHostileDns, TYPES } from '@sekisho/testkit';
import { addressesIn, type Ask, type Rig, spelled, startChanged, startRig, withUnbound } from './testing/rig.ts';
import { BESIDE, CASES, HINTS } from './testing/hostile-zone.ts';

const ZONE: HostileZone = {
  ...Object.fromEntries([...CASES, ...BESIDE, ...HINTS].map(({ name, behaviour }) => [name, behaviour])),
  'isatap.origin.example': { records: ['@ AAAA 2a00::5efe:7f00:1'] },
  'rebind.origin.example': { alternate: [['@ A 8.8.8.8'], ['@ A 10.0.0.1']] },
  'any.origin.example': { records: ['@ A 10.0.0.1', '@ AAAA fd00::1', '@ TXT x'] },
  'none.origin.example': {},
  'fail.origin.example': { rcode: 'SERVFAIL' },
};

withUnbound('the filter (needs unbound)', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig({ zone: ZONE });
  });
  afterAll(async () => {
    await rig.stop();
  });

  it.each(CASES.map((row) => [row.name, row] as const))('answers %s as it must', async (name, { a = [], aaaa = [] }) => {
    const [v4, v6] = [await rig.ask(name, { tcp: a.length > 20 }), await rig.ask(name, { type: 'AAAA' })];
    expect([addressesIn(v4), addressesIn(v6)]).toEqual([a.toSorted(), aaaa.map(spelled)]);
    // SERVFAIL: a CNAME to an internal name that is in the cache.
    for (const asked of [v4, v6]) expect(['NOERROR', 'NXDOMAIN', ...(/^alias|^step/.test(name) ? ['SERVFAIL'] : [])]).toContain(asked.rcode);
  });

  it('refuses an address as if the name had none, and an internal name as if it did not exist', async () => {
    expect(await rig.ask('one-10-0-0-1.origin.example')).toMatchObject({ rcode: 'NOERROR', answer: [] });
    expect(await rig.ask('dual.origin.example', { type: 'AAAA' })).toMatchObject({ rcode: 'NOERROR', answer: [] });
    expect(await rig.ask('redis.misskey.svc.cluster.local')).toMatchObject({ rcode: 'NXDOMAIN', answer: [] });
    expect(await rig.ask('none.origin.example')).toMatchObject({ rcode: 'NOERROR', answer: [] });
    expect((await rig.ask('nowhere.origin.example')).rcode).toBe('NXDOMAIN');
    expect((await rig.ask('fail.origin.example')).rcode).toBe('SERVFAIL');
  });

  it('refuses one private address among sixty public ones, over TCP and over UDP', async () => {
    const before = rig.dns.tcpQueries;
    for (const over of [{ tcp: true }, {}, { udpBytes: 4_096 }]) expect(addressesIn(await rig.ask('sixty-one.origin.example', over))).toEqual([]);
    expect(rig.dns.tcpQueries).toBeGreaterThan(before);
    expect(addressesIn(await rig.ask('sixty.origin.example', { tcp: true }))).toHaveLength(60);
  });

  it('never asks its upstream for an internal name, whatever leads there', async () => {
    for (const type of ['A', 'AAAA', 'A'] as const) {
      for (const name of ['alias-service.origin.example', 'alias-metadata.origin.example', 'alias-localhost.origin.example', 'redis.misskey.svc.cluster.local']) {
        expect(addressesIn(await rig.ask(name, { type }))).toEqual([]);
      }
    }
    expect(rig.dns.asked.filter((line) => /(?:local|internal|localhost) /.test(line))).toEqual([]);
  });

  it('refuses a name that rebinds from its second answer on', async () => {
    expect(addressesIn(await rig.ask('rebind.origin.example'))).toEqual(['8.8.8.8']);
    for (let turn = 0; turn < 6; turn += 1) expect(addressesIn(await rig.ask('rebind.origin.example'))).not.toContain('10.0.0.1');
  });

  it.each(BESIDE.map(({ type, name }) => [type, name] as const))('hands on no address beside a %s answer', async (type, name) => {
    const asked = await rig.ask(name, { type });
    expect(asked.answer).toHaveLength(1);
    expect([...asked.authority, ...asked.additional].filter((record) => record.type === TYPES.A || record.type === TYPES.AAAA)).toEqual([]);
  });

  it('refuses ANY', async () => {
    expect(await rig.ask('any.origin.example', { type: 'ANY' })).toMatchObject({ rcode: 'NOTIMP', answer: [] });
    expect(rig.dns.asked).not.toContain(`any.origin.example ${TYPES.ANY}`);
  });

  it.each(['1.0.0.10.in-addr.arpa', '1.0.0.127.in-addr.arpa', '254.169.254.169.in-addr.arpa'])('asks nobody whose address %s is', async (name) => {
    const asked = await rig.ask(name, { type: 'PTR' });
    expect(asked.answer.filter(({ value }) => value !== 'localhost')).toEqual([]);
    expect(rig.dns.asked).not.toContain(`${name} ${TYPES.PTR}`);
  });

  it('leaves ISATAP identifiers to the in-process check, which has them', async () => {
    const asked = addressesIn(await rig.ask('isatap.origin.example', { type: 'AAAA' }));
    expect(asked).toEqual(['2a00::5efe:7f00:1']);
    expect(vetAnswer({ v4: [], v6: asked }, createAddressPolicy(), 443).ok).toBe(false);
  });

  it('cannot see into hints: therefore our resolver asks for A and AAAA only', async () => {
    for (const { type, name } of HINTS) expect((await rig.ask(name, { type })).answer).toHaveLength(1);
    rig.dns.set('fresh.origin.example', { records: ['@ A 8.8.8.8', '@ HTTPS 1 . ipv4hint=10.0.0.1'] });
    const answer = await createResolver({ servers: [rig.address], timeoutMs: 4_000 }).resolve('fresh.origin.example');
    expect(answer).toEqual({ kind: 'answer', v4: ['8.8.8.8'], v6: [] });
    expect(rig.dns.asked.filter((line) => line.startsWith('fresh.')).toSorted()).toEqual(['fresh.origin.example 1', 'fresh.origin.example 28']);
  });

  it('logs and counts what it refuses', async () => {
    await rig.ask('one-10-0-0-1.origin.example');
    await rig.ask('metadata.google.internal');
    await rig.ask('hint.origin.example', { type: 'HTTPS' });
    expect(await rig.app.readStats()).toBe(true);
    const metrics = await rig.app.metrics.registry.render();
    const value = (series: string): number => Number(metrics.split('\n').find((line) => line.startsWith(`sekisho_dns_filter_${series} `))?.split(' ')[1]);
    expect(value('refused_answers_total{reason="address"}')).toBeGreaterThan(50);
    expect(value('refused_answers_total{reason="name"}')).toBeGreaterThan(1);
    expect(value('queries_total{type="HTTPS"}')).toBeGreaterThan(0);
    expect(value('queries_total{type="ANY"}')).toBeGreaterThan(0);
    expect(value('answers_total{rcode="NOTIMPL"}')).toBeGreaterThan(0);
    expect(value('upstream_failures_total')).toBeGreaterThan(0);
    expect(value('unbound_up')).toBe(1);
    expect(rig.lines).toContainEqual(expect.objectContaining({ msg: 'dns answer refused', level: 'info', rule: '10.0.0.0/8', action: 'nodata', host: 'one-10-0-0-1.origin.example', type: 'A' }));
  });

  it('is a wall of its own: behind it no private name has an address, whatever the policy says', async () => {
    const resolver = createResolver({ servers: [rig.address], timeoutMs: 4_000 });
    const everything = createAddressPolicy({ unsafePublicCidrs: ['0.0.0.0/0', '::/0'] });
    let refused = 0;
    for (const { name, a = [], aaaa = [] } of CASES) {
      const answer = await resolver.resolve(name);
      const vetted = answer.kind === 'answer' ? vetAnswer(answer, everything, 443) : { ok: false as const };
      if (a.length === 0 && aaaa.length === 0) {
        refused += 1;
        expect([name, vetted]).toEqual([name, { ok: false }]);
      } else expect([name, vetted.ok]).toEqual([name, true]);
    }
    expect(refused).toBeGreaterThan(60);
  });
});

withUnbound('the same Unbound without the policy (needs unbound)', () => {
  let stop: () => Promise<void>;
  let ask: Ask;
  beforeAll(async () => {
    const dns = await startHostileDns(ZONE);
    const changed = await startChanged(dns.port, (conf) => conf);
    ask = changed.ask;
    stop = async () => {
      await changed.stop();
      await dns.stop();
    };
  });
  afterAll(async () => {
    await stop();
  });

  const addresses = CASES.flatMap(({ name, behaviour }) => (behaviour.records ?? []).flatMap((text) => {
    const [, type, ip] = /^@ (A|AAAA) (\S+)$/.exec(text) ?? [];
    return type === undefined || ip === undefined || /local|internal/.test(name) ? [] : [[name, type, ip] as const];
  })).filter(([name]) => !name.startsWith('sixty'));

  it('lets every one of these addresses through', async () => {
    expect(addresses.length).toBeGreaterThan(60);
    for (const [name, type, ip] of addresses) {
      const got = addressesIn(await ask(name, { type: type === 'A' ? 'A' : 'AAAA' }));
      expect([name, got.includes(spelled(ip))]).toEqual([name, true]);
    }
  });

  it.each([
    ['alias-private.origin.example', '10.0.0.1'], ['alias-two.origin.example', '10.0.0.1'], ['alias-service.origin.example', '34.118.224.9'],
    ['redis.misskey.svc.cluster.local', '34.118.224.9'], ['alias-metadata.origin.example', '8.8.8.8'], ['alias-localhost.origin.example', '8.8.8.8'],
  ])('lets %s through', async (name, ip) => {
    expect(addressesIn(await ask(name))).toEqual([ip]);
  });

  it('and one private address among sixty', async () => {
    expect(addressesIn(await ask('sixty-one.origin.example', { tcp: true }))).toContain('10.0.0.1');
  });
});

describe('the cases', () => {
  it('are many, and each name is there once', () => {
    expect(CASES.length).toBeGreaterThan(80);
    expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
  });
});

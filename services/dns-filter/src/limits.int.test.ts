// What strangers who choose names can do to the filter itself.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type HostileDns, startHostileDns } from '@sekisho/testkit';
import { addressesIn, type Rig, startChanged, startRig, withUnbound } from './testing/rig.ts';

/** The total of our own resolver is 5 s. */
const ANSWER_MS = 5_000;

withUnbound('limits of the filter (needs unbound)', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig({
      zone: {
        '*.hang.example': { silent: true },
        '*.slow.example': { records: ['@ A 8.8.8.8'], delayMs: 1_200 },
        '*.ok.example': { records: ['@ A 8.8.8.8'] },
        'large.origin.example': { records: Array.from({ length: 200 }, (_, at) => `@ A 8.8.${at}.8`) },
      },
    });
  });
  afterAll(async () => {
    await rig.stop();
  });

  it('answers SERVFAIL in time when the upstream never answers', async () => {
    const asked = await rig.ask('one.hang.example');
    expect(asked.rcode).toBe('SERVFAIL');
    expect(asked.ms).toBeLessThan(ANSWER_MS);
    expect(rig.lines).toContainEqual(expect.objectContaining({ msg: 'dns question failed', level: 'warn', host: 'one.hang.example' }));
  }, 15_000);

  it('answers names whose servers are slow', async () => {
    expect(addressesIn(await rig.ask('one.slow.example'))).toEqual(['8.8.8.8']);
  }, 15_000);

  it('answers other names at once while and after many names hang', async () => {
    const hanging = Array.from({ length: 150 }, (_, at) => rig.ask(`n${at}.hang.example`));
    const times: number[] = [];
    for (let at = 0; at < 25; at += 1) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      const asked = await rig.ask(`n${at}.ok.example`);
      expect([at, asked.rcode]).toEqual([at, 'NOERROR']);
      times.push(asked.ms);
    }
    const ended = await Promise.all(hanging);
    expect(ended.filter(({ rcode }) => rcode === 'SERVFAIL')).toHaveLength(150);
    expect(Math.max(...ended.map(({ ms }) => ms))).toBeLessThan(ANSWER_MS + 500);
    expect(times.toSorted((a, b) => a - b)[12]).toBeLessThan(500);
  }, 60_000);

  it('sends no datagram above 1,232 bytes, whatever the client offers', async () => {
    const asked = await rig.ask('large.origin.example', { udpBytes: 4_096 });
    expect(asked.truncated).toBe(true);
    expect(asked.bytes).toBeLessThanOrEqual(1_232);
    expect(addressesIn(await rig.ask('large.origin.example', { tcp: true }))).toHaveLength(200);
  });
});

withUnbound('the rate limit (needs unbound)', () => {
  it('leaves questions above it without an answer and counts them', async () => {
    const rig = await startRig({ zone: { '*.ok.example': { records: ['@ A 8.8.8.8'] } }, deps: { limits: { clientQueriesPerSecondMax: 20 } } });
    const flood = await Promise.all(Array.from({ length: 200 }, (_, at) => rig.ask(`n${at}.ok.example`, { timeoutMs: 1_500 })));
    const answered = flood.filter(({ rcode }) => rcode !== undefined).length;
    expect(answered).toBeLessThanOrEqual(60);
    await rig.app.readStats();
    expect(await rig.app.metrics.registry.render()).toMatch(/dropped_queries_total\{reason="rate"\} (?:1[4-9]\d|200)/);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect((await rig.ask('later.ok.example')).rcode).toBe('NOERROR');
    await rig.stop();
  }, 30_000);
});

withUnbound('an upstream that is away (needs unbound)', () => {
  it('is told as SERVFAIL, and readiness does not depend on it', async () => {
    const gone = await startHostileDns({});
    await gone.stop();
    const rig = await startRig({ config: { upstreams: [{ address: '127.0.0.1', port: gone.port }] } });
    expect(rig.app.isUp).toBe(true);
    const asked = await rig.ask('a.origin.example');
    expect(asked.rcode).toBe('SERVFAIL');
    expect(asked.ms).toBeLessThan(ANSWER_MS);
    await rig.stop();
  }, 30_000);
});

// Attackers' glue leads to port 53, which only root may listen on.
const asRoot = process.getuid?.() === 0 ? withUnbound : describe.skip;
asRoot('name servers that an answer names (needs unbound and root)', () => {
  const GLUE = '127.0.0.77';
  let upstream: HostileDns;
  let trap: HostileDns;
  beforeAll(async () => {
    upstream = await startHostileDns({
      '*.origin.example': { authority: ['sub.origin.example NS ns.sub.origin.example'], additional: [`ns.sub.origin.example A ${GLUE}`] },
    });
    trap = await startHostileDns({ '*.origin.example': { records: ['@ A 8.8.8.8'] } }, { host: GLUE, port: 53 });
  });
  afterAll(async () => {
    await Promise.all([upstream.stop(), trap.stop()]);
  });

  /** As an authoritative server rather than a forwarder, so that its referrals would be followed. */
  const asStub = (conf: string): string => conf.replace('forward-zone:\n  name: "."\n  forward-first: no', 'stub-zone:\n  name: "origin.example."').replaceAll('forward-addr', 'stub-addr');

  it('are never asked', async () => {
    const { ask, stop } = await startChanged(upstream.port, asStub);
    expect(addressesIn(await ask('a.sub.origin.example'))).toEqual([]);
    expect(upstream.asked.length).toBeGreaterThan(0);
    expect(trap.asked).toEqual([]);
    await stop();
  }, 30_000);

  it('would be asked without do-not-query-address', async () => {
    const { ask, stop } = await startChanged(upstream.port, (conf) => asStub(conf).replaceAll(/ +do-not-query-address: .*\n/g, ''));
    expect(addressesIn(await ask('b.sub.origin.example'))).toEqual(['8.8.8.8']);
    expect(trap.asked.length).toBeGreaterThan(0);
    await stop();
  }, 30_000);
});

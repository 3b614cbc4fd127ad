import { describe, expect, it } from '@jest/globals';
import { type FetchOutcome, LIMITS } from '@sekisho/contracts';
import type { Repriced } from '@sekisho/limiter';
import { systemClock } from '@sekisho/runtime';
import type { JobOutcome } from '../jobs/image-jobs.ts';
import { type TransformDeps, makeMedia, noCost } from './transform.ts';
import type { MediaRequest } from './types.ts';

const id = 'AAAAAAAAAAAAAAAAAAAAAA';
const stored: FetchOutcome = {
  kind: 'stored', sourceId: id, bytes: 1_000, type: 'image/png', width: 1_000, height: 1_000, framesAtLeast: 1, finalOrigin: 'https://a.origin.example',
};
const done: JobOutcome = {
  ok: true,
  reply: { v: 1, jobId: id, ok: true, type: 'image/webp', width: 9, height: 9, frames: 1, bytes: 3, cpuMs: 40, waitMs: 0 },
  body: Buffer.from('abc'),
};
const request: MediaRequest = {
  method: 'GET', url: 'https://a.origin.example/x.png', mode: 'emoji', fallback: false, origin: false,
  range: undefined, ifRange: undefined, ifNoneMatch: undefined, loop: { via: [], cdnLoop: [] },
};

interface World {
  readonly outcome?: FetchOutcome;
  readonly job?: JobOutcome;
  readonly charge?: 'refused';
  readonly line?: 'refused';
  readonly reprice?: Repriced;
  /** Redis did not answer: the charge stays as it was. */
  readonly keepsPrice?: boolean;
  readonly blocked?: string;
  readonly fetchThrows?: boolean;
}

/** Every dependency as a value, every effect as a line in `events`. */
function world(facts: World): { readonly deps: TransformDeps; readonly events: string[] } {
  const events: string[] = [];
  const charge = {
    costMs: 250,
    reprice: async (costMs: number) => {
      events.push(`reprice ${costMs}`);
      if (facts.keepsPrice !== true) charge.costMs = costMs;
      return facts.reprice ?? 'ok';
    },
    settle: async (usedMs: number) => void events.push(`settle ${usedMs}`),
  };
  const deps = {
    source: {
      fetch: async () => {
        events.push('fetch');
        if (facts.fetchThrows === true) throw new Error('boom');
        return { outcome: facts.outcome ?? stored, body: undefined };
      },
    },
    jobs: {
      run: async () => {
        events.push('job');
        return facts.job ?? done;
      },
      takeSource: async () => undefined,
      dropSource: async () => void events.push('drop'),
    },
    lines: {
      enter: async () => {
        if (facts.line === 'refused') return { ok: false, code: 'SEKISHO_LIMIT_LINE', retryAfterS: 5 };
        events.push('slot');
        return { ok: true, slot: { waitedMs: 7, release: () => void events.push('release') } };
      },
    },
    budget: {
      tick: () => undefined,
      open: async () => (facts.charge === 'refused' ? { ok: false, code: 'SEKISHO_LIMIT_CLIENT', retryAfterS: 3 } : { ok: true, charge }),
    },
    isolationKey: Buffer.alloc(32),
    isBlocked: (host: string) => host === facts.blocked,
    clock: systemClock,
    // The rest of each interface is not reached from here.
  } as unknown as TransformDeps;
  return { deps, events };
}

async function make(facts: World, mode: MediaRequest['mode'] = 'emoji') {
  const { deps, events } = world(facts);
  const client = { address: '192.0.2.1', key: '192.0.2.1', net: '192.0.2.0/24' };
  const work = { request: { ...request, mode }, requestId: 'request-1', client, deadlineAtMs: Date.now() + 10_000, limits: LIMITS };
  const cost = noCost();
  const made = await makeMedia(deps, work, cost, new AbortController().signal);
  return { made, events, cost };
}

describe('makeMedia()', () => {
  it('charges, fetches, waits, orders, settles by measured CPU', async () => {
    const { made, events, cost } = await make({});
    expect(made).toMatchObject({ share: true, outcome: { kind: 'picture', type: 'image/webp' } });
    // 60 + 100/MP of decode and 6 of fetch are held; 40 of decode and 6 of fetch are paid.
    expect(events).toEqual(['fetch', 'slot', 'reprice 166', 'job', 'release', 'settle 46']);
    expect(cost).toMatchObject({ chargedMs: 166, usedMs: 46, cpuMs: 40, waitedMs: 7 });
  });

  it('says what is held when Redis has not taken the new price', async () => {
    const { made, cost } = await make({ keepsPrice: true });
    expect(made).toMatchObject({ outcome: { kind: 'picture' } });
    expect(cost).toMatchObject({ chargedMs: 250, usedMs: 46 });
  });

  it('touches nothing when the client cannot pay', async () => {
    const { made, events } = await make({ charge: 'refused' });
    expect(made).toMatchObject({ share: false, outcome: { code: 'SEKISHO_LIMIT_CLIENT', retryAfterS: 3 } });
    expect(events).toEqual([]);
  });

  it.each([
    ['no room in the line', { line: 'refused' as const }, 'SEKISHO_LIMIT_LINE', ['fetch', 'drop', 'settle 6']],
    ['no room for the real price', { reprice: 'refused' as const }, 'SEKISHO_LIMIT_CLIENT', ['fetch', 'slot', 'reprice 166', 'drop', 'release', 'settle 6']],
    ['a charge that is gone', { reprice: 'gone' as const }, 'SEKISHO_REDIS_AWAY', ['fetch', 'slot', 'reprice 166', 'drop', 'release', 'settle 6']],
  ])('gives source, slot and charge back with %s', async (_name, facts, code, expected) => {
    const { made, events } = await make(facts);
    expect(made).toMatchObject({ share: false, outcome: { kind: 'refusal', code } });
    expect(events).toEqual(expected);
  });

  it('shares what depends on the URL alone', async () => {
    const { made, events } = await make({ outcome: { kind: 'fault', code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: 404 } });
    expect(made).toMatchObject({ share: true, outcome: { upstreamStatus: 404 } });
    expect(events).toEqual(['fetch', 'settle 5']);
  });

  it.each(['SEKISHO_UPSTREAM_PAUSED', 'SEKISHO_LIMIT_BYTES', 'SEKISHO_LOOP', 'SEKISHO_REDIS_AWAY'] as const)('never shares %s', async (code) => {
    expect((await make({ outcome: { kind: 'fault', code } })).made.share).toBe(false);
  });

  it('drops a source whose redirect led to a blocked host', async () => {
    const { made, events } = await make({ blocked: 'a.origin.example' });
    expect(made).toMatchObject({ outcome: { code: 'SEKISHO_TARGET_BLOCKED' } });
    expect(events).toEqual(['fetch', 'drop', 'settle 6']);
  });

  it('pays the CPU of a failed decode', async () => {
    const { made, events } = await make({ job: { ok: false, code: 'SEKISHO_IMAGE_CPU', cpuMs: 8_000 } });
    expect(made).toMatchObject({ share: true, outcome: { code: 'SEKISHO_IMAGE_CPU' } });
    expect(events.at(-1)).toBe('settle 8006');
  });

  it('lets the charge of a decode that still runs lapse, so that leaving early gains nothing', async () => {
    const { events } = await make({ job: { ok: false, code: 'SEKISHO_ABORTED', cpuMs: 0, running: true } });
    expect(events).toEqual(['fetch', 'slot', 'reprice 166', 'job', 'release']);
  });

  it('settles when a dependency throws', async () => {
    const { made, events } = await make({ fetchThrows: true });
    expect(made).toMatchObject({ share: false, outcome: { code: 'SEKISHO_INTERNAL' } });
    expect(events).toEqual(['fetch', 'settle 5']);
  });

  it('hands an open stream over with its charge', async () => {
    const outcome: FetchOutcome = { kind: 'stream', status: 200, type: 'video/mp4', finalOrigin: 'https://a.origin.example' };
    const { made, events } = await make({ outcome }, 'asis');
    expect(made.opened).toBeDefined();
    expect(events).toEqual(['fetch']);
  });
});

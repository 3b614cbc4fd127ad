// A decoder pool of one slot whose processes are watched from outside: what they take is read from /proc by the test.

import { readFileSync } from 'node:fs';
import type { DecodeClass, MediaMode } from '@sekisho/contracts';
import { type DecodeOutcome, DecoderPool } from '../../services/image-worker/src/pool/pool.ts';
import type { SpawnDecoder } from '../../services/image-worker/src/sandbox/spawn.ts';

/** The peak is the kernel's own high-water mark, so only what is taken within the last 10 ms of a life can be missed. */
const SAMPLE_MS = 10;
const KiB = 1_024;
/** Somebody waits for longer than any picture may take. */
const WAITS_MS = 100_000;

export interface Picture {
  /** Isolation token: pictures of one token share processes. */
  readonly site: string;
  readonly class: DecodeClass;
  readonly mode: MediaMode;
  readonly body: Buffer;
}

export interface Seen {
  readonly outcome: DecodeOutcome;
  /** `ok` or the code. */
  readonly verdict: string;
  /** Until the slot is free again. */
  readonly ms: number;
  /** Greatest resident memory of any process of the lane meanwhile. */
  readonly rssBytes: number;
}

export class Lane {
  readonly #pool: DecoderPool;
  readonly #pids = new Set<number>();
  readonly #sampler: NodeJS.Timeout;
  #peakBytes = 0;

  /** @param wallMs another limit on the wall's clock than the product's */
  constructor(spawn: SpawnDecoder, wallMs?: number) {
    this.#pool = new DecoderPool({
      slots: 1,
      ...(wallMs === undefined ? {} : { limits: { wallMs } }),
      isolation: 'site',
      spawn: (of) => {
        const spawned = spawn(of);
        if (spawned.process.pid !== undefined) this.#pids.add(spawned.process.pid);
        return spawned;
      },
    });
    this.#sampler = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  async warm(): Promise<boolean> {
    return await this.#pool.warm();
  }

  async decode(picture: Picture): Promise<Seen> {
    this.#peakBytes = 0;
    const { site, ...rest } = picture;
    const beganMs = performance.now();
    const outcome = await this.#pool.decode({ ...rest, isolation: site, remainingMs: WAITS_MS });
    const ms = performance.now() - beganMs;
    this.#sample();
    return { outcome, verdict: outcome.ok ? 'ok' : outcome.code, ms, rssBytes: this.#peakBytes };
  }

  get busy(): number {
    return this.#pool.stats.busy;
  }

  async close(): Promise<void> {
    clearInterval(this.#sampler);
    await this.#pool.close();
  }

  #sample(): void {
    for (const pid of this.#pids) {
      const bytes = residentPeak(pid);
      if (bytes === undefined) this.#pids.delete(pid);
      else this.#peakBytes = Math.max(this.#peakBytes, bytes);
    }
  }
}

/** High-water mark of a process; undefined when it is gone. */
function residentPeak(pid: number): number | undefined {
  try {
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return found === null ? undefined : Number(found[1]) * KiB;
  } catch {
    return undefined;
  }
}

/** Does the work of a list on each lane (or pair of lanes), in the order of the list. */
export async function onLanes<L, T>(lanes: readonly L[], list: readonly T[], work: (lane: L, item: T) => Promise<void>): Promise<void> {
  const waiting = [...list];
  await Promise.all(lanes.map(async (lane) => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(lane, item);
  }));
}

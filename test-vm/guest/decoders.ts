// Decoders started as the product starts them, with its own functions, and what the kernel says of them.

import { readFileSync } from 'node:fs';
import { CLASS_LIMITS } from '@sekisho/contracts';
import { DecoderChild } from '../../services/image-worker/src/pool/child.ts';
import type { ProcessClass } from '../../services/image-worker/src/pool/isolation.ts';
import type { SandboxLayer } from '../../services/image-worker/src/sandbox/layers.ts';
import type { SpawnDecoder, SpawnedDecoder } from '../../services/image-worker/src/sandbox/spawn.ts';

const START_MS = 120_000;
const PICTURE_MS = 120_000;
/** An emulated processor is slow, and slower on a busy machine: seconds of CPU mean nothing here. */
export const PATIENT = { processCpuS: 600 } as const;

export interface Started {
  readonly loaded: boolean;
  /** As the kernel writes it. */
  readonly label: string | undefined;
  /** Layers that the product's check misses. */
  readonly missing: readonly SandboxLayer[];
  readonly stderr: string;
  readonly picture: unknown;
  /** Exit code or signal, after the worker has killed it. */
  readonly end: number | string | null;
}

export interface Start {
  readonly class?: ProcessClass;
  /** A picture that it gets. */
  readonly body?: Buffer;
}

/** One decoder from start to SIGKILL. */
export async function startOne(spawn: SpawnDecoder, { class: of = 'raster', body }: Start = {}): Promise<Started> {
  let spawned: SpawnedDecoder | undefined;
  let end: number | string | null = 'still there';
  const child = new DecoderChild(of, (asked) => {
    spawned = spawn(asked);
    spawned.process.once('exit', (code, signal) => {
      end = signal ?? code;
    });
    // The product kills where its check misses something; here it is to live until it has been looked at.
    return { ...spawned, missingWalls: () => [] };
  }, { startMs: START_MS, hooks: {} });
  const loaded = await child.loaded;
  const pid = child.pid ?? -1;
  const facts = { loaded, label: labelOf(pid), missing: (loaded ? spawned?.missingWalls() : []) ?? [] };
  const picture = loaded && body !== undefined ? await decode(child, body) : undefined;
  child.kill('shutdown');
  await child.whenGone();
  return { ...facts, picture, stderr: child.stderr.slice(0, 500), end };
}

async function decode(child: DecoderChild, body: Buffer): Promise<unknown> {
  const { cpuMs } = CLASS_LIMITS[child.class];
  const run = await child.run({ class: child.class, mode: 'emoji' }, body, { cpuMs: Math.max(cpuMs, PICTURE_MS), wallMs: PICTURE_MS, wallReason: 'wall' });
  if (run.kind === 'end') return run.code;
  return { kind: run.frame.kind, head: run.frame.body.toString('latin1', 0, 12).replaceAll(/[^ -~]/g, '.') };
}

function labelOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/attr/current`, 'latin1').replaceAll(/[\n\0]/g, '');
  } catch {
    return undefined;
  }
}

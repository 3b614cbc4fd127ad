// The one place that starts a decoder.

import { type ChildProcess, spawn } from 'node:child_process';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { CLASS_LIMITS } from '@sekisho/contracts';
import type { ProcessClass } from '../pool/isolation.ts';
import { type ProcessLimits, decoderCommand } from './command.ts';
import { FIRM_LAYERS, LANDLOCK_LAYERS, type SandboxLayer, namesOf } from './layers.ts';
import { DECODER_FOLDER, type DecoderPaths, OPENSSL_CONF, findDecoderPaths } from './paths.ts';
import { type Sandbox, withLayers } from './plan.ts';
import { type AskedWalls, type Walls, missingWalls, readWalls } from './walls.ts';

export interface SpawnedDecoder {
  readonly process: ChildProcess;
  readonly limits: ProcessLimits;
  /** Layers that were asked for and that the running process does not have; all of them when the kernel does not tell. */
  missingWalls(): readonly SandboxLayer[];
}
export type SpawnDecoder = (of: ProcessClass) => SpawnedDecoder;

export interface SpawnOptions {
  readonly sandbox: Sandbox;
  /** All below is for tests. Another script than the decoder; it may be read. */
  readonly script?: string;
  readonly extraPaths?: Partial<DecoderPaths>;
  /** Layers to leave out. The three of Landlock are one rule set and go together. */
  readonly without?: readonly SandboxLayer[];
  readonly extraEnv?: Readonly<Record<string, string>>;
  readonly limits?: Partial<ProcessLimits>;
}

const DECODER = join(DECODER_FOLDER, 'main.cjs');
const FONTS = join(DECODER_FOLDER, 'fonts/fonts.conf');
/** NODE_OPTIONS, proxies and secrets must not reach a process that is meant to be taken over. */
const ENVIRONMENT = {
  OPENSSL_CONF,
  // Two settings of glibc hold a reused process at 84 instead of 123 MB.
  MALLOC_ARENA_MAX: '2',
  MALLOC_TRIM_THRESHOLD_: '131072',
};

/** Starts decoders; an impossible start shows as an `error` or `exit` event of the child. */
export function createSpawn(options: SpawnOptions): SpawnDecoder {
  const { script = DECODER, extraPaths, extraEnv } = options;
  const sandbox = reduced(options.sandbox, options.without ?? []);
  const found = findDecoderPaths();
  const own = readWalls('self');
  return (of) => {
    const limits: ProcessLimits = { ...CLASS_LIMITS[of], ...options.limits };
    const paths = widened(found[of], { run: extraPaths?.run ?? [], read: [...(script === DECODER ? [] : [script]), ...(extraPaths?.read ?? [])] });
    const [program, ...args] = decoderCommand({
      sandbox, limits, paths, script, class: of, node: process.execPath, parentPid: process.pid, parentNice: getPriority(),
    });
    const env = { ...ENVIRONMENT, ...(of === 'svg' ? { FONTCONFIG_FILE: FONTS } : {}), ...extraEnv };
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env, cwd: '/' });
    return { process: child, limits, missingWalls: () => missingOf({ sandbox, limits }, own, child.pid ?? -1) };
  };
}

function missingOf(asked: AskedWalls, own: Walls, pid: number): readonly SandboxLayer[] {
  try {
    return missingWalls(asked, own, readWalls(pid));
  } catch {
    return namesOf(asked.sandbox.layers, true);
  }
}

const widened = (paths: DecoderPaths, more: DecoderPaths): DecoderPaths => ({ run: [...paths.run, ...more.run], read: [...paths.read, ...more.read] });

/** What an environment could do a test tries with `extraEnv`. */
function reduced(sandbox: Sandbox, without: readonly SandboxLayer[]): Sandbox {
  const firm = without.find((layer) => FIRM_LAYERS.includes(layer));
  if (firm !== undefined) throw new Error(`${firm} cannot be left out`);
  const out = new Set(LANDLOCK_LAYERS.some((layer) => without.includes(layer)) ? [...without, ...LANDLOCK_LAYERS] : without);
  return withLayers(sandbox, (layer) => sandbox.layers[layer] && !out.has(layer));
}

// Every attempt once, in real decoders. A filter that kills takes the decoder with it: the rest goes on in a fresh one.

import type { ProcessClass } from '../../services/image-worker/src/pool/isolation.ts';
import type { SandboxLayer } from '../../services/image-worker/src/sandbox/layers.ts';
import type { SpawnDecoder } from '../../services/image-worker/src/sandbox/spawn.ts';
import type { Told } from '../verdict.ts';
import { TakenOver } from './taken-over.ts';
import type { AttackFacts } from './victims.ts';

export interface CampaignOptions {
  readonly spawn: SpawnDecoder;
  readonly class: ProcessClass;
  readonly facts: AttackFacts;
  readonly marker: string;
  readonly names: readonly string[];
  /** Layers that the worker must find missing, no more and no fewer. */
  readonly missing: readonly SandboxLayer[];
  /** Attempts that change the process for all later ones. */
  readonly alone: ReadonlySet<string>;
}

/** One decoder per attempt at most, and some to spare. */
const DECODERS_MAX = 400;

/** `success`, `refused …`, `killed SIGSYS`, `absent`, or `error …` for whatever is none of these. */
export async function runCampaign(options: CampaignOptions): Promise<readonly Told[]> {
  const sibling = new TakenOver(options.spawn, 'raster');
  try {
    await sibling.start(options.missing);
    await sibling.hold(options.marker);
    const facts = { ...options.facts, sibling: sibling.pid, marker: options.marker };
    const together = options.names.filter((name) => !options.alone.has(name));
    const told: Told[] = [];
    for (let rest = together, decoders = 0; rest.length > 0 && decoders < DECODERS_MAX; decoders += 1) {
      told.push(...(await attackOnce({ ...options, facts }, rest)));
      rest = rest.filter((name) => !told.some(({ attempt }) => attempt === name));
    }
    for (const name of options.names.filter((each) => options.alone.has(each))) told.push(...(await attackOnce({ ...options, facts }, [name])));
    if (!(await sibling.decodes())) throw new Error('the decoder beside does not decode any more');
    return told;
  } finally {
    await sibling.stop();
  }
}

async function attackOnce({ spawn, class: of, facts, alone, missing }: CampaignOptions, names: readonly string[]): Promise<readonly Told[]> {
  const decoder = new TakenOver(spawn, of);
  try {
    await decoder.start(missing);
    const { told, endedIn, end } = await decoder.attack(facts, names);
    const isShared = names.some((name) => !alone.has(name));
    // Attempts must not have broken what they are measured in.
    if (end === undefined && isShared && !(await decoder.decodes())) throw new Error(`the decoder does not decode after ${names.join(' ')}`);
    if (endedIn === undefined || told.some(({ attempt }) => attempt === endedIn)) return told;
    return [...told, { attempt: endedIn, verdict: end === 'SIGSYS' ? 'killed SIGSYS' : `error ${end}` }];
  } finally {
    await decoder.stop();
  }
}

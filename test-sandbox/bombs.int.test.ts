// Every hostile picture through the real pool, behind the real walls: it ends in time, within its memory, with the verdict
// that its row names, and the next picture is decoded at once. Good pictures come out with the bytes of a decoder without walls.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CLASS_LIMITS } from '@sekisho/contracts';
import { logoSvg, makePicture } from '@sekisho/testkit';
import { decideSandbox } from '../services/image-worker/src/sandbox/decide.ts';
import { readFacts } from '../services/image-worker/src/sandbox/facts.ts';
import type { Sandbox } from '../services/image-worker/src/sandbox/plan.ts';
import { createSpawn } from '../services/image-worker/src/sandbox/spawn.ts';
import { CORPUS_BOMBS, GOOD_FILES, MADE_BOMBS, type SuiteFile } from './bombs/files.ts';
import { Lane, type Picture, type Seen, onLanes } from './bombs/lane.ts';
import { CORPUS_VERDICTS, MADE_VERDICTS } from './bombs/verdicts.ts';

/** Half of the files each, on machines with two cores. */
const LANES = 2;
const CPU_MS_MAX = 10_000;
const SLOT_MS_MAX = 12_000;
/** A blank decoder is there; on a machine that is busy with other tests its turn may come late. */
const NEXT_MS_MAX = 5_000;
/** Where the question is what comes out, and not when. */
const PATIENT_MS = 60_000;
const MiB = 1_024 * 1_024;
/** Programs, libraries and stacks, which RLIMIT_DATA does not count. */
const MAPPED_BYTES_MAX = 64 * MiB;

const { sandbox: walled } = decideSandbox('best-effort');
const { sandbox: bare } = decideSandbox('best-effort', { ...readFacts(), launcher: undefined });

const opened: Lane[] = [];
async function openLanes(sandbox: Sandbox, count = LANES, wallMs?: number): Promise<Lane[]> {
  const lanes = Array.from({ length: count }, () => new Lane(createSpawn({ sandbox }), wallMs));
  opened.push(...lanes);
  for (const lane of lanes) expect(await lane.warm()).toBe(true);
  return lanes;
}
afterAll(async () => {
  for (const lane of opened) await lane.close();
});

async function withPatience(picture: Picture): Promise<string> {
  const [lane] = await openLanes(walled, 1, PATIENT_MS);
  const { verdict } = (await lane?.decode(picture)) ?? { verdict: 'no lane' };
  await lane?.close();
  return verdict;
}

interface Bombed {
  readonly bomb: Seen;
  readonly verdict: string;
  readonly busyAfter: number;
  readonly next: Seen;
}

async function bombWith(lane: Lane, file: SuiteFile, expected: readonly string[], next: Buffer): Promise<Bombed> {
  const { name, class: of, mode } = file;
  const picture = { site: `bomb ${name}`, class: of, mode, body: await file.bytes() };
  await lane.warm();
  const bomb = await lane.decode(picture);
  const busyAfter = lane.busy;
  // Decoders have a low priority: beside other work the wall's clock can end anything. With patience it ends as it should.
  const late = bomb.verdict === 'SEKISHO_IMAGE_WALL' && !expected.includes(bomb.verdict);
  const verdict = late ? await withPatience(picture) : bomb.verdict;
  return { bomb, verdict, busyAfter, next: await lane.decode({ site: 'good', class: of, mode, body: next }) };
}

it('the walls are there that the suite is about', () => {
  expect(walled.layers).toMatchObject({ no_new_privs: true, limits: true, descriptors: true });
  expect(Object.values(bare.layers).filter(Boolean)).toHaveLength(1);
});

describe.each([
  ['of the test kit', MADE_BOMBS, MADE_VERDICTS],
  ['of the corpus', CORPUS_BOMBS, CORPUS_VERDICTS],
] as const)('bombs %s', (_where, files, verdicts) => {
  if (files.length === 0) {
    it.skip('without a corpus', () => undefined);
    return;
  }
  const results = new Map<string, Bombed>();
  const known = new Map<string, readonly string[]>(Object.entries(verdicts));

  beforeAll(async () => {
    const next = { raster: await makePicture('png-emoji'), svg: Buffer.from(logoSvg()) };
    const lanes = await openLanes(walled);
    await onLanes(lanes, files, async (lane, file) => {
      results.set(file.name, await bombWith(lane, file, known.get(file.name) ?? [], next[file.class === 'svg' ? 'svg' : 'raster']));
    });
    for (const lane of lanes) await lane.close();
  }, 240_000);

  it('have a row each', () => {
    expect(files.map(({ name }) => name).toSorted()).toEqual([...known.keys()].toSorted());
  });

  it.each(files.map((file): [string, SuiteFile] => [file.name, file]))('%s', (name, file) => {
    const result = results.get(name);
    if (result === undefined) throw new Error('was not decoded');
    const { bomb, verdict, busyAfter, next } = result;
    expect(known.get(name)).toContain(verdict);
    expect(bomb.outcome.cpuMs).toBeLessThanOrEqual(CPU_MS_MAX);
    expect(bomb.ms).toBeLessThanOrEqual(SLOT_MS_MAX);
    expect(busyAfter).toBe(0);
    expect(bomb.rssBytes).toBeLessThanOrEqual(CLASS_LIMITS[file.class].dataBytesMax + MAPPED_BYTES_MAX);
    expect(next.verdict).toBe('ok');
    expect(next.ms).toBeLessThanOrEqual(NEXT_MS_MAX);
  });
});

const pairOfLanes = async (): Promise<Lane[]> => [...(await openLanes(walled, 1, PATIENT_MS)), ...(await openLanes(bare, 1, PATIENT_MS))];

describe('good pictures', () => {
  const ways = new Map<string, { readonly walled: Seen; readonly bare: Seen }>();

  beforeAll(async () => {
    const pairs = [await pairOfLanes(), await pairOfLanes()];
    await onLanes(pairs, GOOD_FILES, async ([behind, without], file) => {
      const picture = { site: 'good', class: file.class, mode: file.mode, body: await file.bytes() };
      if (behind !== undefined && without !== undefined) ways.set(file.name, { walled: await behind.decode(picture), bare: await without.decode(picture) });
    });
  }, 120_000);

  it.each(GOOD_FILES.map(({ name }) => name))('%s has the same bytes behind walls and without', (name) => {
    const both = ways.get(name);
    expect([both?.walled.verdict, both?.bare.verdict]).toEqual(['ok', 'ok']);
    if (both?.walled.outcome.ok !== true || !both.bare.outcome.ok) return;
    expect(both.walled.outcome.result).toEqual(both.bare.outcome.result);
    expect(both.walled.outcome.body.equals(both.bare.outcome.body)).toBe(true);
  });
});

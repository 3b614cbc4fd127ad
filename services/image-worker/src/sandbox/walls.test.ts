import { describe, expect, it } from '@jest/globals';
import { CLASS_LIMITS } from '@sekisho/contracts';
import { rlimitsOf } from './command.ts';
import { decoderLabel } from './label.ts';
import type { SandboxLayer } from './layers.ts';
import { type Sandbox, layersBy } from './plan.ts';
import { type Walls, missingWalls, parseLimits, parseStatus, readWalls } from './walls.ts';

const PROFILE = 'image-worker-0123456789ab';
const limits = CLASS_LIMITS.raster;
const sandbox: Sandbox = { mode: 'require', layers: layersBy(() => true), launcher: '/launcher', filter: '/f.bpf', profile: PROFILE };
const own: Walls = { noNewPrivs: true, seccompMode: 2, seccompFilters: 1, rlimits: new Map(), label: { name: PROFILE, mode: 'enforce' } };
const standing: Walls = {
  noNewPrivs: true, seccompMode: 2, seccompFilters: 2, label: { name: decoderLabel(PROFILE), mode: 'enforce' },
  rlimits: parseLimits(limitsText({ ...rlimitsOf(limits) })),
};

function limitsText({ CORE, CPU, DATA, FSIZE, NOFILE }: Readonly<Record<string, number>>, hard = ''): string {
  const line = (name: string, value: number | undefined, unit: string): string => `${name.padEnd(26)}${String(value).padEnd(21)}${(hard === '' ? String(value) : hard).padEnd(21)}${unit}\n`;
  return `Limit                     Soft Limit           Hard Limit           Units     \n${line('Max cpu time', CPU, 'seconds')}${line('Max file size', FSIZE, 'bytes')}${line('Max data size', DATA, 'bytes')}${line('Max stack size', 8_388_608, 'bytes')}${line('Max core file size', CORE, 'bytes')}${line('Max open files', NOFILE, 'files')}`;
}

describe('missingWalls()', () => {
  it('is empty where all stand', () => {
    expect(missingWalls({ sandbox, limits }, own, standing)).toEqual([]);
  });

  it.each<[string, Partial<Walls>, SandboxLayer]>([
    ['may gain privileges', { noNewPrivs: false }, 'no_new_privs'],
    ['has no filter', { seccompMode: 0, seccompFilters: 0 }, 'seccomp'],
    ['has the filter of its container alone', { seccompFilters: 1 }, 'seccomp'],
    ['has the strict mode', { seccompMode: 1 }, 'seccomp'],
    ['has no label', { label: undefined }, 'apparmor'],
    ['has the label of the worker', { label: { name: PROFILE, mode: 'enforce' } }, 'apparmor'],
    ['has the decoder\'s profile without the worker\'s', { label: { name: `${PROFILE}//decoder`, mode: 'enforce' } }, 'apparmor'],
    ['has a profile that only complains', { label: { name: decoderLabel(PROFILE), mode: 'complain' } }, 'apparmor'],
    ['has one profile that only complains', { label: { name: decoderLabel(PROFILE), mode: 'mixed' } }, 'apparmor'],
    ['has no limits', { rlimits: new Map() }, 'limits'],
    ['may use more memory', { rlimits: parseLimits(limitsText({ ...rlimitsOf(limits), DATA: limits.dataBytesMax + 1 })) }, 'limits'],
    ['may raise its limits', { rlimits: parseLimits(limitsText({ ...rlimitsOf(limits) }, 'unlimited')) }, 'limits'],
  ])('tells of a decoder that %s', (_name, change, layer) => {
    expect(missingWalls({ sandbox, limits }, own, { ...standing, ...change })).toEqual([layer]);
    // And of nothing that was not asked for.
    expect(missingWalls({ sandbox: { ...sandbox, layers: layersBy((of) => of !== layer) }, limits }, own, { ...standing, ...change })).toEqual([]);
  });
});

describe('parseStatus()', () => {
  it('reads what the kernel writes', () => {
    expect(parseStatus('Name:\tnode\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\nSpeculation_Store_Bypass:\tvulnerable\n')).toEqual({ noNewPrivs: true, seccompMode: 2, seccompFilters: 3 });
  });
  it('takes for missing what is not there', () => {
    expect(parseStatus('Name:\tNoNewPrivs:\t1\n')).toEqual({ noNewPrivs: false, seccompMode: 0, seccompFilters: 0 });
  });
});

describe('readWalls()', () => {
  it('reads this process, which has none', () => {
    expect(readWalls('self')).toMatchObject({ seccompMode: expect.any(Number), noNewPrivs: expect.any(Boolean) });
    expect(readWalls(process.pid)).toEqual(readWalls('self'));
  });
  it('throws for a process that is not there', () => {
    expect(() => readWalls(2 ** 31 - 1)).toThrow('ENOENT');
  });
});

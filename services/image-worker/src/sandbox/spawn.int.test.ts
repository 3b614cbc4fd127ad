// What createSpawn() says of a decoder it has started, where the kernel tells and where it does not.

import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { decideSandbox } from './decide.ts';
import { FIRM_LAYERS, LANDLOCK_LAYERS, namesOf } from './layers.ts';
import { createSpawn } from './spawn.ts';

const { sandbox } = decideSandbox('require');

describe('createSpawn()', () => {
  it('misses no wall of a decoder that is loaded, and every one of a process that nobody can look at any more', async () => {
    const { process: child, missingWalls } = createSpawn({ sandbox })('raster');
    const over = once(child, 'exit');
    if (child.stdout !== null) await once(child.stdout, 'data');
    expect(missingWalls()).toEqual([]);
    child.kill('SIGKILL');
    await over;
    expect(missingWalls()).toEqual(namesOf(sandbox.layers, true));
  }, 20_000);

  it.each(LANDLOCK_LAYERS)('leaves out all of Landlock with %s: it is one rule set', async (layer) => {
    const { process: child } = createSpawn({ sandbox, without: [layer] })('raster');
    const over = once(child, 'exit');
    child.kill('SIGKILL');
    await over;
    expect(child.spawnargs.filter((argument) => ['--landlock', '--read', '--run'].includes(argument))).toEqual([]);
    expect(child.spawnargs).toContain('--filter');
  });

  it.each(FIRM_LAYERS)('does not leave out %s', (layer) => {
    expect(() => createSpawn({ sandbox, without: [layer] })).toThrow(`${layer} cannot be left out`);
  });
});

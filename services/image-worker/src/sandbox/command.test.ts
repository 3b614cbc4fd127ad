import { describe, expect, it } from '@jest/globals';
import { CLASS_LIMITS } from '@sekisho/contracts';
import { type Order, decoderCommand } from './command.ts';
import { type Sandbox, layersBy } from './plan.ts';

const sandbox: Sandbox = { mode: 'require', layers: layersBy(() => true), launcher: '/launcher', filter: '/f.bpf', profile: 'image-worker-0123456789ab' };
const order: Order = {
  sandbox, limits: CLASS_LIMITS.svg, paths: { run: ['/node', '/ld.so'], read: ['/libc', '/with space'] }, node: '/node', script: '/main.cjs', class: 'svg', parentPid: 42, parentNice: 0,
};

describe('decoderCommand()', () => {
  it('asks the launcher for every wall', () => {
    expect(decoderCommand(order)).toEqual([
      '/launcher', '--parent', '42', '--nice', '10',
      '--limit', 'CORE=0', '--limit', 'CPU=4', '--limit', 'DATA=536870912', '--limit', 'FSIZE=0', '--limit', 'NOFILE=64',
      '--stack', 'image-worker-0123456789ab//decoder',
      '--landlock', '--run', '/node', '--run', '/ld.so', '--read', '/libc', '--read', '/with space',
      '--filter', '/f.bpf', '--', '/node', '--jitless', '/main.cjs', 'svg',
    ]);
  });

  it('asks for no wall that is not planned', () => {
    const bare: Sandbox = { ...sandbox, layers: layersBy(() => false), filter: undefined, profile: undefined };
    expect(decoderCommand({ ...order, sandbox: bare })).toEqual(['/launcher', '--parent', '42', '--nice', '10', '--', '/node', '--jitless', '/main.cjs', 'svg']);
  });

  it('is node itself without a launcher', () => {
    expect(decoderCommand({ ...order, sandbox: { ...sandbox, launcher: undefined } })).toEqual(['/node', '--jitless', '/main.cjs', 'svg']);
  });

  it.each([[-5, '10'], [0, '10'], [5, '15'], [15, '19']])('below a worker at priority %s it runs at %s', (parentNice, nice) => {
    expect(decoderCommand({ ...order, parentNice })[4]).toBe(nice);
  });
});

import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { createLogger } from '@sekisho/runtime';
import { FakeClock } from '@sekisho/testkit/clock';
import { until } from '@sekisho/testkit/until';
import type { Child } from './process.ts';
import { createSupervisor, type SupervisorOptions } from './supervisor.ts';

/** A child that a test ends. */
function fakeChild(): Child & { end(why: string): void; readonly signals: string[] } {
  const { promise, resolve } = Promise.withResolvers<string>();
  const signals: string[] = [];
  return {
    ended: promise, end: resolve, signals,
    kill: () => {
      signals.push('KILL');
      resolve('was ended by SIGKILL');
    },
    stop: async () => {
      signals.push('TERM');
      resolve('was ended by SIGTERM');
    },
  };
}

function setUp(over: Partial<SupervisorOptions> = {}) {
  const children: ReturnType<typeof fakeChild>[] = [];
  const clock = new FakeClock();
  const counts = { restarts: 0, givenUp: 0 };
  const supervisor = createSupervisor({
    start: () => {
      const child = fakeChild();
      children.push(child);
      return child;
    },
    isReady: async () => true, look: async () => true, onLine: () => undefined, onRestart: () => (counts.restarts += 1), onGiveUp: () => (counts.givenUp += 1),
    log: createLogger({ service: 'x', level: 'error', destination: new PassThrough().resume() }), clock, times: { askMs: 1, lookMs: 1 }, ...over,
  });
  return { supervisor, children, clock, counts };
}

describe('createSupervisor()', () => {
  it('starts a fallen child again after the back-off, not before', async () => {
    const { supervisor, children, clock, counts } = setUp();
    await supervisor.start();
    expect(supervisor.isUp).toBe(true);
    children[0]?.end('ended with status 1');
    await until(() => clock.sleepers === 1);
    expect(supervisor.isUp).toBe(false);
    await clock.advance(249);
    expect(children).toHaveLength(1);
    await clock.advance(1);
    await until(() => supervisor.isUp);
    expect([children.length, counts.restarts]).toEqual([2, 1]);
    await supervisor.stop();
    expect(children[1]?.signals).toEqual(['TERM']);
  });

  it('starts nothing when it is stopped during the back-off', async () => {
    const { supervisor, children, clock } = setUp();
    await supervisor.start();
    children[0]?.end('ended with status 1');
    await until(() => clock.sleepers === 1);
    await supervisor.stop();
    await clock.advance(60_000);
    expect(children).toHaveLength(1);
  });

  it('kills a child at its third look in a row that fails', async () => {
    const looks = [false, false, true, false, false, false];
    const { supervisor, children, clock } = setUp({ look: async () => looks.shift() ?? true });
    await supervisor.start();
    await until(() => clock.sleepers === 1);
    expect(children[0]?.signals).toEqual(['KILL']);
    expect(looks).toEqual([]);
    await supervisor.stop();
  });

  it('gives up once', async () => {
    const { supervisor, children, clock, counts } = setUp();
    await supervisor.start();
    for (let turn = 0; turn < 6; turn += 1) {
      children.at(-1)?.end('ended with status 1');
      if (turn === 5) break;
      await until(() => clock.sleepers === 1);
      await clock.advance(4_000);
      await until(() => supervisor.isUp);
    }
    await until(() => counts.givenUp === 1);
    expect(children).toHaveLength(6);
    await supervisor.stop();
  });

  it('tells why the first child did not get ready', async () => {
    const { supervisor } = setUp({
      start: (onLine) => {
        const child = fakeChild();
        for (const line of ['one', 'two', 'three', 'four']) onLine(line);
        child.end('ended with status 7');
        return child;
      },
    });
    await expect(supervisor.start()).rejects.toThrow('unbound ended with status 7: two; three; four');
  });
});

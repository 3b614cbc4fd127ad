import { describe, expect, it } from '@jest/globals';
import { DEFAULT_GATEWAY_LIMITS } from '../limits-file/limits.ts';
import { type LineAnswer, type Slot, createLines } from './lines.ts';

const never = new AbortController().signal;
const slotOf = (answer: LineAnswer): Slot => {
  if (!answer.ok) throw new Error(answer.code);
  return answer.slot;
};

describe('createLines()', () => {
  it('lets two jobs per slot run, and one less than the slots per client', async () => {
    const lines = createLines({ slots: 3 });
    const slots = await Promise.all(['a', 'a', 'b', 'b', 'c', 'c'].map(async (key) => slotOf(await lines.enter(key, never))));
    const late = lines.enter('d', never);
    const own = lines.enter('a', never);
    expect([lines.running, lines.waiting]).toEqual([6, 2]);
    slots[2]!.release();
    slots[2]!.release();
    slotOf(await late).release();
    expect([lines.running, lines.waiting]).toEqual([5, 1]); // a slot is free, but not for a third entry of client a
    slots[0]!.release();
    slotOf(await own).release();
    for (const slot of slots) slot.release();
    expect([lines.running, lines.waiting]).toEqual([0, 0]);
  });

  it('refuses the entry above the line, and an aborted one at once', async () => {
    const lines = createLines({ slots: 1, settings: () => ({ ...DEFAULT_GATEWAY_LIMITS.line, entriesMax: 1 }) });
    const abort = new AbortController();
    const first = slotOf(await lines.enter('a', never));
    const waiting = lines.enter('a', abort.signal);
    expect(await lines.enter('a', never)).toMatchObject({ ok: false, code: 'SEKISHO_LIMIT_LINE' });
    abort.abort();
    expect(await waiting).toMatchObject({ ok: false, code: 'SEKISHO_ABORTED' });
    expect(await lines.enter('a', abort.signal)).toMatchObject({ ok: false, code: 'SEKISHO_ABORTED' });
    first.release();
    expect([lines.running, lines.waiting]).toEqual([0, 0]);
  });

  it('refuses a head that waited too long while all slots are busy', async () => {
    const seen: number[] = [];
    const lines = createLines({ slots: 1, settings: () => ({ ...DEFAULT_GATEWAY_LIMITS.line, headWaitMs: 50 }), hooks: { waited: (seconds) => seen.push(seconds) } });
    const busy = [slotOf(await lines.enter('a', never)), slotOf(await lines.enter('b', never))];
    expect(await lines.enter('c', never)).toMatchObject({ ok: false, code: 'SEKISHO_LIMIT_QUEUE' });
    expect(seen).toHaveLength(3);
    expect(seen[2]).toBeGreaterThan(0.05);
    for (const slot of busy) slot.release();
  });

  it('refuses everybody when it closes', async () => {
    const lines = createLines({ slots: 1 });
    const running = slotOf(await lines.enter('a', never));
    const waiting = lines.enter('a', never);
    lines.close();
    expect(await waiting).toMatchObject({ ok: false, code: 'SEKISHO_SHUTTING_DOWN' });
    expect(await lines.enter('a', never)).toMatchObject({ ok: false, code: 'SEKISHO_SHUTTING_DOWN' });
    running.release();
    expect(lines.running).toBe(0);
  });
});

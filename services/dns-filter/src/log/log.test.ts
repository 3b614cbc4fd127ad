import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { createLogger } from '@sekisho/runtime';
import { FakeClock } from '@sekisho/testkit/clock';
import fc from 'fast-check';
import { LINES_PER_SECOND_MAX, logForwarder } from './forward.ts';
import { LINE_BYTES_MAX, splitLines } from './lines.ts';
import { parseLogLine } from './message.ts';

const split = async (chunks: readonly string[]): Promise<string[]> => {
  const lines: string[] = [];
  const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  splitLines(stream, (line) => lines.push(line));
  await new Promise((resolve) => stream.once('end', resolve));
  await new Promise((resolve) => setImmediate(resolve));
  return lines;
};

describe('splitLines()', () => {
  it('joins chunks and keeps the last line without an end', async () => {
    expect(await split(['a', 'b\nc\n\nd', 'e'])).toEqual(['ab', 'c', 'de']);
  });

  it('cuts a line that is too long and goes on with the next', async () => {
    const lines = await split(['x'.repeat(3_000), 'x'.repeat(3_000_000), 'y\nnext\n']);
    expect(lines.map((line) => line.length)).toEqual([LINE_BYTES_MAX, 4]);
  });

  it('gives the same lines however they are cut', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.constantFrom('a', 'bc', '\n', '\n\n', 'é'), { maxLength: 12 }), async (chunks) => {
      expect(await split(chunks)).toEqual(chunks.join('').split('\n').filter(Boolean));
    }), { numRuns: 50 });
  });
});

const PREFIX = '[1795566839] unbound[17310:0]';

describe('parseLogLine()', () => {
  it.each([
    ['info: rpz: applied [sekisho] 10.0.0.0/8 rpz-nodata 127.0.0.1@53865 Ten.Origin.example. A IN', 'info', 'dns answer refused', { rule: '10.0.0.0/8', action: 'nodata', host: 'ten.origin.example', type: 'A' }],
    ['info: rpz: applied [sekisho] *.internal. rpz-nxdomain 127.0.0.1@34128 metadata.google.internal. AAAA IN', 'info', 'dns answer refused', { rule: '*.internal.', action: 'nxdomain', host: 'metadata.google.internal', type: 'AAAA' }],
    ['error: SERVFAIL <hang.origin.example. A IN>: all the configured stub or forward servers failed, at zone .', 'warn', 'dns question failed', { host: 'hang.origin.example', type: 'A', detail: 'all the configured stub or forward servers failed, at zone .' }],
    ['info: start of service (unbound 1.17.1).', 'info', 'unbound', { detail: 'start of service (unbound 1.17.1).' }],
    ['notice: init module 0: respip', 'debug', 'unbound', { detail: 'init module 0: respip' }],
    ['info: server stats for thread 0: 4 queries', 'debug', 'unbound', { detail: 'server stats for thread 0: 4 queries' }],
    ["warning: setrlimit: Operation not permitted", 'warn', 'unbound', { detail: 'setrlimit: Operation not permitted' }],
    ["error: can't bind socket: Address already in use", 'error', 'unbound', { detail: "can't bind socket: Address already in use" }],
    ['fatal error: could not open ports', 'error', 'unbound', { detail: 'could not open ports' }],
  ])('reads %s', (text, level, message, fields) => {
    expect(parseLogLine(`${PREFIX} ${text}`)).toEqual({ level, message, fields });
  });

  it('warns of a line that Unbound did not write', () => {
    expect(parseLogLine('error while loading shared libraries')).toEqual({ level: 'warn', message: 'unbound', fields: { detail: 'error while loading shared libraries' } });
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseLogLine(`${PREFIX} info: rpz: applied ${text}`)));
  });
});

describe('logForwarder()', () => {
  it('forwards so many lines a second and counts the rest', async () => {
    const clock = new FakeClock();
    const sink = new PassThrough();
    let text = '';
    sink.on('data', (chunk: Buffer) => void (text += chunk.toString()));
    let dropped = 0;
    const forward = logForwarder({ log: createLogger({ service: 'x', level: 'debug', destination: sink }), clock, onDropped: () => (dropped += 1) });
    for (let at = 0; at < LINES_PER_SECOND_MAX + 10; at += 1) forward(`${PREFIX} info: line ${at}`);
    expect(dropped).toBe(10);
    await clock.advance(1_000);
    forward(`${PREFIX} info: later`);
    expect(dropped).toBe(10);
    await new Promise((resolve) => setImmediate(resolve));
    expect(text.split('\n').filter(Boolean)).toHaveLength(LINES_PER_SECOND_MAX + 1);
    expect(text).toContain('later');
  });
});

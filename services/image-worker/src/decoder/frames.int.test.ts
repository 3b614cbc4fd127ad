// The decoder's own end of the pipe: what is no job ends the process, without an answer.

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { FRAME_BODY_IN_BYTES_MAX, FRAME_HEADER_BYTES, FRAME_JSON_BYTES_MAX, encodeFrameHeader } from '@sekisho/contracts';
import { encodePng, paint } from '@sekisho/testkit';

const DECODER = join(import.meta.dirname, 'main.cjs');
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Ended { readonly code: number | null; readonly kinds: readonly number[]; readonly json: readonly string[] }

/** Writes the bytes, closes the pipe, and tells the frames that came back. */
async function feed(bytes: Buffer, of = 'raster'): Promise<Ended> {
  const child = spawn(process.execPath, ['--jitless', DECODER, of], { stdio: ['pipe', 'pipe', 'ignore'], env: {} });
  children.push(child);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(bytes);
  const code = await new Promise<number | null>((resolve) => void child.once('close', resolve));
  const kinds: number[] = [];
  const json: string[] = [];
  const all = Buffer.concat(chunks);
  for (let at = 0; at + FRAME_HEADER_BYTES <= all.length;) {
    const [jsonBytes, bodyBytes] = [all.readUInt32LE(at + 12), all.readUInt32LE(at + 16)];
    kinds.push(all.readUInt32LE(at + 8));
    json.push(all.toString('utf8', at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + jsonBytes));
    at += FRAME_HEADER_BYTES + jsonBytes + bodyBytes;
  }
  return { code, kinds, json };
}

const png = encodePng(paint(8, 8, 3));
interface Parts { readonly kind?: 'ready' | 'job' | 'result'; readonly text?: string; readonly body?: Buffer; readonly jsonBytes?: number; readonly bodyBytes?: number }
function jobOf({ kind = 'job', text = '{"class":"raster","mode":"emoji"}', body = png, ...lengths }: Parts = {}): Buffer {
  const json = Buffer.from(text);
  return Buffer.concat([encodeFrameHeader({ kind, seq: 1, jsonBytes: json.length, bodyBytes: body.length, ...lengths }), json, body]);
}
const flipped = (at: number): Buffer => {
  const bytes = jobOf();
  bytes[at] = (bytes[at] ?? 0) ^ 0x80;
  return bytes;
};

const READY = 0;
const RESULT = 2;
const REFUSAL = 3;

describe('a decoder', () => {
  it('answers a job, and ends at the end of its pipe', async () => {
    expect(await feed(jobOf())).toMatchObject({ code: 0, kinds: [READY, RESULT] });
    expect(await feed(Buffer.concat([jobOf(), jobOf()]))).toMatchObject({ code: 0, kinds: [READY, RESULT, RESULT] });
  });

  it.each<[string, Buffer]>([
    ['another magic', flipped(0)],
    ['an unknown kind', flipped(8)],
    ['bits in the zeros behind the kind', flipped(10)],
    ['an answer', jobOf({ kind: 'result' })],
    ['a ready', jobOf({ kind: 'ready' })],
    ['too long a JSON', jobOf({ jsonBytes: FRAME_JSON_BYTES_MAX + 1 })],
    ['a JSON of 4 GiB', jobOf({ jsonBytes: 0xffff_ffff })],
    ['too long a body', jobOf({ bodyBytes: FRAME_BODY_IN_BYTES_MAX + 1 })],
    ['a body of 4 GiB', jobOf({ bodyBytes: 0xffff_ffff })],
    ['no JSON', jobOf({ text: '' })],
    ['half a JSON', jobOf({ text: '{"class":"raster"' })],
    ['null', jobOf({ text: 'null' })],
    ['a list', jobOf({ text: '[]' })],
    ['a mode that is a list', jobOf({ text: '{"class":"raster","mode":["emoji"]}' })],
    ['no class', jobOf({ text: '{"mode":"emoji"}' })],
    ['a class of another process', jobOf({ text: '{"class":"svg","mode":"emoji"}' })],
    ['deep nesting', jobOf({ text: '['.repeat(FRAME_JSON_BYTES_MAX) })],
    ['text', Buffer.from('GET / HTTP/1.1\r\nHost: decoder\r\n\r\n')],
  ])('ends with an error on %s', async (_what, bytes) => {
    expect(await feed(bytes)).toMatchObject({ code: 1, kinds: [READY] });
  });

  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['half a header', jobOf().subarray(0, 10)],
    ['half a JSON', jobOf().subarray(0, 30)],
    ['half a body', jobOf().subarray(0, 80)],
  ])('says nothing when its pipe ends after %s', async (_what, bytes) => {
    expect(await feed(bytes)).toMatchObject({ code: 0, kinds: [READY] });
  });

  it.each(['__proto__', 'constructor', 'toString', '', 'EMOJI', 'emoji '])('refuses the mode %j', async (mode) => {
    expect(await feed(jobOf({ text: JSON.stringify({ class: 'raster', mode }) }))).toMatchObject({ kinds: [READY, REFUSAL], json: ['{}', '{"reason":"type"}'] });
  });

  it('for SVG takes no other job', async () => {
    expect(await feed(jobOf(), 'svg')).toMatchObject({ code: 1, kinds: [READY] });
  });
});

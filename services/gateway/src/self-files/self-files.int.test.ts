import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type FetchRequest, fetchOutcomeSchema } from '@sekisho/contracts';
import { type MisskeyStub, type MisskeyStubOptions, startMisskeyStub } from '@sekisho/testkit';
import { checkOutcome } from '../fetching/check.ts';
import type { Fetched } from '../fetching/client.ts';
import { type OwnFiles, type SelfFilesOptions, createSelfFiles } from './self-files.ts';

const PUBLIC = 'https://misskey.example';
const SOURCE = 'AAAAAAAAAAAAAAAAAAAAAA';
const never = new AbortController().signal;
// 1 x 1 px.
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const SVG = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>');
const MP4 = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypisom\0\0\0\0isommp42'), Buffer.alloc(200_000, 7)]);
const FILES = {
  png: { body: PNG, type: 'image/png', name: 'one.png' },
  lie: { body: MP4, type: 'image/png' },
  svg: { body: SVG, type: 'image/svg+xml' },
  html: { body: Buffer.from('<!DOCTYPE html><script>1</script>'), type: 'image/png' },
  ogg: { body: Buffer.concat([Buffer.from('OggS\0\x02'), Buffer.alloc(22), Buffer.from('OpusHead'), Buffer.alloc(300)]), type: 'audio/ogg' },
  big: { body: Buffer.concat([PNG, Buffer.alloc(3_000_000)]), type: 'image/png' },
  empty: { body: Buffer.alloc(0), type: 'image/png' },
};

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Setup {
  readonly stub: MisskeyStub;
  readonly files: OwnFiles;
  readonly stored: Map<string, Buffer>;
  ask(key: string, over?: Partial<FetchRequest>): Promise<Fetched>;
}

async function setup(options: Partial<SelfFilesOptions> = {}, stubOptions: MisskeyStubOptions = {}): Promise<Setup> {
  const stub = await startMisskeyStub({ publicUrl: PUBLIC, files: FILES, ...stubOptions });
  const stored = new Map<string, Buffer>();
  const files = createSelfFiles({
    origins: new Map([[PUBLIC, stub.url]]),
    rules: { isOwn: (url) => url.hostname === 'misskey.example', canonicalUrl: (url) => ({ ok: true, url }) },
    storeSource: async (id, bytes) => {
      stored.set(id, bytes);
      return await Promise.resolve(true);
    },
    ...options,
  });
  closers.push(() => stub.close(), () => files.close());
  const ask = async (key: string, over: Partial<FetchRequest> = {}): Promise<Fetched> => {
    const request = requestOf(`${PUBLIC}/files/${key}`, over);
    const answer = await files.fetch(request, { signal: never, deadlineMs: 5_000 });
    if ('redirect' in answer) throw new Error(`redirect to ${answer.redirect}`);
    expect(fetchOutcomeSchema.parse(answer.outcome)).toEqual(answer.outcome);
    expect(checkOutcome(request, answer.outcome)).toBeUndefined();
    return answer;
  };
  return { stub, files, stored, ask };
}

const requestOf = (url: string, over: Partial<FetchRequest> = {}): FetchRequest => ({
  v: 1, requestId: 'request-1', url, want: 'auto', sourceId: SOURCE, loop: { via: ['1.1 a'], cdnLoop: [] },
  limits: { bytesMax: 20 * 1024 * 1024, deadlineMs: 5_000 }, ...over,
});

describe('serves()', () => {
  it.each<[string, boolean]>([
    [`${PUBLIC}/files/a`, true],
    [`${PUBLIC}/files/thumbnail-0b9c.A_1`, true],
    [`${PUBLIC}/files/${'a'.repeat(128)}`, true],
    [`${PUBLIC}/files/${'a'.repeat(129)}`, false],
    [`${PUBLIC}/files/`, false],
    [`${PUBLIC}/files/a?x=1`, false],
    [`${PUBLIC}/files/a#x`, false],
    [`${PUBLIC}/files/a/b`, false],
    [`${PUBLIC}/files/%61`, false],
    [`${PUBLIC}/files/..%2fapi`, false],
    [`${PUBLIC}/files/../api/meta`, false],
    [`${PUBLIC}/api/meta`, false],
    [`${PUBLIC}:8443/files/a`, false],
    ['http://misskey.example/files/a', false],
    ['https://u@misskey.example/files/a', false],
    ['https://other.example/files/a', false],
    ['https://misskey.example.other.example/files/a', false],
    ['rubbish', false],
  ])('%s: %p', async (url, expected) => {
    const { files, stub } = await setup();
    expect(files.serves(url)).toBe(expected);
    if (!expected) await expect(files.fetch(requestOf(url), { signal: never, deadlineMs: 1_000 })).rejects.toMatchObject({ code: 'SEKISHO_LOOP' });
    expect(stub.requests).toEqual([]);
  });
});

describe('fetch()', () => {
  it('stores a picture, asking Misskey for nothing more than the file', async () => {
    const { stub, stored, ask, files } = await setup();
    const { outcome, body } = await ask('png');
    expect(outcome).toEqual({ kind: 'stored', sourceId: SOURCE, bytes: PNG.length, type: 'image/png', width: 1, height: 1, framesAtLeast: 1, fileName: 'one.png', finalOrigin: PUBLIC });
    expect(body).toBeUndefined();
    expect(stored.get(SOURCE)).toEqual(PNG);
    expect(stub.requests[0]).toMatchObject({
      method: 'GET', url: '/files/png',
      rawHeaders: ['host', 'misskey.example', 'connection', 'keep-alive', 'accept-encoding', 'identity', 'x-request-id', 'request-1'],
    });
    expect(files.running).toBe(0);
  });

  it('streams what is no picture, by its bytes', async () => {
    const { ask, files } = await setup();
    const { outcome, body } = await ask('lie');
    expect(outcome).toMatchObject({ kind: 'stream', status: 200, type: 'video/mp4', length: MP4.length, validator: `"lie-${MP4.length}"` });
    expect(files.running).toBe(1);
    expect(await buffer(body!)).toEqual(MP4);
    await new Promise((resolve) => setImmediate(resolve));
    expect(files.running).toBe(0);
    const ogg = await ask('ogg', { want: 'stream' });
    expect(ogg.outcome).toMatchObject({ kind: 'stream', type: expect.stringMatching(/^audio\/(?:ogg|opus)$/) });
    ogg.body?.destroy();
  });

  it('passes ranges', async () => {
    const { ask } = await setup();
    const first = await ask('lie', { want: 'stream', range: 'bytes=0-4095' });
    expect(first.outcome).toMatchObject({ status: 206, type: 'video/mp4', length: 4_096, contentRange: { start: 0, end: 4_095, total: MP4.length } });
    expect(await buffer(first.body!)).toEqual(MP4.subarray(0, 4_096));
    const middle = await ask('lie', { want: 'stream', range: 'bytes=5000-5009' });
    expect(middle.outcome).toMatchObject({ status: 206, length: 10, contentRange: { start: 5_000, end: 5_009, total: MP4.length } });
    expect(await buffer(middle.body!)).toEqual(MP4.subarray(5_000, 5_010));
    expect((await ask('lie', { want: 'stream', range: 'bytes=900000-' })).outcome).toEqual({ kind: 'fault', code: 'SEKISHO_UPSTREAM_RANGE' });
  });

  it.each<[string, string, Partial<FetchRequest>, object]>([
    ['a page that says it is a picture', 'html', {}, { code: 'SEKISHO_TYPE_REFUSED' }],
    ['a page, to transform', 'html', { want: 'store' }, { code: 'SEKISHO_TYPE_NOT_CONVERTIBLE' }],
    ['a video, to transform', 'lie', { want: 'store' }, { code: 'SEKISHO_TYPE_NOT_CONVERTIBLE' }],
    ['an SVG as it is', 'svg', { want: 'stream' }, { code: 'SEKISHO_TYPE_REFUSED' }],
    ['an SVG to store', 'svg', { storeTypes: ['image/svg+xml'] }, { kind: 'stored', type: 'image/svg+xml', width: 4, height: 4 }],
    ['a picture not to store', 'png', { storeTypes: ['image/svg+xml'] }, { kind: 'stream', type: 'image/png', width: 1, height: 1 }],
    ['an unknown key', 'nope', {}, { code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: 404 }],
    ['an empty file', 'empty', {}, { code: 'SEKISHO_TYPE_REFUSED' }],
    ['a picture at the limit', 'big', { limits: { bytesMax: FILES.big.body.length, deadlineMs: 5_000 } }, { kind: 'stored' }],
    ['a picture over the limit', 'big', { limits: { bytesMax: FILES.big.body.length - 1, deadlineMs: 5_000 } }, { code: 'SEKISHO_UPSTREAM_TOO_LARGE' }],
  ])('%s', async (_name, key, over, expected) => {
    const { ask, files } = await setup();
    const { outcome, body } = await ask(key, over);
    expect(outcome).toMatchObject(expected);
    body?.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(files.running).toBe(0);
  });

  it('gives the inner URL of a redirect to our own media route, and refuses every other', async () => {
    const redirects = {
      thumb: `${PUBLIC}/media/static.webp?url=${encodeURIComponent('https://a.origin.example/a.png')}&static=1`,
      twice: `${PUBLIC}/media/?url=${encodeURIComponent(`${PUBLIC}/files/png`)}`,
      api: '/api/meta',
      out: 'https://b.origin.example/',
    };
    const { files, ask, stub } = await setup({}, { redirects });
    expect(await files.fetch(requestOf(`${PUBLIC}/files/thumb`), { signal: never, deadlineMs: 5_000 })).toEqual({ redirect: 'https://a.origin.example/a.png' });
    expect((await ask('twice')).outcome).toEqual({ kind: 'fault', code: 'SEKISHO_LOOP' });
    expect((await ask('api')).outcome).toEqual({ kind: 'fault', code: 'SEKISHO_LOOP' });
    expect((await ask('out')).outcome).toEqual({ kind: 'fault', code: 'SEKISHO_UPSTREAM_REDIRECTS' });
    expect(stub.requests).toHaveLength(4);
  });

  it('holds no more bytes than it may, and takes a refusal of the store', async () => {
    const small = await setup({ heldBytesMax: 1_000 });
    expect((await small.ask('png')).outcome.kind).toBe('stored');
    expect((await small.ask('big')).outcome).toEqual({ kind: 'fault', code: 'SEKISHO_LIMIT_BYTES' });
    const full = await setup({ storeSource: async () => await Promise.resolve(false) });
    expect((await full.ask('png')).outcome).toEqual({ kind: 'fault', code: 'SEKISHO_LIMIT_BYTES' });
  });

  it('ends at its deadline, when the client leaves, and when Misskey is away', async () => {
    const { files, stub, ask } = await setup({ runningMax: 1 });
    stub.redirects.set('slow', '/');
    const leaving = new AbortController();
    const request = requestOf(`${PUBLIC}/files/lie`, { want: 'stream' });
    const open = await files.fetch(request, { signal: leaving.signal, deadlineMs: 5_000 });
    if ('redirect' in open) throw new Error('redirect');
    await expect(files.fetch(request, { signal: never, deadlineMs: 5_000 })).rejects.toMatchObject({ code: 'SEKISHO_LIMIT_FETCHES' });
    const failed = new Promise((resolve) => open.body!.once('error', resolve));
    leaving.abort();
    await failed;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(files.running).toBe(0);
    await expect(files.fetch(request, { signal: leaving.signal, deadlineMs: 5_000 })).rejects.toMatchObject({ code: 'SEKISHO_ABORTED' });
    await expect(files.fetch(request, { signal: never, deadlineMs: 0 })).rejects.toMatchObject({ code: 'SEKISHO_UPSTREAM_TIMEOUT' });
    await stub.close();
    expect((await ask('png')).outcome).toEqual({ kind: 'fault', code: 'SEKISHO_MISSKEY_AWAY', retryAfterS: 5 });
  });
});

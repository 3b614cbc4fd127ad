import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  clientHello, extension, type Handshake, handshake, type HelloParts, HOST, OLD, playHandshake, record, records, RETRY_RANDOM, selected, serverHello, serverNameByOpenssl, serverNames, versions,
} from '../testing/handshakes.ts';
import { createHelloReader, HELLO_BYTES_MAX } from './hello-reader.ts';
import { inspectClient, type Inspected, inspectServer } from './inspect.ts';
import { isGrease, versionName } from './versions.ts';

type Kind = 'client' | 'server';

/** What is said of a stream in these pieces, and the bytes that would go on. */
function read(kind: Kind, pieces: readonly Buffer[], retried = false): { readonly verdict: Inspected<string>; readonly forward: Buffer; readonly pieces: number } {
  const reader = createHelloReader({ expect: kind === 'client' ? 1 : 2 });
  const inspect = (): Inspected<string> => (kind === 'client' ? inspectClient(reader.next(), HOST) : inspectServer(reader.next()));
  if (retried) reader.retry();
  for (const [at, piece] of pieces.entries()) {
    reader.push(piece);
    const verdict = inspect();
    if (verdict.kind !== 'more') return { verdict, forward: reader.takeRead(), pieces: at + 1 };
  }
  return { verdict: { kind: 'more' }, forward: Buffer.alloc(0), pieces: pieces.length };
}

const sum = (verdict: Inspected<string>): string => (verdict.kind === 'refused' ? verdict.code.replace('SEKISHO_EGRESS_', '') : verdict.kind === 'ok' ? `ok ${versionName(verdict.version)}${verdict.retry ? ' retry' : ''}` : verdict.kind);
const readAll = (kind: Kind, bytes: Buffer, retried = false): string => sum(read(kind, [bytes], retried).verdict);
const halves = (bytes: Buffer, at: number): Buffer[] => [bytes.subarray(0, at), bytes.subarray(at)];
const singles = (bytes: Buffer): Buffer[] => [...bytes].map((byte) => Buffer.of(byte));
const hello = (parts: HelloParts = {}): Buffer => record(22, handshake(1, clientHello(parts)));
const answer = (parts: HelloParts = {}): Buffer => record(22, handshake(2, serverHello(parts)), 0x0303);

let tls13: Handshake;
let tls12: Handshake;
let tls11: Handshake;
let retry: Handshake;
beforeAll(async () => {
  tls13 = await playHandshake();
  tls12 = await playHandshake({ maxVersion: 'TLSv1.2' });
  tls11 = await playHandshake({ ...OLD, maxVersion: 'TLSv1.1' }, OLD);
  retry = await playHandshake({ ecdhCurve: 'X25519:P-384' }, { ecdhCurve: 'P-384' });
}, 60_000);

describe('handshakes of real ends', () => {
  it('agree on what they should (control)', () => {
    expect([tls13, tls12, tls11, retry].map(({ protocol, serverName }) => `${protocol} ${serverName}`)).toEqual([`TLSv1.3 ${HOST}`, `TLSv1.2 ${HOST}`, `TLSv1.1 ${HOST}`, `TLSv1.3 ${HOST}`]);
    expect(tls13.client.length).toBeGreaterThan(1_500);
  });

  it('are judged by what they offer and choose', async () => {
    expect([tls13, tls12, tls11].map(({ client }) => readAll('client', client))).toEqual(['ok 1.3', 'ok 1.2', 'CLIENT_VERSION']);
    expect([tls13, tls12, tls11].map(({ server }) => readAll('server', server))).toEqual(['ok 1.3', 'ok 1.2', 'SERVER_VERSION']);
    const permissive = await playHandshake({ ...OLD }, { ...OLD, maxVersion: 'TLSv1.1' });
    expect([permissive.protocol, readAll('client', permissive.client), readAll('server', permissive.server)]).toEqual(['TLSv1.1', 'ok 1.3', 'SERVER_VERSION']);
    expect(readAll('client', (await playHandshake({ servername: 'b.origin.example' })).client)).toBe('SNI');
    expect(readAll('client', (await playHandshake({ servername: '' })).client)).toBe('SNI');
    expect(readAll('client', (await playHandshake({ servername: 'A.Origin.Example.' })).client)).toBe('ok 1.3');
  });

  it('run a retry in two rounds', () => {
    const client = createHelloReader({ expect: 1 });
    client.push(retry.client);
    expect(sum(inspectClient(client.next(), HOST))).toBe('ok 1.3');
    const first = client.takeRead();
    const server = createHelloReader({ expect: 2 });
    server.push(retry.server);
    expect(sum(inspectServer(server.next()))).toBe('ok 1.3 retry');
    const request = server.takeRead();
    client.retry();
    server.retry();
    expect([sum(inspectClient(client.next(), HOST)), sum(inspectServer(server.next()))]).toEqual(['ok 1.3', 'ok 1.3']);
    expect([Buffer.concat([first, client.takeAll()]), Buffer.concat([request, server.takeAll()])]).toEqual([retry.client, retry.server]);
  });

  it.each(['tls13', 'tls12', 'tls11', 'retry'] as const)('give the same at every segment border: %s', (name) => {
    const all = { tls13, tls12, tls11, retry }[name];
    for (const kind of ['client', 'server'] as const) {
      const whole = read(kind, [all[kind]]);
      const bytes = all[kind].subarray(0, whole.forward.length);
      for (let at = 1; at < bytes.length; at += 1) {
        const cut = read(kind, halves(bytes, at));
        expect([sum(cut.verdict), cut.pieces, cut.forward.equals(bytes)]).toEqual([sum(whole.verdict), 2, true]);
      }
      const bytewise = read(kind, singles(bytes));
      expect([sum(bytewise.verdict), bytewise.pieces, bytewise.forward.equals(bytes)]).toEqual([sum(whole.verdict), bytes.length, true]);
    }
  });

  it('never pass when a part is missing', () => {
    for (const { client } of [tls13, tls12]) {
      const length = read('client', [client]).forward.length;
      for (let at = 0; at < length; at += 1) expect(readAll('client', client.subarray(0, at))).toBe('more');
    }
  });
});

describe('ClientHellos', () => {
  it.each<[string, Buffer, string]>([
    ['by hand (control)', hello(), 'ok 1.3'],
    ['records of one byte', records(handshake(1, clientHello()), 1), 'ok 1.3'],
    ['records of 16 bytes', records(handshake(1, clientHello()), 16), 'ok 1.3'],
    ['bytes behind it', Buffer.concat([hello(), record(20, Buffer.of(1)), record(23, Buffer.alloc(50))]), 'ok 1.3'],
    ['GREASE among versions', hello({ extensions: [serverNames(HOST), versions(0x5a5a, 0x0304)] }), 'ok 1.3'],
    ['an unknown extension', hello({ extensions: [extension(0x4a4a, Buffer.alloc(0)), serverNames(HOST)] }), 'ok 1.2'],
    ['no supported_versions and an old field', hello({ legacy: 0x0302, extensions: [serverNames(HOST)] }), 'CLIENT_VERSION'],
    ['the field of SSL 3', hello({ legacy: 0x0300, extensions: [serverNames(HOST)] }), 'CLIENT_VERSION'],
    ['old versions under a new field', hello({ legacy: 0x0304, extensions: [serverNames(HOST), versions(0x0302, 0x0301)] }), 'CLIENT_VERSION'],
    ['only GREASE and drafts', hello({ extensions: [serverNames(HOST), versions(0x0a0a, 0x7f1c)] }), 'CLIENT_VERSION'],
    ['DTLS', hello({ legacy: 0xfefd, extensions: [serverNames(HOST)] }), 'CLIENT_HELLO'],
    ['a trailing dot', hello({ extensions: [serverNames(`${HOST}.`)] }), 'ok 1.2'],
    ['two trailing dots', hello({ extensions: [serverNames(`${HOST}..`)] }), 'SNI'],
    ['another name', hello({ extensions: [serverNames('b.origin.example')] }), 'SNI'],
    ['a longer name', hello({ extensions: [serverNames(`${HOST}.peer.example`)] }), 'SNI'],
    ['a NUL in the name', hello({ extensions: [serverNames(`${HOST}\0.peer.example`)] }), 'CLIENT_HELLO'],
    ['an empty name', hello({ extensions: [serverNames('')] }), 'CLIENT_HELLO'],
    ['an empty list of names', hello({ extensions: [extension(0, Buffer.of(0, 0))] }), 'CLIENT_HELLO'],
    ['two names', hello({ extensions: [serverNames(HOST, 'b.origin.example')] }), 'CLIENT_HELLO'],
    ['the same name twice', hello({ extensions: [serverNames(HOST), serverNames(HOST)] }), 'CLIENT_HELLO'],
    ['a name of another type', hello({ extensions: [extension(0, Buffer.of(0, 4, 1, 0, 1, 97))] }), 'CLIENT_HELLO'],
    ['no name', hello({ extensions: [versions(0x0304)] }), 'SNI'],
    ['no extensions', hello({ extensions: undefined }), 'SNI'],
    ['an encrypted inner hello', hello({ extensions: [serverNames(HOST), extension(0xfe0d, Buffer.alloc(100))] }), 'SNI'],
    ['bytes behind the extensions', hello({ trailer: Buffer.of(0) }), 'CLIENT_HELLO'],
    ['an odd list of suites', hello({ suites: Buffer.of(1, 2, 3) }), 'CLIENT_HELLO'],
    ['no suites', hello({ suites: Buffer.alloc(0) }), 'CLIENT_HELLO'],
    ['no compression method', hello({ compression: Buffer.alloc(0) }), 'CLIENT_HELLO'],
    ['a session id of 33 bytes', hello({ sessionId: Buffer.alloc(33) }), 'CLIENT_HELLO'],
    ['two messages in a record', record(22, Buffer.concat([handshake(1, clientHello()), handshake(1, clientHello())])), 'CLIENT_HELLO'],
    ['a second message in its last record', record(22, Buffer.concat([handshake(1, clientHello()), Buffer.of(1)])), 'CLIENT_HELLO'],
    ['a ServerHello instead', record(22, handshake(2, serverHello())), 'CLIENT_HELLO'],
    ['an alert inside', Buffer.concat([records(handshake(1, clientHello()), 20).subarray(0, 25), record(21, Buffer.of(2, 40))]), 'CLIENT_HELLO'],
    ['data inside', Buffer.concat([records(handshake(1, clientHello()), 20).subarray(0, 25), record(23, Buffer.of(2, 40))]), 'CLIENT_HELLO'],
    ['an empty record inside', Buffer.concat([records(handshake(1, clientHello()), 20).subarray(0, 25), record(22, Buffer.alloc(0))]), 'CLIENT_HELLO'],
    ['an alert first', record(21, Buffer.of(2, 40)), 'NOT_TLS'],
    ['data first', record(23, Buffer.of(1)), 'NOT_TLS'],
    ['a change of ciphers first', Buffer.concat([record(20, Buffer.of(1)), hello()]), 'NOT_TLS'],
    ['a length above 32 KiB', record(22, Buffer.of(1, 0, 0x80, 0)), 'CLIENT_HELLO'],
    ['SSL 2', Buffer.from('802e0100020015000000100100800300800700c0', 'hex'), 'NOT_TLS'],
    ['HTTP', Buffer.from('G'), 'NOT_TLS'], ['SMTP', Buffer.from('E'), 'NOT_TLS'], ['SSH', Buffer.from('S'), 'NOT_TLS'], ['a NUL', Buffer.of(0), 'NOT_TLS'],
    ['another record version', Buffer.of(22, 2), 'NOT_TLS'], ['nothing yet', Buffer.of(22, 3), 'more'],
  ])('%s', (_name, bytes, expected) => {
    expect(readAll('client', bytes)).toBe(expected);
    expect(sum(read('client', singles(bytes)).verdict)).toBe(expected);
  });

  it('stop at 32 KiB, however they are cut', () => {
    const padded = (bytes: number): Buffer => handshake(1, clientHello({ extensions: [serverNames(HOST), extension(21, Buffer.alloc(bytes))] }));
    const most = HELLO_BYTES_MAX - padded(0).length;
    expect([readAll('client', records(padded(most - 100), 16_384)), readAll('client', records(padded(most), 16_384)), readAll('client', records(padded(most + 1), 16_384))]).toEqual(['ok 1.2', 'ok 1.2', 'CLIENT_HELLO']);
    const drip = singles(records(padded(20_000), 1));
    const { verdict, pieces } = read('client', drip);
    expect([sum(verdict), pieces]).toEqual(['CLIENT_HELLO', HELLO_BYTES_MAX + 1]);
  });

  it('after a retry: a dummy record and alerts may come, data may not', () => {
    const dummy = record(20, Buffer.of(1));
    expect([
      readAll('client', Buffer.concat([dummy, hello()]), true), readAll('client', Buffer.concat([dummy, dummy, hello()]), true), readAll('client', record(20, Buffer.of(2)), true),
      readAll('client', record(23, Buffer.of(1)), true), readAll('client', record(21, Buffer.of(2, 47)), true),
      readAll('client', Buffer.concat([dummy, hello({ extensions: [serverNames('b.origin.example')] })]), true),
    ]).toEqual(['ok 1.3', 'CLIENT_HELLO', 'NOT_TLS', 'NOT_TLS', 'alert', 'SNI']);
  });
});

describe('ServerHellos', () => {
  it.each<[string, Buffer, string]>([
    ['1.3 (control)', answer({ extensions: [selected(0x0304)] }), 'ok 1.3'], ['1.2 without extensions', answer(), 'ok 1.2'], ['1.2 with some', answer({ extensions: [extension(23, Buffer.alloc(0))] }), 'ok 1.2'],
    ['1.2 with its certificate', record(22, Buffer.concat([handshake(2, serverHello()), handshake(11, Buffer.alloc(900))])), 'ok 1.2'],
    ['1.1', answer({ legacy: 0x0302 }), 'SERVER_VERSION'], ['1.0', answer({ legacy: 0x0301 }), 'SERVER_VERSION'], ['SSL 3', answer({ legacy: 0x0300 }), 'SERVER_VERSION'],
    ['1.1 by extension', answer({ extensions: [selected(0x0302)] }), 'SERVER_HELLO'], ['1.2 by extension', answer({ extensions: [selected(0x0303)] }), 'SERVER_HELLO'],
    ['1.3 under the field of 1.1', answer({ legacy: 0x0302, extensions: [selected(0x0304)] }), 'SERVER_HELLO'],
    ['a list of versions', answer({ extensions: [versions(0x0304, 0x0303)] }), 'SERVER_HELLO'], ['a retry', answer({ random: RETRY_RANDOM, extensions: [selected(0x0304)] }), 'ok 1.3 retry'],
    ['a retry of 1.2', answer({ random: RETRY_RANDOM }), 'SERVER_HELLO'], ['a retry with another message', record(22, Buffer.concat([handshake(2, serverHello({ random: RETRY_RANDOM, extensions: [selected(0x0304)] })), Buffer.of(2)])), 'SERVER_HELLO'],
    ['a warning before it', Buffer.concat([record(21, Buffer.of(1, 112)), answer()]), 'ok 1.2'], ['a fatal alert', Buffer.concat([record(21, Buffer.of(2, 40)), answer()]), 'alert'], ['the end', record(21, Buffer.of(1, 0)), 'alert'],
    ['a long alert', record(21, Buffer.of(1, 112, 0)), 'SERVER_HELLO'], ['a ClientHello', hello(), 'SERVER_HELLO'], ['data', record(23, Buffer.of(1)), 'SERVER_HELLO'], ['a banner', Buffer.from('220 smtp'), 'SERVER_HELLO'],
    ['HTTP', Buffer.from('H'), 'SERVER_HELLO'], ['a dummy record', record(20, Buffer.of(1)), 'SERVER_HELLO'], ['bytes behind the extensions', answer({ extensions: [], trailer: Buffer.of(1) }), 'SERVER_HELLO'],
  ])('%s', (_name, bytes, expected) => {
    expect(readAll('server', bytes)).toBe(expected);
    expect(sum(read('server', singles(bytes)).verdict)).toBe(expected);
  });

  it('end a flood of warnings', () => {
    expect(readAll('server', Buffer.concat(Array.from({ length: 10_000 }, () => record(21, Buffer.of(1, 112)))))).toBe('SERVER_HELLO');
  });
});

describe('any bytes', () => {
  const noise = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }).map((bytes) => record(22, handshake(1, Buffer.from(bytes)))), fc.uint8Array({ maxLength: 300 }).map((bytes) => record(22, handshake(2, Buffer.from(bytes)))));

  it('never throw, never pass as a hello', () => {
    fc.assert(
      fc.property(noise, fc.constantFrom<Kind>('client', 'server'), fc.boolean(), (bytes, kind, retried) => {
        const verdict = readAll(kind, Buffer.from(bytes), retried);
        if (kind === 'client') expect(verdict).not.toMatch(/^ok/);
      }),
      { numRuns: 3_000 },
    );
  });

  it('in pieces say what they say at once', () => {
    const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 20 });
    fc.assert(
      fc.property(pieces, fc.nat(), (extra, cut) => {
        const bytes = Buffer.concat([hello().subarray(0, cut % 200), ...extra]);
        const once = readAll('client', bytes);
        expect(sum(read('client', halves(bytes, cut % (bytes.length + 1))).verdict)).toBe(once);
        expect(sum(read('client', singles(bytes)).verdict)).toBe(once);
      }),
    );
  });

  it('changed in a real hello: what passes is read by OpenSSL with our name, or not at all', async () => {
    const { client } = tls13;
    const length = read('client', [client]).forward.length;
    let passed = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 }), async (changes) => {
        const bytes = Buffer.from(client.subarray(0, length));
        for (const [at, value] of changes) bytes[at] = value;
        if (!readAll('client', bytes).startsWith('ok')) return;
        passed += 1;
        expect([HOST, undefined]).toContain((await serverNameByOpenssl(bytes))?.toLowerCase().replace(/\.$/, ''));
      }),
      { numRuns: 400 },
    );
    expect(passed).toBeGreaterThan(20);
    expect(await serverNameByOpenssl(client.subarray(0, length))).toBe(HOST);
  }, 60_000);
});

describe('versions', () => {
  it('knows the sixteen GREASE values and no other', () => {
    const found = Array.from({ length: 0x10000 }, (_, value) => value).filter(isGrease);
    expect([found.length, found[0], found[15]]).toEqual([16, 0x0a0a, 0xfafa]);
  });
});

import { createRequire } from 'node:module';
import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { type CavageOptions, signCavage } from '../activitypub/index.ts';
import { parseSignature } from './signature.ts';

interface Parsed {
  readonly params: object;
  readonly signingString: string;
  readonly algorithm: string;
  readonly keyId: string;
}
interface Library {
  parseRequest(request: object, options: object): Parsed;
}
const library = createRequire(import.meta.url)('@peertube/http-signature') as Library;
const body = Buffer.from('{}');
const now = new Date().toUTCString();

const cases: Readonly<Record<string, Partial<CavageOptions> | IncomingHttpHeaders>> = {
  plain: {},
  hs2019: { algorithm: 'hs2019' },
  'hs2019-x': { algorithm: 'hs2019-x' },
  'RSA-SHA1': { algorithm: 'RSA-SHA1' },
  hmac: { algorithm: 'hmac-sha256' },
  md5: { algorithm: 'rsa-md5' },
  'no algorithm': { algorithm: null },
  old: { dateOffsetS: -301 },
  'old, X-Date': { dateOffsetS: -3_600, headers: [['X-Date', now]] },
  'no date': { date: 'never' },
  created: { covered: ['(request-target)', 'host', 'date', '(created)', '(expires)'] },
  'created ahead': { covered: ['(request-target)', 'host', 'date', '(created)'], createdOffsetS: 400 },
  expired: { covered: ['(request-target)', 'host', 'date', '(expires)'], expiresOffsetS: -400 },
  'a header that is absent': { covered: ['(request-target)', 'host', 'date', 'x-absent'] },
  'no host': { covered: ['(request-target)', 'date'] },
  'names in capitals': { template: 'keyId="k",algorithm="rsa-sha256",headers="(Request-Target) Host Date",signature="{signature}"' },
  'keyId twice': { template: 'keyId="a",keyId="b",algorithm="rsa-sha256",headers="(request-target) host date",signature="AAAA"' },
  'a comma at the end': { template: 'keyId="a",algorithm="rsa-sha256",headers="(request-target) host date",signature="AAAA",' },
  'a blank after a comma': { template: 'keyId="a", algorithm="rsa-sha256",headers="(request-target) host date",signature="AAAA"' },
  'no quotes': { template: 'keyId=a,algorithm="rsa-sha256",signature="AAAA"' },
  'empty signature': { template: 'keyId="a",algorithm="rsa-sha256",headers="(request-target) host date",signature=""' },
  nonsense: { template: 'nonsense' },
};

describe('parseSignature()', () => {
  it.each(Object.keys(cases))('reads as the library does: %s', (name) => {
    const request = signCavage({ body, host: 'h', keyId: 'https://a/k', ...(cases[name] as Partial<CavageOptions>) });
    const headers = Object.fromEntries(request.headers.map(([key, value]) => [key.toLowerCase(), value]));
    same(headers);
    // Without Signature the library takes Authorization.
    const { signature, ...rest } = headers;
    same({ ...rest, authorization: `Signature ${signature}` });
  });

  function same(headers: IncomingHttpHeaders): void {
    const ours = parseSignature({ method: 'POST', url: '/inbox', headers });
    let theirs: Parsed | undefined;
    try {
      theirs = library.parseRequest({ method: 'POST', url: '/inbox', headers }, { headers: ['(request-target)', 'host', 'date'], authorizationHeaderName: 'signature' });
    } catch {
      theirs = undefined;
    }
    expect(ours === undefined).toBe(theirs === undefined);
    if (ours === undefined || theirs === undefined) return;
    expect(ours).toMatchObject({ keyId: theirs.keyId, algorithm: theirs.algorithm, signingString: theirs.signingString });
    expect({ ...ours.params }).toMatchObject({ ...theirs.params, ...numbersAsText(theirs.params) });
  }

  const numbersAsText = (params: object): object => Object.fromEntries(Object.entries(params).map(([key, value]: [string, unknown]) => [key, typeof value === 'number' ? String(value) : value]));
});

import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ensureActorKey, ensureSecrets } from './secrets.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-secrets-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('secrets of the local stack', () => {
  it('are made once, for the owner alone', () => {
    const read = (): readonly string[] => [...Object.values(ensureSecrets(folder)), ensureActorKey(folder)].map((path) => {
      expect(statSync(path).mode & 0o777).toBe(0o600);
      return readFileSync(path, 'utf8');
    });
    const first = read();
    expect(new Set(first).size).toBe(4);
    expect(read()).toEqual(first);
  });

  it('have an RSA key for the actor', () => {
    expect(createPrivateKey(readFileSync(ensureActorKey(folder))).asymmetricKeyDetails?.modulusLength).toBe(2_048);
  });
});

// A certificate authority for *.origin.example and *.peer.example, made afresh with the openssl binary: nothing secret is
// ever checked in. One per process.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const OPENSSL_MS = 20_000;
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const NAMES = 'subjectAltName=DNS:*.origin.example,DNS:*.peer.example,IP:127.0.0.1\n';

export interface OriginAuthority {
  /** PEM of the authority. */
  readonly ca: string;
  readonly key: string;
  readonly cert: string;
}

let made: OriginAuthority | undefined;

export function originAuthority(): OriginAuthority {
  made ??= make();
  return made;
}

function make(): OriginAuthority {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-origin-'));
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], timeout: OPENSSL_MS });
  };
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  try {
    openssl('req', '-x509', ...EC, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=test authority');
    writeFileSync(join(folder, 'leaf.ext'), NAMES);
    openssl('req', ...EC, '-keyout', 'leaf.key', '-out', 'leaf.csr', '-subj', '/CN=origin');
    openssl('x509', '-req', '-in', 'leaf.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'leaf.ext', '-out', 'leaf.crt');
    return { ca: read('ca.crt'), key: read('leaf.key'), cert: read('leaf.crt') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

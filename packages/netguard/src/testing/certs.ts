// Certificates for tests, made afresh with the openssl binary in a temporary folder: nothing secret is ever checked in.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestCert {
  readonly key: string;
  readonly cert: string;
}

export interface TestCerts {
  readonly ca: string;
  /** For *.origin.example and 127.0.0.1. */
  readonly good: TestCert;
  /** For other.peer.example only. */
  readonly otherName: TestCert;
  /** For *.origin.example, ended yesterday. */
  readonly expired: TestCert;
  /** For *.origin.example, by an authority that nobody trusts. */
  readonly selfSigned: TestCert;
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export function makeCerts(): TestCerts {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-certs-'));
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], timeout: 20_000 });
  };
  const read = (name: string): TestCert => ({ key: readFileSync(file(`${name}.key`), 'utf8'), cert: readFileSync(file(`${name}.crt`), 'utf8') });
  const leaf = (name: string, names: string, days: string): TestCert => {
    writeFileSync(file(`${name}.ext`), `subjectAltName=${names}\n`);
    openssl('req', ...EC, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', days, '-extfile', `${name}.ext`, '-out', `${name}.crt`);
    return read(name);
  };
  try {
    openssl('req', '-x509', ...EC, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=test authority');
    openssl('req', '-x509', ...EC, '-keyout', 'self.key', '-out', 'self.crt', '-days', '2', '-subj', '/CN=self', '-addext', 'subjectAltName=DNS:*.origin.example');
    return {
      ca: readFileSync(file('ca.crt'), 'utf8'),
      good: leaf('good', 'DNS:*.origin.example,IP:127.0.0.1', '2'),
      otherName: leaf('other', 'DNS:other.peer.example', '2'),
      expired: leaf('expired', 'DNS:*.origin.example', '-1'),
      selfSigned: read('self'),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

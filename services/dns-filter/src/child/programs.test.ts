import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { findPrograms } from './programs.ts';

it('findPrograms() takes the first on the path, and never one relative to the working directory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-programs-'));
  for (const name of ['unbound', 'unbound-checkconf']) writeFileSync(join(folder, name), '');
  expect(findPrograms(`.:${folder}`)).toMatchObject({ unbound: join(folder, 'unbound'), checkconf: join(folder, 'unbound-checkconf') });
  rmSync(folder, { recursive: true });
});

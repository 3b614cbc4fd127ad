import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { KNOWN_MISSKEY_VERSIONS, knownMisskeyVersion, misskeyVersionProblem } from './versions.ts';

describe('knownMisskeyVersion()', () => {
  it('knows what is in the table, with its source', () => {
    expect(KNOWN_MISSKEY_VERSIONS).toContain('2026.3.2');
    for (const version of KNOWN_MISSKEY_VERSIONS) {
      expect(knownMisskeyVersion(version)).toMatchObject({ version, bullmq: expect.stringMatching(/^bullmq:\d+\.\d+\.\d+$/), source: expect.stringContaining('misskey') });
      expect(misskeyVersionProblem(version)).toBeUndefined();
    }
  });

  it('is what the documentation tells', async () => {
    const text = await readFile(new URL('../../../../../docs/inbox-enqueue.md', import.meta.url), 'utf8');
    for (const version of KNOWN_MISSKEY_VERSIONS) expect(text).toContain(`| ${version} | BullMQ ${knownMisskeyVersion(version)?.bullmq.slice('bullmq:'.length)} |`);
  });

  it.each(['2026.3.1', '2026.3.20', '2026.5.4', 'v2026.3.2', '2026.3.2-rc.0', '2026.3.2 ', '2026.3.2-io.1', '*'])('does not know %s, and says what it knows', (version) => {
    expect(knownMisskeyVersion(version)).toBeUndefined();
    expect(misskeyVersionProblem(version)).toMatch(/knows 2026\.3\.2/);
  });

  it.each([undefined, ''])('asks for a version where there is none: %j', (version) => {
    expect(misskeyVersionProblem(version)).toMatch(/must be set.*2026\.3\.2/);
  });
});

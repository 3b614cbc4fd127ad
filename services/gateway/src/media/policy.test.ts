import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { DEFAULT_GATEWAY_LIMITS } from '../limits-file/limits.ts';
import { ENCODING_REVISION, SHARP_VERSION, createMediaPolicy } from './policy.ts';

/** Hash of the decoder's settings for each revision: a change of them without a new revision would serve old pictures for a day. */
const SETTINGS_OF_REVISION: Readonly<Record<number, string>> = { 1: '5bc731ddc843f4bd' };

describe('createMediaPolicy()', () => {
  it('has a revision of its own for the settings that the decoder has', () => {
    const settings: unknown = createRequire(import.meta.url)('../../../image-worker/src/decoder/modes.cjs');
    expect(createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 16)).toBe(SETTINGS_OF_REVISION[ENCODING_REVISION]);
  });

  it('names the sharp that the image-worker has, so that its update empties the caches', () => {
    const worker = JSON.parse(readFileSync(new URL('../../../image-worker/package.json', import.meta.url), 'utf8')) as { dependencies: Record<string, string> };
    expect(worker.dependencies['sharp']).toBe(SHARP_VERSION);
  });

  it('changes with a limit that decides between a picture and a refusal, and with nothing else', () => {
    const policyOf = createMediaPolicy();
    const { media } = DEFAULT_GATEWAY_LIMITS;
    expect(createMediaPolicy()({ ...media })).toBe(policyOf(media));
    expect(policyOf({ ...media, passAnimationSideMax: media.passAnimationSideMax - 1 })).not.toBe(policyOf(media));
    expect(policyOf({ ...media, forbiddenFloorMs: media.forbiddenFloorMs + 1 })).toBe(policyOf(media));
  });
});

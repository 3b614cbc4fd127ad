import { describe, expect, it } from '@jest/globals';
import { decoderLabel, isWorkerProfile, parseLabel } from './label.ts';

const PROFILE = 'image-worker-0123456789ab';

describe('parseLabel()', () => {
  it.each<[string, ReturnType<typeof parseLabel>]>([
    [`${PROFILE} (enforce)\n`, { name: PROFILE, mode: 'enforce' }],
    [`${PROFILE}//&${PROFILE}//decoder (enforce)\n\0`, { name: decoderLabel(PROFILE), mode: 'enforce' }],
    [`${PROFILE}//&${PROFILE}//decoder (mixed)`, { name: decoderLabel(PROFILE), mode: 'mixed' }],
    ['unconfined\n', { name: 'unconfined', mode: undefined }],
    ['a name (with brackets) (complain)\n', { name: 'a name (with brackets)', mode: 'complain' }],
    ['', undefined],
    ['\n', undefined],
    [`${PROFILE} (enforce)\nmore`, undefined],
  ])('reads %j', (text, label) => {
    expect(parseLabel(text)).toEqual(label);
  });
});

describe('isWorkerProfile()', () => {
  it.each([[PROFILE, true], ['image-worker', false], [`${PROFILE}c`, false], [`x${PROFILE}`, false], [`${PROFILE}//decoder`, false], ['image-worker-0123456789AB', false]])('%s: %s', (name, is) => {
    expect(isWorkerProfile({ name, mode: 'enforce' })).toBe(is);
  });
});

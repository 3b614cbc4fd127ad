import { describe, expect, it } from '@jest/globals';
import { PROFILE_PREFIX, apparmorFiles, readTemplate, renderProfile, withName } from './profile.ts';

const TEMPLATE = 'profile @@PROFILE@@ {\n  signal peer=@@PROFILE@@//&@@PROFILE@@//decoder,\n}\n';

describe('renderProfile()', () => {
  it('writes one name everywhere', () => {
    const { name, text } = renderProfile(TEMPLATE);
    expect(name).toMatch(/^image-worker-[0-9a-f]{12}$/);
    expect(text).toBe(`profile ${name} {\n  signal peer=${name}//&${name}//decoder,\n}\n`);
  });

  it('gives other rules another name, and the same rules the same', () => {
    expect(renderProfile(`${TEMPLATE}#`).name).not.toBe(renderProfile(TEMPLATE).name);
    expect(renderProfile(TEMPLATE)).toEqual(renderProfile(TEMPLATE));
  });
});

describe('the profile of the image-worker', () => {
  const template = readTemplate();
  const { name, text } = renderProfile(template);
  const body = text.replaceAll(/^\s*#.*$/gm, '');
  const start = body.indexOf('profile decoder');
  const [worker, decoder] = [body.slice(0, start), body.slice(start)];
  const executable = (rules: string): readonly string[] => rules.split('\n').filter((line) => /^\s*(?:\w+ )?\/\S+ [a-z]*x[a-z]*\b/i.test(line)).map((line) => line.trim());

  it('leaves no placeholder and no name without the hash', () => {
    expect(text).not.toContain('@@');
    expect(body.match(/image-worker(?!-[0-9a-f]{12}|\/)/g)).toBeNull();
    expect(body.match(/image-worker-[0-9a-f]{12}/g)?.every((found) => found === name)).toBe(true);
  });

  it('is what files and prefix say', () => {
    const files = new Map(apparmorFiles().map((file) => [file.path, file.text]));
    expect(files.get('k8s/apparmor/image-worker')).toBe(text);
    expect(files.get('k8s/apparmor/image-worker.name')).toBe(`${name}\n`);
    expect(name.startsWith(PROFILE_PREFIX)).toBe(true);
    expect(withName(template, 'other')).not.toContain(name);
  });

  it('lets the worker execute the launcher and nothing else, the decoder nothing', () => {
    expect(executable(worker)).toEqual(['/app/services/image-worker/launcher/build/launcher mrix,']);
    expect(executable(decoder)).toEqual([]);
    expect(executable('  /bin/sh px -> other,\n  /bin/true rix,')).toHaveLength(2);
  });

  it('lets a process become a decoder on top of itself, and no other thing', () => {
    expect(body.match(/^\s*change_profile.*$/gm)?.map((line) => line.trim())).toEqual([`change_profile unsafe /usr/local/bin/node -> &${name}//decoder,`]);
  });

  it('lets nothing be written but /dev/null and the own order to the kernel', () => {
    const written = body.split('\n').filter((line) => /^\s*(?:owner )?\/\S+ [rm]*[wakl]/.test(line)).map((line) => line.trim());
    expect(written).toEqual(['/dev/null rw,', 'owner /proc/[0-9]*/task/[0-9]*/attr/{apparmor/,}exec w,', '/dev/null rw,']);
  });

  it('includes no file of the node', () => {
    expect(body).not.toMatch(/^\s*#?include\b/m);
  });
});

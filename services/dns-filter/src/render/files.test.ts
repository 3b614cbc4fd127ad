import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { rpzZone } from '@sekisho/netguard/dns';
import { prepareFiles } from './files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-files-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const prepare = () => prepareFiles(folder, { listen: { address: '127.0.0.1', port: 5353 }, upstreams: [{ address: '10.0.0.1', port: 53 }] });
const mode = (path: string): number => lstatSync(path).mode & 0o777;
const own = (name: string): string => join(folder, 'unbound', name);

describe('prepareFiles()', () => {
  it('writes for this user alone, also into a folder that was open', () => {
    mkdirSync(own(''), { recursive: true });
    chmodSync(own(''), 0o777);
    const files = prepare();
    files.stage(rpzZone());
    expect([mode(own('')), mode(files.confFile), mode(files.checkFile), mode(own('rpz.zone.next'))]).toEqual([0o700, 0o600, 0o600, 0o600]);
  });

  it('has the zone that is not in place yet in the configuration to check only', () => {
    const files = prepare();
    expect(readFileSync(files.confFile, 'utf8')).toContain(`zonefile: "${own('rpz.zone')}"`);
    expect(readFileSync(files.checkFile, 'utf8').replace('rpz.zone.next', 'rpz.zone')).toBe(readFileSync(files.confFile, 'utf8'));
  });

  it('replaces the zone as a whole, once it is installed', () => {
    const files = prepare();
    files.stage(rpzZone());
    expect(existsSync(own('rpz.zone'))).toBe(false);
    files.install();
    const { ino } = statSync(own('rpz.zone'));
    files.stage(rpzZone({ denyCidrs: ['8.8.8.8'] }));
    expect(readFileSync(own('rpz.zone'), 'utf8')).toBe(rpzZone().text);
    files.install();
    expect(readFileSync(own('rpz.zone'), 'utf8')).toBe(rpzZone({ denyCidrs: ['8.8.8.8'] }).text);
    expect(statSync(own('rpz.zone')).ino).not.toBe(ino);
  });

  it('writes through no link that was laid for it', () => {
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'kept');
    mkdirSync(own(''), { recursive: true });
    for (const name of ['unbound.conf', 'unbound.conf.new', 'rpz.zone.next', 'rpz.zone.next.new']) symlinkSync(victim, own(name));
    prepare().stage(rpzZone());
    expect(readFileSync(victim, 'utf8')).toBe('kept');
  });

  it.each(['a file', 'a link'])('refuses %s in the place of its folder', (kind) => {
    if (kind === 'a file') writeFileSync(own('').replace(/\/$/, ''), '');
    else symlinkSync(tmpdir(), join(folder, 'unbound'));
    expect(prepare).toThrow();
  });
});

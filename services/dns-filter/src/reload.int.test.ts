// The file of denied networks, followed while Unbound runs.

import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { until } from '@sekisho/testkit/until';
import { addressesIn, type Rig, startRig, withUnbound } from './testing/rig.ts';

withUnbound('the followed file (needs unbound)', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig({
      denyFile: '34.118.224.0/20\n', config: { denyCidrs: ['9.9.9.9'] },
      zone: {
        'gke.origin.example': { records: ['@ A 34.118.224.9'], ttl: 300 }, 'cached.origin.example': { records: ['@ A 8.8.8.8'], ttl: 300 },
        'fixed.origin.example': { records: ['@ A 9.9.9.9'] }, 'private.origin.example': { records: ['@ A 10.0.0.1'] }, '*.many.example': { records: ['@ A 10.0.0.1'] },
      },
    });
  });
  afterAll(async () => {
    await rig.stop();
  });

  const replace = (text: string): void => {
    writeFileSync(join(rig.folder, 'deny.new'), text);
    renameSync(join(rig.folder, 'deny.new'), join(rig.folder, 'deny'));
  };
  const passes = async (name: string): Promise<boolean> => addressesIn(await rig.ask(name)).length > 0;
  const failures = (): number => rig.lines.filter(({ msg }) => msg === 'denied networks not loaded, the old list stays').length;

  it('is denied from the start, beside what the environment denies', async () => {
    expect([await passes('gke.origin.example'), await passes('fixed.origin.example'), await passes('cached.origin.example')]).toEqual([false, false, true]);
  });

  it('is followed, and answers in the cache are judged anew', async () => {
    const asked = rig.dns.asked.length;
    replace('8.8.8.0/24\n');
    await until(async () => !(await passes('cached.origin.example')));
    expect([await passes('gke.origin.example'), await passes('fixed.origin.example'), await passes('private.origin.example')]).toEqual([true, false, false]);
    expect(rig.dns.asked.slice(asked).filter((line) => line.startsWith('cached.'))).toEqual([]);
    replace('34.118.224.0/20\n');
    await until(() => passes('cached.origin.example'));
    expect(await passes('gke.origin.example')).toBe(false);
  });

  it.each([['a bad line', '34.118.224.0/20\nnonsense\n'], ['too much', '1.2.3.4\n'.repeat(40_000)], ['no text at all', '\u0000']])('keeps the old list for %s', async (_name, text) => {
    const before = failures();
    replace(text);
    await until(() => failures() > before);
    expect([await passes('gke.origin.example'), await passes('cached.origin.example')]).toEqual([false, true]);
    expect(await rig.app.metrics.registry.render()).toMatch(/deny_list_reloads_total\{result="failed"\} [1-9]/);
  });

  it('keeps the old list when the file is gone', async () => {
    const before = failures();
    rmSync(join(rig.folder, 'deny'));
    await until(() => failures() > before);
    expect(await passes('gke.origin.example')).toBe(false);
  });

  it('never has a moment without the policy', async () => {
    const done = new AbortController();
    const hammer = (async () => {
      const seen: boolean[] = [];
      while (!done.signal.aborted && seen.length < 5_000) seen.push(await passes(`n${seen.length}.many.example`));
      return seen;
    })();
    for (let turn = 0; turn < 15; turn += 1) {
      replace(`8.8.${turn}.0/24\n`);
      await new Promise((resolve) => setTimeout(resolve, 120));
    }
    done.abort();
    const seen = await hammer;
    expect(seen.length).toBeGreaterThan(100);
    expect(seen).not.toContain(true);
    await until(async () => (await rig.app.metrics.registry.render()).includes('sekisho_dns_filter_unbound_up 1'));
  }, 30_000);

  it('puts a zone in place that somebody broke on the disk', async () => {
    // A reload that fails midway leaves Unbound with half a zone under the old serial; a set list replaces it.
    writeFileSync(join(dirname(rig.app.files.confFile), 'rpz.zone'), 'nonsense\n');
    replace('8.8.8.0/24\n');
    await until(async () => !(await passes('cached.origin.example')));
    expect(await passes('private.origin.example')).toBe(false);
  });
});

withUnbound('the start (needs unbound)', () => {
  it.each([['a bad list', 'nonsense\n', 'line 1 is no address prefix'], ['a list that cannot be read', undefined, 'ENOENT']])('is refused with %s', async (_name, text, problem) => {
    const start = startRig(text === undefined ? { config: { denyCidrsFile: '/nowhere/deny' } } : { denyFile: text });
    await expect(start).rejects.toThrow(`SEKISHO_DENY_CIDRS_FILE: `);
    await expect(start).rejects.toThrow(problem);
  });

  it('leaves files and socket to this user alone', async () => {
    const rig = await startRig();
    const own = dirname(rig.app.files.confFile);
    const modes = [own, rig.app.files.confFile, join(own, 'rpz.zone'), rig.app.files.controlSocket].map((path) => (statSync(path).mode & 0o777).toString(8));
    expect(modes).toEqual(['700', '600', '600', '600']);
    expect(statSync(rig.app.files.controlSocket).isSocket()).toBe(true);
    await rig.stop();
  });
});

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { createCapture } from '@sekisho/inbox-policy/rules';
import { baits } from './baits.ts';
import { checkRules } from './check.ts';
import { readCommand } from './command.ts';
import { replayRules } from './replay.ts';

const NOW_MS = Date.parse('2026-11-25T12:00:00Z');
const folder = mkdtempSync(join(tmpdir(), 'sekisho-rules-cli-'));
const put = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const RULES = `rules:
  - { id: ads, action: drop, reason: adverts, expires: 2026-12-31, when: { field: content, op: contains, value: casino } }
  - { id: old, action: reject, dryRun: true, expires: 2020-01-01, when: { field: reply, op: eq, value: true } }
builtin: [hellthread]
lists:
  - { id: own, file: hosts.txt, format: plain }
  - { id: theirs, url: "https://lists.example/x.csv" }
block: [own, theirs]
`;

describe('readCommand()', () => {
  it.each([
    [['check', 'f'], { kind: 'check', file: 'f' }], [['replay', 'f', 'c'], { kind: 'replay', file: 'f', capture: 'c' }], [[], { kind: 'wrong', problem: 'no command given' }],
    [['check'], { kind: 'wrong', problem: 'check needs one file' }], [['check', 'f', 'g'], { kind: 'wrong', problem: 'check needs one file' }],
    [['replay', 'f'], { kind: 'wrong', problem: 'replay needs a rules file and a capture file' }], [['chek', 'f'], { kind: 'wrong', problem: 'unknown command "chek"' }],
  ])('%j', (args, command) => {
    expect(readCommand(args)).toEqual(command);
  });
});

describe('checkRules()', () => {
  it('lists rules and lists as the gateway would read them', () => {
    const path = put('rules.yaml', RULES);
    put('hosts.txt', 'a.example\nb.example\n');
    expect(checkRules(RULES, path, NOW_MS)).toEqual({
      ok: true,
      lines: [
        `${path}: 3 rules, 2 lists`,
        '  line 2: ads: drop (until 2027-01-01T00:00:00.000Z): adverts',
        '  line 3: old: reject (dry run, EXPIRED 2020-01-02T00:00:00.000Z)',
        expect.stringMatching(/^ {2}builtin\.hellthread: drop: /),
        '  list own (block): 2 hosts',
        '  list theirs (block): csv from https://lists.example/x.csv every 21600 s, not fetched here',
        expect.stringMatching(/^ {2}(?:SLOW: )?judging the slowest of the largest posts \(.+\) took \d+\.\d ms$/),
      ],
    });
  });

  it('gives each problem a line of its own', () => {
    expect(checkRules('rulez: 1\nblock: 2\n', 'f.yaml', NOW_MS)).toEqual({ ok: false, lines: ['f.yaml: line 1: rulez is not known', 'f.yaml: line 2: block: must be a list of list ids'] });
    put('hosts.txt', 'nonsense here\n');
    expect(checkRules(RULES, join(folder, 'rules.yaml'), NOW_MS).lines).toEqual([expect.stringContaining('list own: most of it is no host list')]);
  });

  it('tries posts of the largest size', () => {
    for (const { activity } of baits(NOW_MS)) {
      const bytes = Buffer.byteLength(JSON.stringify(activity.value));
      expect(bytes).toBeGreaterThan(55_000);
    }
  });
});

describe('replayRules()', () => {
  const [first, second] = baits(NOW_MS);
  const capture = (activity: typeof first): string => JSON.stringify(createCapture({
    arrivedMs: NOW_MS, target: '/inbox', rawHeaders: ['Host', 'misskey.origin.example'], keyHost: 'bait.peer.example', activity: activity!.activity, verdict: { decision: 'allow' },
  }));

  it('says what would change', async () => {
    const text = 'rules: [{ id: a, action: drop, when: { field: content, op: regex, value: "^a+$" } }]\nlists: [{ id: l, url: "https://lists.example/x" }]';
    const path = put('capture.jsonl', `${capture(first)}\n${capture(second)}\n`);
    expect(await replayRules(text, 'rules.yaml', path)).toEqual({
      ok: true,
      lines: [
        '2 requests, 0 of them refused before the rules, 0 without the contents of the post', '  a: 1 hits', '  block and allow lists: 0', '1 decisions would change',
        '  line 1: https://bait.peer.example/users/bait/notes/1/activity: allow -> drop (a)', '  list l is subscribed to and not loaded here: nothing is known of it',
      ],
    });
  });

  it('reads samples and quarantine from one file', async () => {
    const text = 'rules: [{ id: a, action: quarantine, when: { field: content, op: regex, value: "^a+$" } }]';
    const kept = createCapture({
      arrivedMs: NOW_MS, target: '/inbox', rawHeaders: ['Host', 'misskey.origin.example'], keyHost: 'bait.peer.example', activity: { ...first!.activity, visibility: 'direct' }, body: Buffer.from('{}'),
      verdict: { decision: 'quarantine', code: 'SEKISHO_INBOX_RULE_QUARANTINE', rule: 'a' },
    });
    const path = put('both.jsonl', `${capture(second)}\n${JSON.stringify(kept)}\n`);
    expect(await replayRules(text, 'rules.yaml', path)).toEqual({
      ok: true,
      lines: ['2 requests, 0 of them refused before the rules, 0 without the contents of the post', '  a: 1 hits', '  block and allow lists: 0', '0 decisions would change'],
    });
  });

  it('fails on a capture that is none or not there, and on bad rules', async () => {
    expect(await replayRules('', 'r', put('bad.jsonl', 'x\n'))).toMatchObject({ ok: false, lines: expect.arrayContaining(['  line 1 is no capture: not JSON']) });
    expect(await replayRules('', 'r', join(folder, 'none'))).toMatchObject({ ok: false, lines: [expect.stringContaining('ENOENT')] });
    expect(await replayRules('rules: 1', 'r', join(folder, 'none'))).toMatchObject({ ok: false, lines: ['r: line 1: rules: must be a list of rules'] });
  });
});

describe('npm run rules', () => {
  it.each([
    [['check', 'good.yaml'], 0], [['check', 'bad.yaml'], 1], [['check', 'none.yaml'], 1], [['replay', 'good.yaml', 'empty.jsonl'], 0], [[], 2],
  ])('%j ends with %d', (args, code) => {
    put('good.yaml', '');
    put('bad.yaml', 'rules: 1');
    put('empty.jsonl', '');
    const script = join(dirname(import.meta.dirname), 'rules.ts');
    const ended = spawnSync(process.execPath, [script, ...args], { cwd: folder, encoding: 'utf8', timeout: 30_000 });
    expect([ended.status, ended.stderr === '' || code === 2]).toEqual([code, true]);
  });
});

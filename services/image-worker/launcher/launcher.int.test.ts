// Each wall alone, against a small program that runs into it, and that does the same without the wall.

import { type ChildProcess, type SpawnSyncOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { constants, getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LAUNCHER_SOURCE, compileStatic, ensureLauncher } from '../../../scripts/set-up/launcher.ts';
import { MissingProgram } from '../../../scripts/set-up/programs.ts';

const RUN_MS = 20_000;
/** The test may run as root, for whom some walls are none. */
const asNobody: SpawnSyncOptions = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
const folder = mkdtempSync(join(tmpdir(), 'sekisho-launcher-'));
const at = (name: string): string => join(folder, name);
const launcher = at('launcher');
const attempt = at('attempt');

/** Compiled before the tests are named, because what the kernel has decides which there are. */
function setUp(): string | undefined {
  try {
    copyFileSync(ensureLauncher(), launcher);
  } catch (error) {
    if (error instanceof MissingProgram) return error.message;
    throw error;
  }
  compileStatic(join(import.meta.dirname, 'testing/attempt.c'), attempt);
  // Another user has to reach them too.
  for (const path of [folder, launcher, attempt]) chmodSync(path, 0o755);
  return undefined;
}

interface Result {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

function run(program: string, args: readonly string[], options: SpawnSyncOptions = {}): Result {
  const { status: code, signal, stdout, stderr, error } = spawnSync(program, args, { env: {}, timeout: RUN_MS, killSignal: 'SIGTERM', ...options });
  if (error !== undefined) throw error;
  return { code, signal, out: String(stdout).trim(), err: String(stderr).trim() };
}
const launch = (options: readonly string[], command: readonly string[], how: SpawnSyncOptions = {}): Result => run(launcher, [...options, '--', ...command], how);
const outcome = ({ out, err, signal }: Result): string => signal ?? (out === '' ? err : out);

/** The same attempt without and with walls. */
const compare = (options: readonly string[], ...command: readonly string[]): { readonly free: string; readonly walled: string } => ({
  free: outcome(run(attempt, command)), walled: outcome(launch(options, [attempt, ...command])),
});

interface State {
  readonly descriptors: readonly number[];
  /** CORE, CPU, DATA, FSIZE, NOFILE: soft and hard, -1 for none. */
  readonly limits: readonly (readonly [number, number])[];
  readonly nice: number;
  readonly noNewPrivs: number;
  readonly env: readonly string[];
}
const stateOf = ({ out }: Result): State => JSON.parse(out) as State;

/** System calls by number: x86_64, arm64. */
const CALLS = { prctl: [157, 167], seccomp: [317, 277], socket: [41, 198], openat: [257, 56], close_range: [436, 436], landlock_create_ruleset: [444, 444] } as const;
type Call = keyof typeof CALLS;
const numberOf = (call: Call): number => CALLS[call][process.arch === 'arm64' ? 1 : 0];

type Instruction = readonly [code: number, jt: number, jf: number, k: number];
const LOAD_NUMBER: Instruction = [0x20, 0, 0, 0];
const ALLOW: Instruction = [0x06, 0, 0, 0x7fff_0000];
function assemble(name: string, instructions: readonly Instruction[]): string {
  const bytes = Buffer.alloc(8 * instructions.length);
  for (const [i, [code, jt, jf, k]] of instructions.entries()) {
    bytes.writeUInt16LE(code, 8 * i);
    bytes.writeUInt8(jt, 8 * i + 2);
    bytes.writeUInt8(jf, 8 * i + 3);
    bytes.writeUInt32LE(k, 8 * i + 4);
  }
  writeFileSync(at(name), bytes);
  return at(name);
}
const refuse = (call: Call, error: number): string =>
  assemble(`no-${call}.bpf`, [LOAD_NUMBER, [0x15, 0, 1, numberOf(call)], [0x06, 0, 0, 0x0005_0000 | error], ALLOW]);
const { ENOSYS, EPERM } = constants.errno;

const unavailable = setUp();
const abi = unavailable === undefined ? (JSON.parse(run(launcher, ['--probe']).out) as { readonly landlock: number }).landlock : 0;
const describeHere = unavailable === undefined ? describe : describe.skip;
const describeFrom = (version: number): typeof describeHere => (abi >= version ? describe : describe.skip);

describeHere(`launcher${unavailable === undefined ? '' : ` (${unavailable})`}`, () => {
  afterAll(() => rmSync(folder, { recursive: true }));

  it('stays small', () => {
    expect(readFileSync(join(import.meta.dirname, '../../..', LAUNCHER_SOURCE), 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(200);
  });

  describe('in any case', () => {
    it('hands arguments and environment on as they are', () => {
      const odd = ['a b', '', '--landlock', '--', "'$(id)'", 'ü\n'];
      expect(launch([], [attempt, 'arguments', ...odd]).out).toBe(odd.join('\n').trim());
      expect(stateOf(launch([], [attempt, 'state'], { env: { A: '1', LD_PRELOAD: '/x' } })).env).toEqual(['A=1', 'LD_PRELOAD=/x']);
    });

    it('closes every descriptor from 3 on', () => {
      const stdio: SpawnSyncOptions['stdio'] = ['pipe', 'pipe', 'pipe', openSync('/etc/passwd', 'r'), 'ignore', 'pipe'];
      // Others may have leaked out of whatever runs the tests.
      expect(stateOf(run(attempt, ['state'], { stdio })).descriptors).toEqual(expect.arrayContaining([0, 1, 2, 3, 5]));
      expect(stateOf(launch([], [attempt, 'state'], { stdio })).descriptors).toEqual([0, 1, 2]);
    });

    it('sets no_new_privs', () => {
      const own = Number(/^NoNewPrivs:\s*(\d)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
      expect(stateOf(run(attempt, ['state'])).noNewPrivs).toBe(own);
      expect(stateOf(launch([], [attempt, 'state'])).noNewPrivs).toBe(1);
    });

    it('ends as the program ends', () => {
      expect(launch([], ['/bin/sh', '-c', 'exit 7'])).toMatchObject({ code: 7, signal: null });
      expect(launch([], ['/bin/sh', '-c', 'kill -9 $$'])).toMatchObject({ code: null, signal: 'SIGKILL' });
    });
  });

  describe('--limit', () => {
    it('sets soft and hard limits and no others', () => {
      const free = stateOf(launch([], [attempt, 'state'])).limits;
      const values = [0, 7, 300_000_000, 4_096, 33] as const;
      for (const [i, name] of (['CORE', 'CPU', 'DATA', 'FSIZE', 'NOFILE'] as const).entries()) {
        const value = values[i] ?? 0;
        expect(stateOf(launch(['--limit', `${name}=${value}`], [attempt, 'state'])).limits).toEqual(free.map((limit, at_) => (at_ === i ? [value, value] : limit)));
      }
    });

    it.each<[string, string, readonly string[], string]>([
      ['CPU', 'CPU=1', ['burn', '1400'], 'SIGKILL'],
      ['DATA', 'DATA=16777216', ['allocate', '67108864'], 'ENOMEM'],
      ['FSIZE', 'FSIZE=0', ['write', at('written')], 'SIGXFSZ'],
      ['NOFILE', 'NOFILE=8', ['open', '8'], 'EMFILE'],
    ])('%s holds', (_name, limit, command, end) => {
      expect(compare(['--limit', limit], ...command)).toEqual({ free: 'ok', walled: end });
    });
  });

  describe('--nice', () => {
    it('sets the priority', () => {
      const asked = Math.min(19, Math.max(0, getPriority()) + 3);
      expect(stateOf(run(attempt, ['state'])).nice).toBe(getPriority());
      expect(stateOf(launch(['--nice', String(asked)], [attempt, 'state'])).nice).toBe(asked);
    });
  });

  describe('--parent', () => {
    const pids: number[] = [];
    const parents: ChildProcess[] = [];
    afterAll(() => {
      for (const parent of parents) parent.kill('SIGKILL');
      for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL');
    });
    /** A zombie is dead: whoever inherits it may be slow to notice. */
    function isAlive(pid: number): boolean {
      try {
        return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
      } catch {
        return false;
      }
    }
    async function killParentOf(options: string): Promise<boolean> {
      const source = `const child = require('node:child_process').spawn(${JSON.stringify(launcher)}, [${options} '--', ${JSON.stringify(attempt)}, 'stay'], { stdio: 'ignore' });
        child.once('spawn', () => process.stdout.write(String(child.pid)));`;
      const parent = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
      parents.push(parent);
      const [chunk] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(chunk);
      pids.push(pid);
      const deadlineMs = performance.now() + 5_000;
      const commandLine = (): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      while (!commandLine().startsWith(attempt) && performance.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(commandLine()).toMatch(new RegExp(`^${attempt}\0`));
      parent.kill('SIGKILL');
      await once(parent, 'exit');
      const waitedMs = performance.now() + 1_000;
      while (isAlive(pid) && performance.now() < waitedMs) await new Promise((resolve) => setTimeout(resolve, 20));
      return isAlive(pid);
    }

    it('ends the program when the parent is killed; without it the program goes on', async () => {
      expect(await killParentOf("'--parent', String(process.pid),")).toBe(false);
      expect(await killParentOf('')).toBe(true);
    });

    it('starts below its parent only', () => {
      expect(launch(['--parent', String(process.pid)], [attempt, 'arguments', 'ok'])).toMatchObject({ code: 0, out: 'ok' });
      expect(launch(['--parent', '1'], [attempt, 'arguments', 'ok'])).toMatchObject({ code: 126, out: '', err: 'launcher: --parent: No such process' });
    });
  });

  describe('--filter', () => {
    it('is in force in the program', () => {
      expect(compare(['--filter', refuse('socket', EPERM)], 'bind', '0')).toEqual({ free: 'ok', walled: 'EPERM' });
    });

    it('comes last: it may forbid what the other walls need', () => {
      const paths = abi > 0 ? ['--landlock', '--run', attempt, '--read', '/etc/passwd'] : [];
      for (const call of ['openat', 'prctl', 'close_range', 'landlock_create_ruleset', 'seccomp'] as const) {
        expect(launch(['--parent', String(process.pid), '--nice', '19', ...paths, '--filter', refuse(call, EPERM)], [attempt, 'arguments', 'ok'])).toMatchObject({ code: 0, out: 'ok' });
      }
      expect(launch([...paths, '--filter', refuse('openat', EPERM)], [attempt, 'read', '/etc/passwd']).out).toBe('EPERM');
    });

    it('takes as many instructions as the kernel, and one more is no filter rather than a part of one', () => {
      const most = [...Array.from({ length: 4_095 }, () => LOAD_NUMBER), ALLOW];
      expect(launch(['--filter', assemble('most.bpf', most)], [attempt, 'arguments', 'ok']).out).toBe('ok');
      expect(launch(['--filter', assemble('more.bpf', [...most, ALLOW])], [attempt, 'arguments', 'ok'])).toMatchObject({ code: 126, out: '' });
    });
  });

  describeFrom(1)('--landlock', () => {
    const walls = (...more: readonly string[]): string[] => ['--landlock', '--run', attempt, ...more];
    beforeAll(() => {
      mkdirSync(at('open/below'), { recursive: true });
      for (const name of ['open/below/file', 'open-file', 'secret', 'open/writable']) writeFileSync(at(name), 'x');
      symlinkSync(at('secret'), at('open/link-out'));
      symlinkSync(at('open-file'), at('link-in'));
      copyFileSync(attempt, at('open/program'));
      copyFileSync(attempt, at('program'));
    });

    it.each<[string, readonly string[], readonly string[], string]>([
      ['hides a file', [], ['read', '/etc/passwd'], 'EACCES'],
      ['shows a file that is named', ['--read', '/etc/passwd'], ['read', '/etc/passwd'], 'ok'],
      ['hides the file beside it', ['--read', '/etc/passwd'], ['read', '/etc/group'], 'EACCES'],
      ['hides the folder of a file', ['--read', '/etc/passwd'], ['list', '/etc'], 'EACCES'],
      ['shows all below a folder', ['--read', at('open')], ['read', at('open/below/file')], 'ok'],
      ['lists a folder', ['--read', at('open')], ['list', at('open/below')], 'ok'],
      ['does not let .. out', ['--read', at('open')], ['read', at('open/../secret')], 'EACCES'],
      ['does not let a link out', ['--read', at('open')], ['read', at('open/link-out')], 'EACCES'],
      ['follows a link that is named', ['--read', at('link-in')], ['read', at('open-file')], 'ok'],
      ['hides the environment of the parent', [], ['read', `/proc/${process.pid}/environ`], 'EACCES'],
      ['lets nothing be written below what may be read', ['--read', at('open')], ['write', at('open/writable')], 'EACCES'],
      ['lets nothing be written below what may be run', ['--run', at('open')], ['write', at('open/writable')], 'EACCES'],
      ['lets nothing be made', ['--read', at('open')], ['write', at('open/new-walled')], 'EACCES'],
      ['does not run what may be read', ['--read', at('open')], ['run', at('open/program')], 'EACCES'],
      ['runs what may be run', ['--run', at('open')], ['run', at('open/program')], 'ok'],
    ])('%s', (_name, more, command, walled) => {
      // A file that the free attempt has made would be there for the walled one.
      rmSync(at('open/new-walled'), { force: true });
      expect(outcome(launch(walls(...more), [attempt, ...command]))).toBe(walled);
      expect(existsSync(at('open/new-walled'))).toBe(false);
      expect(outcome(run(attempt, command))).toBe('ok');
    });

    // As a user without privileges: who may profile (CAP_PERFMON, root) may read the memory of others past Landlock.
    it('hides the environment of the parent even where /proc is shown', () => {
      const inShell = (command: readonly string[]): string => outcome(run('/bin/sh', ['-c', `${command.join(' ')} read /proc/$$/environ; true`], { env: { A: '1' }, ...asNobody }));
      expect(inShell([attempt])).toBe('ok');
      expect(inShell([launcher, ...walls('--read', '/proc'), '--', attempt])).toBe('EACCES');
    });

    it('holds for what the program runs', () => {
      const inner = [attempt, 'read', '/etc/passwd'];
      expect(outcome(launch(walls('--run', launcher), [launcher, '--', ...inner]))).toBe('EACCES');
      expect(outcome(launch([], [launcher, '--', ...inner]))).toBe('ok');
    });

    it('does not run a program that is not named', () => {
      expect(launch(['--landlock', '--run', at('open')], [at('program'), 'arguments', 'ok'])).toMatchObject({ code: 127, out: '' });
      expect(launch(['--landlock', '--run', at('program')], [at('program'), 'arguments', 'ok'])).toMatchObject({ code: 0, out: 'ok' });
    });

    describeFrom(4)('TCP', () => {
      const server = createServer((socket) => socket.destroy());
      const port = (): string => String((server.address() as AddressInfo).port);
      beforeAll(async () => await once(server.listen(0, '127.0.0.1'), 'listening'));
      afterAll(() => void server.close());

      it('neither connects nor listens', () => {
        expect(compare(walls(), 'connect', port())).toEqual({ free: 'ok', walled: 'EACCES' });
        expect(compare(walls(), 'bind', '0')).toEqual({ free: 'ok', walled: 'EACCES' });
      });
    });

    describeFrom(6)('scopes', () => {
      const name = `sekisho-launcher-${process.pid}`;
      const server = createServer((socket) => socket.destroy());
      beforeAll(async () => await once(server.listen(`\0${name}`), 'listening'));
      afterAll(() => void server.close());

      it('keep signals and abstract sockets inside', () => {
        expect(compare(walls(), 'signal', String(process.pid))).toEqual({ free: 'ok', walled: 'EPERM' });
        expect(compare(walls(), 'abstract', name)).toEqual({ free: 'ok', walled: 'EPERM' });
      });
    });
  });

  describe('a wall that cannot be had', () => {
    const start = [attempt, 'arguments', 'started'];
    const unreachable: [string, string[], string][] = [
      ['path to read', ['--landlock', '--read', at('missing')], `--read ${at('missing')}: No such file or directory`],
      ['path to run', ['--landlock', '--run', at('missing')], `--run ${at('missing')}: No such file or directory`],
      ['empty path', ['--landlock', '--read', ''], '--read: No such file or directory'],
      ['path that is too long', ['--landlock', '--read', `/${'a'.repeat(5_000)}`], `--read /${'a'.repeat(5_000)}: File name too long`],
      ['filter file', ['--filter', at('missing')], `--filter ${at('missing')}: No such file or directory`],
      ['filter that is a folder', ['--filter', folder], `--filter ${folder}: Invalid argument`],
    ];
    it.each(unreachable.filter(([, [first]]) => abi > 0 || first !== '--landlock'))('%s', (_name, options, sentence) => {
      expect(launch(options, start)).toEqual({ code: 126, signal: null, out: '', err: `launcher: ${sentence}` });
    });

    it.each<[string, Buffer]>([
      ['empty', Buffer.alloc(0)], ['one instruction and a half', Buffer.from([0x06, 0, 0, 0, 0, 0, 0xff, 0x7f, 0, 0, 0, 0])], ['no instruction of BPF', Buffer.alloc(64, 0xff)],
      ['without an end', Buffer.from([0x20, 0, 0, 0, 0, 0, 0, 0])], ['a jump out of it', Buffer.from([0x15, 0, 9, 9, 0, 0, 0, 0, 0x06, 0, 0, 0, 0, 0, 0xff, 0x7f])],
      ['100 MB', Buffer.alloc(100_000_000, Buffer.from([0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]))],
    ])('filter: %s', (_name, bytes) => {
      writeFileSync(at('bad.bpf'), bytes);
      expect(launch(['--filter', at('bad.bpf')], start)).toEqual({ code: 126, signal: null, out: '', err: `launcher: --filter ${at('bad.bpf')}: Invalid argument` });
    });

    it('--stack with a label that is not loaded, or without AppArmor', () => {
      const { code, out, err } = launch(['--stack', 'no-such-profile//decoder'], start);
      expect({ code, out }).toEqual({ code: 126, out: '' });
      expect(err).toMatch(/^launcher: --stack no-such-profile\/\/decoder: \w/);
    });

    // A kernel or a container without the call, made of a filter around another launcher.
    it.each<[Call, number, readonly string[], string]>([
      ['landlock_create_ruleset', ENOSYS, ['--landlock'], '--landlock: Function not implemented'],
      ['landlock_create_ruleset', EPERM, ['--landlock'], '--landlock: Operation not permitted'],
      ['seccomp', EPERM, ['--filter', at('all.bpf')], `--filter ${at('all.bpf')}: Operation not permitted`],
      ['close_range', ENOSYS, [], 'close_range: Function not implemented'],
      ['prctl', EPERM, [], 'no_new_privs: Operation not permitted'],
      ['prctl', EPERM, ['--parent', '1'], '--parent: Operation not permitted'],
    ])('where %s is refused (%d)', (call, error, options, sentence) => {
      assemble('all.bpf', [ALLOW]);
      const around = ['--filter', refuse(call, error), '--', launcher];
      expect(run(launcher, [...around, ...options, '--', ...start])).toEqual({ code: 126, signal: null, out: '', err: `launcher: ${sentence}` });
    });

    it('limits and priorities that only root may raise', () => {
      const twice = (lower: readonly string[], raise: readonly string[]): Result => launch(lower, [launcher, ...raise, '--', ...start], asNobody);
      expect(twice(['--limit', 'NOFILE=20'], ['--limit', 'NOFILE=19']).out).toBe('started');
      expect(twice(['--limit', 'NOFILE=20'], ['--limit', 'NOFILE=21'])).toMatchObject({ code: 126, out: '', err: 'launcher: --limit NOFILE: Operation not permitted' });
      expect(twice(['--nice', '18'], ['--nice', '19']).out).toBe('started');
      expect(twice(['--nice', '19'], ['--nice', '18'])).toMatchObject({ code: 126, out: '', err: 'launcher: --nice 18: Permission denied' });
    });
  });

  describe('a wrong call', () => {
    const call = (...args: readonly string[]): Result => run(launcher, args);
    it.each<[string, readonly string[], string]>([
      ['nothing', [], 'no program'],
      ['no program', ['--'], 'no program'],
      ['no --', ['--landlock'], 'no program'],
      ['a program without --', [attempt, 'arguments'], `${attempt} arguments`],
      ['an option of nobody', ['--verbose', '1', '--', attempt], '--verbose 1'],
      ['an option without value', ['--nice'], '--nice'],
      ['an option that takes -- for its value', ['--filter', '--', attempt, 'x'], `${attempt} x`],
      ['--probe and more', ['--probe', '--', attempt], '--probe --'],
      ['a limit of nobody', ['--limit', 'NPROC=1', '--', attempt], '--limit NPROC'],
      ['a limit without name', ['--limit', '=1', '--', attempt], '--limit'],
      ['a limit without =', ['--limit', 'CPU', '--', attempt], '--limit CPU'],
      ['a limit without value', ['--limit', 'CPU=', '--', attempt], 'CPU'],
      ['a limit in lower case', ['--limit', 'cpu=1', '--', attempt], '--limit cpu'],
      ['paths without a wall', ['--read', '/', '--', attempt], 'no --landlock'],
      ['parent 0', ['--parent', '0', '--', attempt], '--parent 0'],
      ['nice 20', ['--nice', '20', '--', attempt], '--nice 20'],
    ])('%s', (_name, args, what) => {
      expect(call(...args)).toEqual({ code: 125, signal: null, out: '', err: `launcher: ${what}: wrong call` });
    });

    it.each(['', ' 1', '1 ', '+1', '-1', '-0', '0x1', '1e3', '1.5', 'one', '9223372036854775808', '18446744073709551616', '9'.repeat(100_000)].map((text) => ({ name: JSON.stringify(text).slice(0, 24), text })))('a number $name', ({ text }) => {
      for (const args of [['--parent', text], ['--nice', text], ['--limit', `NOFILE=${text}`]]) expect(call(...args, '--', attempt)).toMatchObject({ code: 125, out: '' });
    });

    it('more of anything than fits', () => {
      const paths = (count: number): string[] => Array.from({ length: count }, () => ['--read', '/etc/passwd']).flat();
      if (abi > 0) expect(launch(['--landlock', '--run', attempt, ...paths(127)], [attempt, 'arguments', 'ok'])).toMatchObject({ code: 0, out: 'ok' });
      expect(launch(['--landlock', '--run', attempt, ...paths(128)], [attempt, 'arguments', 'ok'])).toMatchObject({ code: 125, err: 'launcher: too many paths /etc/passwd: wrong call' });
      expect(launch(['--landlock', ...paths(20_000)], [attempt, 'arguments', 'ok'])).toMatchObject({ code: 125, out: '' });
      expect(launch(Array.from({ length: 20_000 }, () => ['--limit', 'CORE=0']).flat(), [attempt, 'arguments', 'ok']).out).toBe('ok');
      expect(launch(['--stack', 'x'.repeat(100_000)], [attempt, 'arguments', 'ok'])).toMatchObject({ code: 125, out: '' });
      expect(launch([], [attempt, 'arguments', ...Array.from({ length: 20_000 }, () => 'ok')]).out.split('\n').length).toBe(20_000);
    });
  });

  describe('a program that cannot be executed', () => {
    it('is 127, with its name', () => {
      writeFileSync(at('text'), 'not a program', { mode: 0o644 });
      expect(launch([], [at('missing')])).toEqual({ code: 127, signal: null, out: '', err: `launcher: ${at('missing')}: No such file or directory` });
      expect(launch([], [at('text')])).toEqual({ code: 127, signal: null, out: '', err: `launcher: ${at('text')}: Permission denied` });
      chmodSync(at('text'), 0o755);
      expect(launch([], [at('text')])).toEqual({ code: 127, signal: null, out: '', err: `launcher: ${at('text')}: Exec format error` });
      expect(launch([], ['attempt'], { env: { PATH: folder } })).toMatchObject({ code: 127 });
    });
  });

  describe('--probe', () => {
    const probe = (...around: readonly string[]): unknown => JSON.parse(run(launcher, [...around, ...(around.length > 0 ? ['--', launcher] : []), '--probe']).out);
    it('says what the kernel has, one line of JSON', () => {
      const result = run(launcher, ['--probe']);
      expect(result).toMatchObject({ code: 0, err: '' });
      expect(result.out).toMatch(/^\{"landlock":\d{1,2},"seccomp":(?:true|false)\}$/);
    });

    it.each<[Call, number]>([['landlock_create_ruleset', ENOSYS], ['seccomp', EPERM]])('says no where %s is refused', (call, error) => {
      const refused = call === 'seccomp' ? { seccomp: false } : { landlock: 0 };
      expect(probe('--filter', refuse(call, error))).toEqual({ landlock: abi, seccomp: true, ...refused });
    });
  });

  it('is static, and small enough to be looked into', () => {
    expect(run('/bin/sh', ['-c', `ldd "${launcher}" 2>&1; true`], { env: process.env }).out).toMatch(/not a dynamic executable|statically linked/);
    expect(statSync(launcher).size).toBeLessThan(1_500_000);
  });
});

// Unbound and its supervisor live and die together.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from '@jest/globals';
import { freePort, type Program, startHostileDns, startProgram } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { answersItself } from './child/ready.ts';
import { addressesIn, installed, type Rig, startRig, withUnbound } from './testing/rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-dns-'));
const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of running.splice(0)) await stop();
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const rigged = async (...args: Parameters<typeof startRig>): Promise<Rig> => {
  const rig = await startRig(...args);
  running.push(() => rig.stop());
  return rig;
};
/** Processes whose command line names this folder. */
const unbounds = (place: string): number[] => {
  const list = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' });
  return list.split('\n').filter((line) => line.includes(place) && /unbound -d/.test(line)).map((line) => Number(line.trim().split(' ')[0]));
};
const script = (name: string, text: string): string => {
  writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(folder, name), 0o755);
  return join(folder, name);
};
const ZONE = { 'a.origin.example': { records: ['@ A 8.8.8.8'] }, 'b.origin.example': { records: ['@ A 10.0.0.1'] } };
const LOOKS = { lookMs: 200 };

withUnbound('a child that falls (needs unbound)', () => {
  it('is started again with the policy in place', async () => {
    const rig = await rigged({ zone: ZONE, deps: { times: LOOKS } });
    const [first = 0] = unbounds(rig.folder);
    process.kill(first, 'SIGKILL');
    await until(() => !rig.app.isUp);
    await until(() => rig.app.isUp);
    expect(unbounds(rig.folder)).not.toContain(first);
    expect([addressesIn(await rig.ask('a.origin.example')), addressesIn(await rig.ask('b.origin.example'))]).toEqual([['8.8.8.8'], []]);
    expect(await rig.app.metrics.registry.render()).toContain('sekisho_dns_filter_restarts_total 1');
    expect(rig.lines).toContainEqual(expect.objectContaining({ msg: 'unbound fell', level: 'error' }));
  }, 30_000);

  it('is ended and started again when it stands still', async () => {
    const rig = await rigged({ zone: ZONE, deps: { times: LOOKS } });
    const [first = 0] = unbounds(rig.folder);
    process.kill(first, 'SIGSTOP');
    await until(() => !rig.app.isUp, 20_000);
    await until(() => rig.app.isUp, 20_000);
    expect(unbounds(rig.folder)).not.toContain(first);
    expect(rig.lines).toContainEqual(expect.objectContaining({ msg: 'unbound does not answer' }));
  }, 60_000);

  it('is given up after five times', async () => {
    const programs = installed()!;
    const flag = join(folder, 'once');
    // Runs once, then falls at every start.
    const unbound = script('unbound-once', `if [ -e ${flag} ]; then echo broken >&2; exit 3; fi; touch ${flag}; exec ${programs.unbound} "$@"`);
    let given = 0;
    const rig = await rigged({ zone: ZONE, deps: { programs: { ...programs, unbound, setpriv: undefined }, onGiveUp: () => (given += 1) } });
    process.kill(unbounds(rig.folder)[0] ?? 0, 'SIGKILL');
    await until(() => given > 0, 30_000);
    expect(rig.app.isUp).toBe(false);
    expect(rig.lines.filter(({ msg }) => msg === 'unbound fell')).toHaveLength(6);
    expect(rig.lines).toContainEqual(expect.objectContaining({ detail: 'broken', level: 'warn' }));
  }, 60_000);
});

withUnbound('a start that fails (needs unbound)', () => {
  it('says what Unbound said', async () => {
    const programs = { ...installed()!, unbound: script('unbound-broken', 'echo "no room" >&2; exit 1') };
    await expect(startRig({ deps: { programs } })).rejects.toThrow('unbound ended with status 1: no room');
  });

  it('ends a child that is never ready', async () => {
    const programs = { ...installed()!, unbound: script('unbound-idle', 'exec sleep 60'), setpriv: undefined };
    await expect(startRig({ deps: { programs, times: { readyMs: 600 } } })).rejects.toThrow('was not ready in time');
    expect(execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' })).not.toContain('sleep 60');
  });

  it('says what the check said, before anything starts', async () => {
    const programs = { ...installed()!, checkconf: script('checkconf-broken', 'echo "[1] unbound-checkconf[2:0] error: bad zone" >&2; exit 1') };
    await expect(startRig({ deps: { programs } })).rejects.toThrow('error: bad zone');
  });

  it('names a taken port', async () => {
    const port = await freePort();
    const holder = createServer().listen(port, '127.0.0.1');
    await once(holder, 'listening');
    await expect(startRig({ config: { listen: { address: '127.0.0.1', port } } })).rejects.toThrow(/unbound .*Address already in use/);
    holder.close();
  });
});

interface Process {
  readonly program: Program;
  readonly port: number;
  readonly opsPort: number;
  readonly place: string;
}

async function startMain(name: string, more: Record<string, string> = {}): Promise<Process> {
  const dns = await startHostileDns(ZONE);
  running.push(() => dns.stop());
  const [port, opsPort] = [await freePort(), await freePort()];
  const place = join(folder, name);
  const env = {
    PATH: process.env['PATH'] ?? '', SEKISHO_DNS_FILTER_PORT: String(port), SEKISHO_DNS_FILTER_UPSTREAMS: dns.address, SEKISHO_DNS_FILTER_FOLDER: place,
    SEKISHO_OPS_HOST: '127.0.0.1', SEKISHO_OPS_PORT: String(opsPort), ...more,
  };
  const program = startProgram(join(import.meta.dirname, 'main.ts'), env);
  const { child } = program;
  running.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await program.ended;
  });
  return { program, port, opsPort, place };
}
const isReady = async ({ opsPort }: Process): Promise<boolean> => await fetch(`http://127.0.0.1:${opsPort}/readyz`).then(({ status }) => status === 200, () => false);

withUnbound('main (needs unbound)', () => {
  it('is ready, and ends on SIGTERM with its child', async () => {
    const main = await startMain('term');
    await until(() => isReady(main), 20_000);
    const started = performance.now();
    main.program.child.kill('SIGTERM');
    expect(await main.program.ended).toEqual([0, null]);
    expect(performance.now() - started).toBeLessThan(4_000);
    expect(unbounds(main.place)).toEqual([]);
    expect(main.program.text).toContain('service stopped (unbound');
    expect(main.program.text).toContain('shutdown done');
  }, 60_000);

  it('ends in time even when its child stands still', async () => {
    const main = await startMain('still');
    await until(() => isReady(main), 20_000);
    for (const pid of unbounds(main.place)) process.kill(pid, 'SIGSTOP');
    const started = performance.now();
    main.program.child.kill('SIGTERM');
    expect(await main.program.ended).toEqual([0, null]);
    expect(performance.now() - started).toBeLessThan(6_000);
    expect(unbounds(main.place)).toEqual([]);
  }, 60_000);

  it('takes its child along when it is killed', async () => {
    const main = await startMain('kill');
    await until(() => isReady(main), 20_000);
    expect(unbounds(main.place)).toHaveLength(1);
    main.program.child.kill('SIGKILL');
    await until(() => unbounds(main.place).length === 0);
  }, 60_000);

  it('ends a filter that was left behind, and takes its place', async () => {
    const main = await startMain('left');
    await until(() => isReady(main), 20_000);
    const conf = join(main.place, 'unbound/unbound.conf');
    main.program.child.kill('SIGKILL');
    await until(() => unbounds(main.place).length === 0);
    const orphan = spawn(installed()!.unbound, ['-d', '-c', conf], { stdio: 'ignore' });
    const ended = once(orphan, 'exit');
    await until(() => answersItself({ address: '127.0.0.1', port: main.port }));
    const next = await startMain('left', { SEKISHO_DNS_FILTER_PORT: String(main.port) });
    await until(() => isReady(next), 20_000);
    await ended;
    expect(unbounds(main.place)).toHaveLength(1);
  }, 60_000);

  it('ends with 1 when its child falls too often', async () => {
    const programs = installed()!;
    const flag = join(folder, 'twice');
    const bin = join(folder, 'bin');
    execFileSync('mkdir', [bin]);
    script('bin/unbound', `if [ -e ${flag} ]; then exit 3; fi; touch ${flag}; exec ${programs.unbound} "$@"`);
    const main = await startMain('often', { PATH: `${bin}:${process.env['PATH'] ?? ''}` });
    await until(() => isReady(main), 20_000);
    for (const pid of unbounds(main.place)) process.kill(pid, 'SIGKILL');
    expect(await main.program.ended).toEqual([1, null]);
    expect(main.program.text).toContain('unbound fell too often');
  }, 60_000);
});

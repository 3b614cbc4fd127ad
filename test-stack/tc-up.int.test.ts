// `npm run up`: the first picture, a clean end, and one clear sentence for what may go wrong.

import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ask } from './client.ts';
import { expectPicture } from './contract.ts';
import { eventually } from './fixture.ts';
import { descendantsOf, isAlive } from './processes.ts';
import { type Complaint, type UpProcess, complaint, killUp, startUp, upEnvironment } from './up-process.ts';

jest.setTimeout(90_000);
const STOP_MS = 5_000;

let up: UpProcess | undefined;
afterEach(() => {
  if (up !== undefined) killUp(up);
  up = undefined;
});

const complaintOf = async (env: Readonly<Record<string, string>>, args: readonly string[] = []): Promise<Complaint> => {
  up = startUp(env, args);
  return await complaint(up);
};

interface Plan {
  readonly pictures: readonly { readonly url: string; readonly flags: string }[];
}

describe('npm run up', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('shows the first picture, and leaves no process behind after %s', async (signal) => {
    const env = await upEnvironment();
    up = startUp(env);
    const line = await up.line(/^sekisho is up: /);
    const url = line.slice('sekisho is up: '.length);
    expect(url).toBe(`http://localhost:${env['SEKISHO_GATEWAY_PORT']}`);
    const { pictures } = JSON.parse((await ask(`${url}/demo/plan`)).body.toString()) as Plan;
    expect(pictures.length).toBeGreaterThan(5);
    const [first] = pictures;
    expect((await expectPicture(await ask(`${url}/proxy/image.webp?url=${encodeURIComponent(first?.url ?? '')}${first?.flags}`))).type).toBe('image/webp');
    const everybody = [up.child.pid ?? 0, ...descendantsOf(up.child.pid ?? 0)];
    expect(everybody.length).toBeGreaterThan(5);
    const began = performance.now();
    process.kill(up.child.pid ?? 0, signal);
    expect(await up.ended).toBe(0);
    expect(performance.now() - began).toBeLessThan(STOP_MS);
    expect(await eventually(() => everybody.every((pid) => !isAlive(pid)), 500)).toBe(true);
  });

  it.each([300, 1_200, 2_500])('leaves no process behind when it is ended %i ms after its start', async (ms) => {
    up = startUp(await upEnvironment());
    await delay(ms);
    const everybody = [up.child.pid ?? 0, ...descendantsOf(up.child.pid ?? 0)];
    process.kill(up.child.pid ?? 0, 'SIGINT');
    await delay(100);
    everybody.push(...descendantsOf(up.child.pid ?? 0));
    await up.ended;
    expect(await eventually(() => everybody.every((pid) => !isAlive(pid)), STOP_MS)).toBe(true);
    expect(up.lines.filter((line) => /^\s+at |unhandled/i.test(line))).toEqual([]);
  });

  it('stops everything when one part dies', async () => {
    up = startUp(await upEnvironment());
    await up.line(/^sekisho is up: /);
    const everybody = descendantsOf(up.child.pid ?? 0);
    const redis = everybody.find((pid) => pidName(pid).includes('redis'));
    process.kill(redis ?? 0, 'SIGKILL');
    expect(await up.ended).toBe(1);
    expect(up.lines.some((line) => /redis.*ended/i.test(line))).toBe(true);
    expect(await eventually(() => everybody.every((pid) => !isAlive(pid)), 2_000)).toBe(true);
  });
});

describe('one clear sentence', () => {
  it('for a port that is taken', async () => {
    const env = await upEnvironment();
    const taken = createServer().listen(Number(env['SEKISHO_GATEWAY_PORT']), '127.0.0.1');
    await once(taken, 'listening');
    const { status, lines } = await complaintOf(env);
    taken.close();
    expect({ status, lines }).toEqual({ status: 1, lines: [expect.stringMatching(new RegExp(`port ${env['SEKISHO_GATEWAY_PORT']} is already in use.*SEKISHO_GATEWAY_PORT`))] });
  });

  it('for a variable nobody knows, with the nearest known one', async () => {
    const { status, lines } = await complaintOf({ ...(await upEnvironment()), SEKISHO_GATEWAY_PROT: '1234' });
    expect(status).toBe(1);
    expect(lines.join('\n')).toMatch(/SEKISHO_GATEWAY_PROT.*SEKISHO_GATEWAY_PORT/);
    expect(lines.length).toBeLessThanOrEqual(3);
    expect(lines.join('\n')).not.toMatch(/^\s+at /m);
  });

  it.each([
    ['SEKISHO_GATEWAY_PORT', 'eighty'], ['SEKISHO_PUBLIC_URL', 'not a url'], ['SEKISHO_MEDIA_ACCESS', 'everyone'], ['SEKISHO_TRUSTED_PROXIES', 'my-proxy'], ['SEKISHO_DNS_SERVERS', 'resolver'],
    ['SEKISHO_EGRESS_MODE', 'log'], ['SEKISHO_DNS_FILTER', 'maybe'],
  ])('for a wrong value of %s', async (name, value) => {
    const { status, lines } = await complaintOf({ ...(await upEnvironment()), [name]: value });
    expect(status).toBe(1);
    expect(lines.join('\n')).toContain(name);
    expect(lines.join('\n')).not.toMatch(/^\s+at |node:internal/m);
    expect(lines.length).toBeLessThanOrEqual(14);
  });

  it('for a Redis that is not installed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sekisho-path-'));
    try {
      for (const tool of ['node', 'sh', 'cksum', 'cat', 'dirname', 'readlink', 'uname']) {
        const found = (process.env['PATH'] ?? '').split(delimiter).map((each) => join(each, tool)).find((path) => existsSync(path));
        if (found !== undefined) symlinkSync(found, join(folder, tool));
      }
      const env = await upEnvironment();
      const { status, lines } = await complaintOf({ ...env, PATH: folder, npm_execpath: '/nonexistent/npm-cli.js' }, ['--no-setup']);
      expect({ status, lines }).toEqual({ status: 1, lines: [expect.stringMatching(/no Redis found: set SEKISHO_REDIS_URL or run: sudo apt install redis-server/)] });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function pidName(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8');
  } catch {
    return '';
  }
}

// `npm run up` with its way out: egress-proxy and, where Unbound is installed, the DNS filter.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Resolver } from 'node:dns/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { findProgram } from '../scripts/set-up/programs.ts';
import { ask } from './client.ts';
import { connectRaw } from './egress/misskey-client.ts';
import { expectPicture, expectRefusal } from './contract.ts';
import { eventually } from './fixture.ts';
import { commandOf, descendantsOf, isAlive } from './processes.ts';
import { type Complaint, type UpProcess, complaint, killUp, startUp, upEnvironment } from './up-process.ts';

jest.setTimeout(90_000);
const UNBOUND = /^\S*unbound /;
const withUnbound = findProgram('unbound') === undefined ? it.skip : it;

let up: UpProcess | undefined;
afterEach(() => {
  if (up !== undefined) killUp(up);
  up = undefined;
});

const start = async (env: Readonly<Record<string, string>>): Promise<UpProcess> => {
  up = startUp(env);
  await up.line(/^sekisho is up: /);
  return up;
};
const complaintOf = async (env: Readonly<Record<string, string>>): Promise<Complaint> => {
  up = startUp(env);
  return await complaint(up);
};
const readyz = async (port: string | undefined): Promise<number> => (await ask(`http://127.0.0.1:${port}/readyz`)).status;
const livingOf = (running: UpProcess, part: RegExp): readonly number[] => descendantsOf(running.child.pid ?? 0).filter((pid) => part.test(commandOf(pid)));

describe('npm run up', () => {
  withUnbound('starts egress-proxy and DNS filter, says so, and still shows pictures and refuses attacks', async () => {
    const env = await upEnvironment();
    const running = await start(env);
    expect(running.lines).toEqual(expect.arrayContaining([
      expect.stringMatching(new RegExp(`^egress-proxy: 127\\.0\\.0\\.1:${env['SEKISHO_EGRESS_PORT']}, .*docs/egress\\.md`)),
      expect.stringMatching(new RegExp(`^dns-filter: 127\\.0\\.0\\.1:${env['SEKISHO_DNS_FILTER_PORT']}, `)),
    ]));
    expect([await readyz(env['SEKISHO_EGRESS_PROXY_OPS_PORT']), await readyz(env['SEKISHO_DNS_FILTER_OPS_PORT'])]).toEqual([200, 200]);
    const port = Number(env['SEKISHO_EGRESS_PORT']);
    // The demo's name of a private address: the filter leaves nothing of it.
    expect((await connectRaw(port, 'inside.peer.example:443')).status).toBe(502);
    expect((await connectRaw(port, '127.0.0.1:443')).status).toBe(403);
    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${env['SEKISHO_DNS_FILTER_PORT']}`]);
    expect(await resolver.resolve4('pictures.origin.example')).toEqual(['127.0.0.1']);
    await expect(resolver.resolve4('inside.peer.example')).rejects.toThrow('ENODATA');
    const url = `http://localhost:${env['SEKISHO_GATEWAY_PORT']}`;
    const { pictures } = JSON.parse((await ask(`${url}/demo/plan`)).body.toString()) as { readonly pictures: readonly { readonly url: string; readonly flags: string }[] };
    await expectPicture(await ask(`${url}/proxy/image.webp?url=${encodeURIComponent(pictures[0]?.url ?? '')}${pictures[0]?.flags}`));
    expectRefusal(await ask(`${url}/proxy/image.webp?url=${encodeURIComponent('https://inside.peer.example/a.png')}`), 403, 'FORBIDDEN_TARGET');
  });

  it('starts no DNS filter with SEKISHO_DNS_FILTER=off, and says so', async () => {
    const env = await upEnvironment();
    const running = await start({ ...env, SEKISHO_DNS_FILTER: 'off' });
    expect(running.lines).toContain('dns-filter: off (SEKISHO_DNS_FILTER=off)');
    expect(livingOf(running, /dns-filter|unbound/)).toEqual([]);
    expect((await connectRaw(Number(env['SEKISHO_EGRESS_PORT']), 'inside.peer.example:443')).status).toBe(403);
  });

  withUnbound('goes on when somebody kills Unbound, which is started again', async () => {
    const env = await upEnvironment();
    const running = await start(env);
    const [victim = 0] = livingOf(running, UNBOUND);
    process.kill(victim, 'SIGKILL');
    const isBack = async (): Promise<boolean> => livingOf(running, UNBOUND).some((pid) => pid !== victim) && (await readyz(env['SEKISHO_DNS_FILTER_OPS_PORT'])) === 200;
    expect(await eventually(isBack, 20_000)).toBe(true);
    expect((await connectRaw(Number(env['SEKISHO_EGRESS_PORT']), 'inside.peer.example:443')).status).toBe(502);
  });

  withUnbound.each([['dns-filter', /services\/dns-filter/], ['egress-proxy', /services\/egress-proxy/]])('ends as a whole, without a rest, when somebody kills the %s', async (name, part) => {
    const running = await start(await upEnvironment());
    const everybody = descendantsOf(running.child.pid ?? 0);
    const [victim = 0] = livingOf(running, part);
    process.kill(victim, 'SIGKILL');
    expect(await running.ended).toBe(1);
    expect(running.lines).toContain(`sekisho stops (${name})`);
    expect(await eventually(() => everybody.every((pid) => !isAlive(pid)), 2_000)).toBe(true);
  });
});

describe('one clear sentence', () => {
  it.each(['SEKISHO_EGRESS_PORT', 'SEKISHO_EGRESS_PROXY_OPS_PORT', ...(findProgram('unbound') === undefined ? [] : ['SEKISHO_DNS_FILTER_PORT', 'SEKISHO_DNS_FILTER_OPS_PORT'])])('for a taken %s', async (name) => {
    const env = await upEnvironment();
    const taken = createServer().listen(Number(env[name]), '127.0.0.1');
    await once(taken, 'listening');
    const { status, lines } = await complaintOf(env);
    taken.close();
    expect({ status, lines }).toEqual({ status: 1, lines: [expect.stringMatching(new RegExp(`port ${env[name]} is already in use.*${name}`))] });
  });

  withUnbound('for a DNS port that is taken in UDP only', async () => {
    const env = await upEnvironment();
    const taken = createSocket('udp4').bind(Number(env['SEKISHO_DNS_FILTER_PORT']), '127.0.0.1');
    await once(taken, 'listening');
    const { status, lines } = await complaintOf(env);
    taken.close();
    expect({ status, lines }).toEqual({ status: 1, lines: [expect.stringMatching(/is already in use.*SEKISHO_DNS_FILTER_PORT/)] });
  });

  it('for two services on one port', async () => {
    const env = await upEnvironment();
    const { status, lines } = await complaintOf({ ...env, SEKISHO_EGRESS_PORT: env['SEKISHO_GATEWAY_PORT'] ?? '' });
    expect(status).toBe(1);
    expect(lines.join('\n')).toContain('two services would listen on the same port');
  });
});

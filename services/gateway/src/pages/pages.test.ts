import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { createMetrics, systemClock } from '@sekisho/runtime';
import { createGatewayMetrics } from '../metrics.ts';
import type { PassContext } from '../passthrough/passthrough.ts';
import { type PagesDeps, createPages } from './pages.ts';

function setUp(over?: { readonly code: 'SEKISHO_LIMIT_CLIENT'; readonly retryAfterS: number }) {
  const lines: Record<string, unknown>[] = [];
  const misskey: boolean[] = [];
  const passed: PassContext[] = [];
  const deps = {
    passthrough: { handle: (_req: unknown, _res: unknown, context: PassContext) => void passed.push(context), upgrade: () => undefined },
    budget: { tick: () => (over === undefined ? undefined : { ok: false, ...over }) },
    identify: () => ({ address: '192.0.2.1', key: '192.0.2.1', net: '192.0.2.0/24' }),
    metrics: createGatewayMetrics(createMetrics('gateway')),
    journal: { info: (fields: Record<string, unknown>) => void lines.push(fields) },
    clock: systemClock,
    onMisskey: (up: boolean) => void misskey.push(up),
  } as unknown as PagesDeps;
  return { pages: createPages(deps), lines, misskey, passed };
}

const requestOf = (url: string): IncomingMessage =>
  ({ url, method: 'GET', headers: {}, socket: { remoteAddress: '192.0.2.1' }, complete: true }) as unknown as IncomingMessage;

describe('createPages()', () => {
  it('writes one line that holds neither query nor further path', () => {
    const { pages, lines, misskey, passed } = setUp();
    pages.handle(requestOf('/streaming/secret?i=token'), {} as ServerResponse);
    passed[0]?.onEnd?.({ status: 200, bytes: 5, code: undefined, aborted: false });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ area: '/streaming', status: 200, bytes: 5, client: '192.0.2.1' });
    expect(JSON.stringify(lines)).not.toMatch(/token|secret/);
    expect(misskey).toEqual([true]);
  });

  it('says that Misskey is away, and nothing about it when the client left', () => {
    const { pages, misskey, passed } = setUp();
    pages.handle(requestOf('/'), {} as ServerResponse);
    passed[0]?.onEnd?.({ status: 503, bytes: 0, code: 'SEKISHO_MISSKEY_AWAY', aborted: false });
    passed[0]?.onEnd?.({ status: 0, bytes: 0, code: undefined, aborted: true });
    expect(misskey).toEqual([false]);
  });

  it('refuses a spent budget before Misskey hears of it', () => {
    const { pages, lines, passed } = setUp({ code: 'SEKISHO_LIMIT_CLIENT', retryAfterS: 7 });
    const head: unknown[] = [];
    const res = { writeHead: (...args: unknown[]) => void head.push(...args), end: () => undefined } as unknown as ServerResponse;
    pages.handle(requestOf('/api/meta'), res);
    expect(passed).toHaveLength(0);
    expect(head[0]).toBe(429);
    expect(head[2]).toEqual(expect.arrayContaining(['Retry-After', '7']));
    expect(lines[0]).toMatchObject({ status: 429, code: 'SEKISHO_LIMIT_CLIENT' });
  });
});

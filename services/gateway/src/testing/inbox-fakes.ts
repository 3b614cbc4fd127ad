// The handler of the inbox behind a real server, with ports that take notes and fail where a test wants it.

import type { Code, InboxMode } from '@sekisho/contracts';
import type { InboxHead, ReadActivity } from '@sekisho/inbox-policy';
import { createLoggers, systemClock } from '@sekisho/runtime';
import { PassThrough } from 'node:stream';
import type { HeldCharge } from '../limits/budget.ts';
import { createAccepted } from '../inbox/answer.ts';
import { deny } from '../inbox/deny.ts';
import { type InboxDeps, type InboxHandler, createInboxHandler } from '../inbox/handler.ts';
import type { Claim, Delivery, End, Visit } from '../inbox/types.ts';
import { type GatewayServer, createGatewayServer } from '../server/server.ts';

/** In the order in which a request passes them. */
export const STEPS = ['tick', 'readHead', 'hold', 'checkDigest', 'parseStrictJson', 'claim', 'checkHosts', 'readActivity', 'verify', 'holdNamed', 'audience', 'judge', 'deliver'] as const;
export type Step = (typeof STEPS)[number];

export interface Fakes {
  readonly calls: string[];
  readonly ends: { readonly visit: Visit; readonly end: End }[];
  readonly settled: number[];
  /** Of host and actor. */
  readonly senderSettled: number[];
  /** Steps that refuse with a code, and steps that break. */
  refuses: Partial<Record<Step, Code>>;
  throws: Partial<Record<Step, true>>;
  delivery: Delivery;
  quarantines: boolean;
}

export interface FakeInbox extends Fakes {
  readonly gateway: GatewayServer;
  readonly handler: InboxHandler;
  readonly port: number;
  close(): Promise<void>;
}

const head: InboxHead = {
  ok: true, digest: Buffer.alloc(32), signedAtMs: 0, replayKey: 'replay',
  signature: { scheme: 'cavage', keyId: 'https://misskey.peer.example/u#k', keyHost: 'misskey.peer.example', algorithm: 'rsa-sha256', covered: [], signature: '', signingString: '' },
};
const activity: ReadActivity = {
  ok: true, type: 'Follow', id: 'https://misskey.peer.example/f', actor: 'https://misskey.peer.example/u', actorHost: 'misskey.peer.example', objectType: undefined,
  object: undefined, hosts: new Set(), forwarded: false, visibility: 'unknown', value: {},
};
const ANSWER: Delivery = { kind: 'answer', status: 202, headers: ['content-length', '0'], body: Buffer.alloc(0) };

export async function startFakeInbox(mode: InboxMode, over: Partial<InboxDeps> = {}): Promise<FakeInbox> {
  const fakes: Fakes = { calls: [], ends: [], settled: [], senderSettled: [], refuses: {}, throws: {}, delivery: ANSWER, quarantines: true };
  const handler = createInboxHandler({ ...depsOf(mode, fakes), ...over });
  const gateway = createGatewayServer({
    hot: (req, res) => handler.handle(req, res), app: (_req, res) => void res.writeHead(299).end(), upgrade: (_req, socket) => void socket.destroy(),
    limits: { checkMs: 50, drainMs: 200 },
  });
  const port = await gateway.listen(0, '127.0.0.1');
  return Object.assign(fakes, { gateway, handler, port, close: async () => await gateway.close() });
}

/** Of 6 ms; the first settlement counts. */
function chargeOf(settled: number[]): HeldCharge {
  let isOpen = true;
  return {
    ok: true, costMs: 6,
    settle: (usedMs) => {
      if (isOpen) settled.push(usedMs);
      isOpen = false;
    },
  };
}

function never(): never {
  throw new Error('the inbox waits for no limiter');
}

function depsOf(mode: InboxMode, fakes: Fakes): InboxDeps {
  const step = <T>(name: Step, pass: T) => {
    fakes.calls.push(name);
    if (fakes.throws[name] === true) throw new Error(`broken ${name}`);
    const code = fakes.refuses[name];
    return code === undefined ? pass : deny(code, name);
  };
  const mark = { done: async () => void fakes.calls.push('done'), release: async () => void fakes.calls.push('release') };
  const { log } = createLoggers({ service: 'gateway', level: 'error', destination: new PassThrough().resume() });
  const claimOf = (outcome: 'free' | { readonly code: Code }): Claim => {
    if (outcome === 'free') return { kind: 'free', mark };
    return { kind: outcome.code === 'SEKISHO_INBOX_REPLAY' ? 'done' : 'pending' };
  };
  return {
    mode, log, clock: systemClock, publicUrl: new URL('https://self.example'), accepted: createAccepted(), whenKeyAway: 'pass', enqueue: undefined,
    identify: () => ({ address: '203.0.113.9', key: '203.0.113.9', net: '203.0.113.0/24' }),
    policy: {
      readHead: () => step('readHead', head), checkDigest: () => step('checkDigest', undefined),
      parseStrictJson: () => step('parseStrictJson', { ok: true as const, value: { type: 'Follow' } }), readActivity: () => step('readActivity', activity),
    },
    headRules: () => ({}) as never, activityRules: () => ({}) as never,
    marks: { claim: async () => claimOf(step('claim', 'free' as const)) },
    rules: {
      checkHosts: () => step('checkHosts', undefined),
      judge: () => (typeof step('judge', 'pass' as const) === 'string' ? { action: 'allow' } : { action: fakes.refuses.judge === 'SEKISHO_INBOX_RULE_QUARANTINE' ? 'quarantine' : 'reject', rule: 'r' }),
      saw: () => undefined,
    },
    verify: { verify: async () => step('verify', 'verified' as const) },
    audience: { check: async () => step('audience', undefined) },
    captures: { quarantine: async () => fakes.quarantines },
    budget: {
      tick: () => (typeof step('tick', 'ok') === 'string' ? undefined : { ok: false, code: 'SEKISHO_LIMIT_CLIENT', retryAfterS: 7 }),
      holdNamed: () => (typeof step('holdNamed', 'ok') === 'string' ? chargeOf(fakes.senderSettled) : { ok: false, index: 0, retryAfterS: 9 }),
      tickRules: () => undefined,
      hold: () => (typeof step('hold', 'ok') === 'string' ? chargeOf(fakes.settled) : { ok: false, code: 'SEKISHO_LIMIT_NET', retryAfterS: 3 }),
      open: never,
    },
    forward: { deliver: async () => (step('deliver', 'ok') === 'ok' ? fakes.delivery : { kind: 'fault', code: 'SEKISHO_MISSKEY_AWAY' }) },
    onMisskey: () => undefined,
    onEnd: (visit, end) => void fakes.ends.push({ visit, end }),
  };
}

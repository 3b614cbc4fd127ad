// The part of a tunnel in which nothing passes unseen: the ClientHello goes on only after its check, and no further byte
// of the client before the server's choice is checked. A HelloRetryRequest runs the same two steps once more.

import type { Socket } from 'node:net';
import type { Code } from '@sekisho/contracts';
import type { Clock } from '@sekisho/runtime';
import type { Mode } from '../policy/decide.ts';
import { createHelloReader, type HelloReader, type HelloStep } from '../tls/hello-reader.ts';
import { type Inspected, inspectClient, inspectServer } from '../tls/inspect.ts';
import { nextChunk } from './sockets.ts';

export interface HandshakeOptions {
  readonly client: Socket;
  readonly server: Socket;
  readonly host: string;
  /** Client bytes that came before the tunnel stood. */
  readonly early: Buffer;
  readonly mode: Mode;
  readonly helloMs: number;
  readonly clock: Clock;
}

export interface Versions {
  readonly client: number | undefined;
  readonly server: number | undefined;
}

/** Held bytes, to be forwarded first. */
interface Rest {
  readonly toServer: Buffer;
  readonly toClient: Buffer;
}

type Settled =
  /** `wouldDeny`: what `report` let pass. */
  | (Rest & { readonly kind: 'open'; readonly wouldDeny: Code | undefined; readonly detail: string })
  | { readonly kind: 'refused'; readonly code: Code; readonly detail: string };

/** `alert`: one end gave up by an alert, which has been passed on. */
export type HandshakeEnd = { readonly versions: Versions } & (Settled | { readonly kind: 'alert' });

const ROUNDS_MAX = 2;

interface Side {
  readonly from: Socket;
  readonly to: Socket;
  readonly reader: HelloReader;
  readonly inspect: (step: HelloStep) => Inspected<Code>;
  readonly goneCode: Code;
  readonly timeoutCode: Code;
}

/** Never rejects; closes nothing. Both sockets are paused before and after. */
export async function runHandshake(options: HandshakeOptions): Promise<HandshakeEnd> {
  const { client, server } = makeSides(options);
  const versions: { client: number | undefined; server: number | undefined } = { client: undefined, server: undefined };
  const rest = (): Rest => ({ toServer: client.reader.takeAll(), toClient: server.reader.takeAll() });
  const stop = (result: Inspected<Code>, side: Side): HandshakeEnd => {
    if (result.kind === 'refused') return { ...settle(result, options.mode, rest), versions };
    forward(side);
    return { kind: 'alert', versions };
  };
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const hello = await awaitHello(client, options);
    versions.client = versionOf(hello) ?? versions.client;
    if (hello.kind !== 'ok') return stop(hello, client);
    forward(client);
    const choice = await awaitHello(server, options);
    versions.server = versionOf(choice) ?? versions.server;
    if (choice.kind !== 'ok') return stop(choice, server);
    if (!choice.retry) return { kind: 'open', ...rest(), wouldDeny: undefined, detail: '', versions };
    if (round === ROUNDS_MAX - 1) break;
    forward(server);
    client.reader.retry();
    server.reader.retry();
  }
  return stop({ kind: 'refused', code: 'SEKISHO_EGRESS_SERVER_HELLO', detail: 'a second retry request' }, server);
}

function makeSides({ client, server, host, early }: HandshakeOptions): { readonly client: Side; readonly server: Side } {
  const ofClient = createHelloReader({ expect: 1 });
  if (early.length > 0) ofClient.push(early);
  return {
    client: {
      from: client, to: server, reader: ofClient, inspect: (step) => inspectClient(step, host),
      goneCode: 'SEKISHO_EGRESS_CLIENT_GONE', timeoutCode: 'SEKISHO_EGRESS_CLIENT_TIMEOUT',
    },
    server: {
      from: server, to: client, reader: createHelloReader({ expect: 2 }), inspect: inspectServer,
      goneCode: 'SEKISHO_EGRESS_SERVER_GONE', timeoutCode: 'SEKISHO_EGRESS_SERVER_TIMEOUT',
    },
  };
}

const forward = ({ to, reader }: Side): void => void to.write(reader.takeRead());

const versionOf = (result: Inspected<Code>): number | undefined => ('version' in result ? result.version : undefined);

/** `report` gives up inspecting and lets the rest pass; a connection that is gone stays gone. */
function settle(refused: { readonly code: Code; readonly detail: string }, mode: Mode, rest: () => Rest): Settled {
  const { code, detail } = refused;
  const isGone = code === 'SEKISHO_EGRESS_CLIENT_GONE' || code === 'SEKISHO_EGRESS_SERVER_GONE' || code === 'SEKISHO_EGRESS_SERVER_TIMEOUT';
  if (mode === 'enforce' || isGone) return { kind: 'refused', code, detail };
  return { kind: 'open', ...rest(), wouldDeny: code, detail };
}

async function awaitHello(side: Side, options: HandshakeOptions): Promise<Inspected<Code>> {
  const { clock } = options;
  const deadlineMs = clock.monotonicMs() + options.helloMs;
  const refused = (code: Code, detail: string): Inspected<Code> => ({ kind: 'refused', code, detail });
  for (;;) {
    const result = side.inspect(side.reader.next());
    if (result.kind !== 'more') return result;
    const chunk = await nextChunk(side.from, side.to, deadlineMs - clock.monotonicMs());
    if (chunk === 'timeout') return refused(side.timeoutCode, 'no whole hello in time');
    if (chunk === 'end') return refused(side.goneCode, 'ended before its hello was complete');
    if (chunk === 'gone') return refused(side.from.destroyed ? side.goneCode : otherGone(side), 'broke off during the handshake');
    side.reader.push(chunk);
  }
}

const otherGone = (side: Side): Code =>
  side.goneCode === 'SEKISHO_EGRESS_CLIENT_GONE' ? 'SEKISHO_EGRESS_SERVER_GONE' : 'SEKISHO_EGRESS_CLIENT_GONE';

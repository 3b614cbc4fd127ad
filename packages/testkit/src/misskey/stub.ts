// A stub that is enough of a Misskey to be proxied to: no database, the same surface.

import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { route } from './routes.ts';
import { REQUESTS_MAX, type StubFile, type StubState, remember } from './state.ts';
import { acceptWebSocket } from './websocket.ts';

export interface MisskeyStubOptions {
  /** URL of the instance as users see it; default the stub's own. */
  readonly publicUrl?: string;
  /** Base of the media proxy that its URLs name; default `<publicUrl>/media`. */
  readonly mediaProxy?: string;
  readonly files?: Readonly<Record<string, StubFile>>;
  /** Keys of /files that answer 301 to this Location. */
  readonly redirects?: Readonly<Record<string, string>>;
  /** For coming back on the port of a stub that went away. */
  readonly port?: number;
  /** Address to listen on; default loopback. */
  readonly host?: string;
  readonly keepBodies?: boolean;
  /** Requests remembered, default 1,000. */
  readonly requestsMax?: number;
}

/** What tests may change while it runs. */
type Switches = Pick<StubState, 'federation' | 'inboxStatus' | 'inboxDelayMs' | 'inboxReadDelayMs'>;

export interface MisskeyStub extends Readonly<Omit<StubState, keyof Switches>>, Switches {
  readonly url: string;
  readonly port: number;
  /** Cuts every open connection. */
  cut(): void;
  close(): Promise<void>;
}

export async function startMisskeyStub(options: MisskeyStubOptions = {}): Promise<MisskeyStub> {
  const state: StubState = {
    files: new Map(Object.entries(options.files ?? {})),
    redirects: new Map(Object.entries(options.redirects ?? {})),
    requests: [],
    publicUrl: '',
    mediaProxy: '',
    federation: 'all',
    jobs: [],
    inboxStatus: undefined,
    inboxDelayMs: 0,
    inboxReadDelayMs: 0,
    keepBodies: options.keepBodies ?? false,
    requestsMax: options.requestsMax ?? REQUESTS_MAX,
    bytesSent: 0,
    connections: 0,
    webSockets: 0,
  };
  const sockets = new Set<Duplex>();
  // Misskey's own server keeps connections for 72 s and takes uploads of any duration.
  const server = createServer({ keepAliveTimeout: 72_000, requestTimeout: 0 }, (req, res) => handle(state, req, res));
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    state.connections += 1;
    socket.once('close', () => {
      sockets.delete(socket);
      state.connections -= 1;
    });
  });
  server.on('upgrade', (req: IncomingMessage, socket: Duplex) => {
    remember(state, req);
    acceptWebSocket(state, req, socket);
  });
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const url = `http://127.0.0.1:${address.port}`;
  state.publicUrl = options.publicUrl ?? url;
  state.mediaProxy = options.mediaProxy ?? `${state.publicUrl}/media`;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return Object.assign(state, {
    url,
    port: address.port,
    cut,
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  });
}

function handle(state: StubState, req: IncomingMessage, res: ServerResponse): void {
  const record = remember(state, req);
  res.on('error', () => undefined);
  res.once('close', () => {
    record.aborted ||= !res.writableFinished;
  });
  const url = new URL(req.url ?? '/', 'http://stub');
  route({ state, req, res, url, record }).catch(() => res.destroy());
}

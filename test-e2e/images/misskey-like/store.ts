// A line to the stand-in of a database or a Redis, and its line back: who asks, with which password, for what.

import { once } from 'node:events';
import { connect } from 'node:net';
import type { StoreSettings } from './config.ts';

const STORE_MS = 2_000;

export interface StoreQuestion {
  readonly user?: string;
  readonly pass?: string | undefined;
  readonly db?: string;
  readonly from: 'web' | 'queue' | 'migration';
  readonly what: 'ping' | 'migrate';
}

export interface StoreAnswer {
  /** False: the password is wrong. */
  readonly isKnown: boolean;
  /** A migration has run. */
  readonly isMigrated: boolean;
}

/** @throws when the store cannot be reached or does not answer. */
export async function askStore({ host, port }: StoreSettings, question: StoreQuestion): Promise<StoreAnswer> {
  const socket = connect({ host, port });
  const timer = setTimeout(() => socket.destroy(new Error(`${host}:${port} did not answer`)), STORE_MS);
  try {
    await once(socket, 'connect');
    socket.end(`${JSON.stringify(question)}\n`);
    const chunks: Buffer[] = [];
    for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
    return JSON.parse(Buffer.concat(chunks).toString()) as StoreAnswer;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

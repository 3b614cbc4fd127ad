// The gateway's connections to the state Redis. Small commands (limiter, flights) never stand behind pictures, and each
// subscriber has a connection of its own, as Redis wants it.

import type { Redis } from 'ioredis';
import { createConnect } from './connect.ts';

const COMMAND_MS = 1_000;

export interface StateConnections {
  /** Also keys, ages and audiences of the inbox. */
  readonly limiter: Redis;
  /** Of the inbox, which has deadlines of its own: those of the client cost an activity 0.1 ms. */
  readonly marks: Redis;
  /** Also the streams of the inbox. */
  readonly cache: Redis;
  readonly flights: Redis;
  readonly flightSubscriber: Redis;
  readonly purgeSubscriber: Redis;
  readonly ready: boolean;
  close(): void;
}

/** @param onError hears of every connection error; the connections come back by themselves. */
export function createStateConnections(url: string, onError: (error: Error) => void): StateConnections {
  const connect = createConnect(url, onError);
  const command = { commandTimeout: COMMAND_MS };
  const limiter = connect(command);
  const marks = connect({});
  const cache = connect(command);
  const flights = connect(command);
  const flightSubscriber = connect({});
  const purgeSubscriber = connect({});
  const all = [limiter, marks, cache, flights, flightSubscriber, purgeSubscriber];
  return {
    limiter,
    marks,
    cache,
    flights,
    flightSubscriber,
    purgeSubscriber,
    get ready() {
      return [limiter, marks, cache].every(({ status }) => status === 'ready');
    },
    close: () => {
      for (const redis of all) redis.disconnect();
    },
  };
}

// Who waits for which job, and how the end of a job reaches it: a message on this gateway's channel, or, should that be
// lost with a connection, the reply key that stays for a minute.

import { type ImageReply, REPLY_CHARS_MAX, parseImageReply, workKeys } from '@sekisho/contracts';
import type { Redis } from 'ioredis';

/** How often keys of waiting jobs are read besides the messages: what a lost message costs at most. */
export const REREAD_MS = 1_000;

export type ReplyRead = ImageReply | 'invalid' | undefined;

export interface Replies {
  /** Waits without limit until the reply is there or `cancel` is called. Register before the job is added. */
  expect(jobId: string): { readonly reply: Promise<ReplyRead>; cancel(): unknown };
  /** The reply key, once. */
  read(jobId: string): Promise<ReplyRead>;
  readonly waiting: number;
  close(): Promise<void>;
}

export interface RepliesOptions {
  readonly commands: Redis;
  readonly subscriber: Redis;
  readonly gatewayId: string;
  readonly rereadMs: number;
  /** A message that no worker of ours would send. */
  readonly onStrangeMessage?: () => void;
}

export function createReplies(options: RepliesOptions): Replies {
  const { commands, subscriber, gatewayId } = options;
  const channel = workKeys.done(gatewayId);
  const waiting = new Map<string, (reply: ReplyRead) => void>();
  let timer: NodeJS.Timeout | undefined;

  const settle = (jobId: string, reply: ReplyRead): void => {
    waiting.get(jobId)?.(reply);
    waiting.delete(jobId);
    if (waiting.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  const read = async (jobId: string): Promise<ReplyRead> => {
    const text = await commands.getrange(workKeys.reply(jobId), 0, REPLY_CHARS_MAX);
    return text === '' ? undefined : matching(text, jobId);
  };
  const reread = async (): Promise<void> => {
    const jobIds = [...waiting.keys()];
    const replies = await Promise.allSettled(jobIds.map((jobId) => read(jobId)));
    for (const [index, result] of replies.entries()) {
      const jobId = jobIds[index];
      if (jobId !== undefined && result.status === 'fulfilled' && result.value !== undefined) settle(jobId, result.value);
    }
  };
  const onMessage = (from: string, text: string): void => {
    if (from !== channel) return;
    const reply = parseImageReply(text);
    if (reply === undefined) options.onStrangeMessage?.();
    else settle(reply.jobId, reply);
  };
  const onReady = (): void => {
    subscribe(subscriber, channel);
    void reread();
  };
  subscriber.on('message', onMessage);
  subscriber.on('ready', onReady);
  if (subscriber.status === 'ready') onReady();

  return {
    expect: (jobId) => {
      const { promise, resolve } = Promise.withResolvers<ReplyRead>();
      waiting.set(jobId, resolve);
      timer ??= setInterval(() => void reread(), options.rereadMs);
      return { reply: promise, cancel: () => waiting.get(jobId) === resolve && settle(jobId, undefined) };
    },
    read,
    get waiting() {
      return waiting.size;
    },
    close: async () => {
      for (const jobId of waiting.keys()) settle(jobId, undefined);
      subscriber.off('message', onMessage);
      subscriber.off('ready', onReady);
      await subscriber.unsubscribe(channel).catch(() => undefined);
    },
  };
}

/** Failing means the connection is down again; `ready` comes back with it. */
const subscribe = (subscriber: Redis, channel: string): void => void subscriber.subscribe(channel).catch(() => undefined);

function matching(text: string, jobId: string): ReplyRead {
  const reply = parseImageReply(text);
  return reply?.jobId === jobId ? reply : 'invalid';
}

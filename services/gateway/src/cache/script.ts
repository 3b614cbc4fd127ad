// A Lua script with its hash: sent whole only when a server does not know it yet (after a restart).

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

export type ScriptArgument = string | number | Buffer;
export type Script = (redis: Redis, keys: readonly string[], args: readonly ScriptArgument[]) => Promise<unknown>;

const read = (name: string): string => readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');

/** Script made of the named files, in order. */
export function loadScript(...names: readonly string[]): Script {
  const text = names.map(read).join('\n');
  const sha = createHash('sha1').update(text).digest('hex');
  return async (redis, keys, args) => {
    try {
      return await redis.evalsha(sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await redis.eval(text, keys.length, ...keys, ...args);
    }
  };
}

/** Reply of a script as whole numbers; a reply of another form is a defect of the script. */
export function integers(reply: unknown): readonly number[] {
  if (!Array.isArray(reply)) throw new TypeError('the script did not answer with a list');
  return reply.map(Number);
}

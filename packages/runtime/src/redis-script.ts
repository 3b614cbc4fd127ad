// A Lua script with its hash: sent whole only when a server does not know it yet (after a restart or SCRIPT FLUSH).

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export type ScriptArgument = string | number | Buffer;

/** What of a Redis client a script needs. */
export interface ScriptServer {
  evalsha(sha: string, keyCount: number, ...rest: ScriptArgument[]): Promise<unknown>;
  eval(text: string, keyCount: number, ...rest: ScriptArgument[]): Promise<unknown>;
}

/** Runs the script; the reply is whatever it returns, to be parsed by the caller. */
export type Script = (redis: ScriptServer, keys: readonly string[], args: readonly ScriptArgument[]) => Promise<unknown>;

export function createScript(text: string): Script {
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

/** Script made of files, in order. @param folder ends with a slash. */
export const loadScript = (folder: URL, names: readonly string[]): Script =>
  createScript(names.map((name) => readFileSync(new URL(`${name}.lua`, folder), 'utf8')).join('\n'));

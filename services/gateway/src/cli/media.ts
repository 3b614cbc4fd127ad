// `npm run media -- purge …`: a moderator's commands for the media caches.

import { ConfigError } from '@sekisho/runtime';
import { Redis } from 'ioredis';
import { readStateRedisUrl } from '../config.ts';
import { purge } from '../purge/purge.ts';
import { USAGE, parseCommand } from './purge-command.ts';

const CONNECT_MS = 5_000;
const COMMAND_MS = 30_000;
const EXIT_USAGE = 2;

async function main(args: readonly string[]): Promise<number> {
  const command = parseCommand(args);
  if (!command.ok) {
    console.error(`${command.problem}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  const redis = new Redis(readStateRedisUrl(), {
    lazyConnect: true,
    enableReadyCheck: false,
    disableClientInfo: true,
    connectTimeout: CONNECT_MS,
    commandTimeout: COMMAND_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    const report = await purge(redis, command.order);
    console.log(`purged ${report.entries} cached answers (${report.bytes} bytes) and ${report.streams} stream descriptions`);
    console.log(`told ${report.gateways} gateway processes`);
    return 0;
  } catch (error) {
    console.error(`nothing or only a part was purged: the state Redis did not answer (${error instanceof Error ? error.message : 'unknown'})`);
    return 1;
  } finally {
    redis.disconnect();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exitCode = EXIT_USAGE;
}

// npm run media: a moderator's commands. Without SEKISHO_REDIS_URL they speak to the local stack that is running.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const local = join(dirname(import.meta.dirname), '.run', 'state-redis-url');
const isNamed = ['SEKISHO_REDIS_URL', 'SEKISHO_REDIS_URL_FILE'].some((name) => process.env[name] !== undefined);
if (!isNamed && existsSync(local)) process.env['SEKISHO_REDIS_URL'] = readFileSync(local, 'utf8');
await import('../services/gateway/src/cli/media.ts');

// Every generated file of the repository.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderAddresses } from './addresses.ts';
import { apparmorFiles } from './apparmor/profile.ts';
import { renderChartReadme } from './chart/readme.ts';
import { renderValuesSchema } from './chart/schema.ts';
import { readValues } from './chart/values.ts';
import { dnsFiles } from './dns.ts';
import type { GeneratedFile } from './drift.ts';
import { renderEnvironment } from './environment.ts';
import { renderErrors } from './errors.ts';
import { renderInboxFields } from './inbox-rules.ts';
import { renderLimits } from './limits.ts';
import { readMetrics, renderMetrics } from './metrics.ts';
import { renderPublicBlocks } from './network-policy.ts';
import { rulesFileJsonSchema } from '@sekisho/inbox-policy/rules';
import { limitsFileJsonSchema } from '../../services/gateway/src/limits-file/schema.ts';
import { renderMisskeyQueueAcl } from '../redis-misskey-queue.ts';
import { readSchemas } from './schemas.ts';
import { seccompFiles } from './seccomp/files.ts';
import { renderAttempts, withWalls } from '../../test-sandbox/table.ts';

/** @param root folder of the repository. */
export async function generatedFiles(root: string): Promise<readonly GeneratedFile[]> {
  return [
    { path: 'docs/reference/errors.md', text: renderErrors() },
    { path: 'docs/reference/environment.md', text: renderEnvironment(readSchemas(root)) },
    { path: 'docs/reference/metrics.md', text: renderMetrics(await readMetrics(root)) },
    { path: 'docs/reference/limits.md', text: renderLimits() },
    { path: 'docs/reference/addresses.md', text: renderAddresses() },
    { path: 'charts/sekisho/files/addresses/public.yaml', text: renderPublicBlocks() },
    { path: 'services/gateway/limits.schema.json', text: `${JSON.stringify(limitsFileJsonSchema(), undefined, 2)}\n` },
    { path: 'services/gateway/inbox-rules.schema.json', text: `${JSON.stringify(rulesFileJsonSchema(), undefined, 2)}\n` },
    { path: 'docs/reference/inbox-fields.md', text: renderInboxFields() },
    { path: 'docs/reference/attempts.md', text: renderAttempts() },
    // By hand but for one table in it.
    { path: 'docs/security-model.md', text: withWalls(readFileSync(join(root, 'docs/security-model.md'), 'utf8')) },
    ...apparmorFiles(),
    ...chartFiles(root),
    ...dnsFiles(),
    ...seccompFiles(root),
    ...(await redisUsers(root)),
    { path: 'k8s/redis/misskey-queue.acl', text: renderMisskeyQueueAcl() },
  ];
}

function chartFiles(root: string): readonly GeneratedFile[] {
  const values = readValues(readFileSync(join(root, 'charts/sekisho/values.yaml'), 'utf8'));
  return [
    { path: 'charts/sekisho/values.schema.json', text: renderValuesSchema(values) },
    { path: 'charts/sekisho/README.md', text: renderChartReadme(values) },
  ];
}

/** The Redis users are rendered where the local stack and the tests get them from. */
async function redisUsers(root: string): Promise<readonly GeneratedFile[]> {
  const script = join(root, 'scripts/redis-users.ts');
  if (!existsSync(script)) return [];
  const module: unknown = await import(script);
  if (typeof module !== 'object' || module === null || !('renderUsersAcl' in module)) return [];
  const render = module.renderUsersAcl;
  const text: unknown = typeof render === 'function' ? await render() : undefined;
  // The chart reads only what lies below it.
  const paths = ['k8s/redis/users.acl', 'charts/sekisho/files/redis/users.acl'];
  return typeof text === 'string' ? paths.map((path) => ({ path, text })) : [];
}

// The only reader of the environment in this service.

import { availableParallelism } from 'node:os';
import { LIMITS } from '@sekisho/contracts';
import { ConfigError, REDIS_URLS, envFields, loadConfig } from '@sekisho/runtime';
import { z } from 'zod';
import type { IsolationMode } from './pool/isolation.ts';
import type { SandboxMode } from './sandbox/plan.ts';

const SERVICE = 'image-worker';
const SLOTS_MAX = 64;
/** A picture's longest decode, and its answer. */
const DRAIN_MS = LIMITS.decodeWallMs + 500;

const schema = z.object({
  SEKISHO_WORK_REDIS_URL: envFields.redisUrl().optional(),
  SEKISHO_WORK_REDIS_URL_FILE: envFields.filePath().optional(),
  SEKISHO_REDIS_URL: envFields.redisUrl().optional(),
  SEKISHO_REDIS_URL_FILE: envFields.filePath().optional(),
  SEKISHO_OPS_HOST: envFields.host('0.0.0.0'),
  SEKISHO_OPS_PORT: envFields.port(9090),
  SEKISHO_DECODER_ISOLATION: z.enum(['site', 'image'], 'must be site or image').default('site'),
  SEKISHO_DECODER_SLOTS: envFields.intBetween(1, SLOTS_MAX, Math.min(availableParallelism(), SLOTS_MAX)),
  SEKISHO_SANDBOX: z.enum(['require', 'best-effort'], 'must be require or best-effort').default('require'),
  SEKISHO_SHUTDOWN_DRAIN_MS: envFields.intBetween(0, 600_000, DRAIN_MS),
  SEKISHO_LOG_LEVEL: envFields.logLevel(),
});

export interface Config {
  /** Work Redis; in the local stack the one Redis there is. */
  readonly redisUrl: string;
  readonly ops: { readonly host: string; readonly port: number };
  readonly isolation: IsolationMode;
  /** Pictures decoded at once. */
  readonly slots: number;
  readonly sandbox: SandboxMode;
  /** What running pictures get when the service stops. */
  readonly shutdownDrainMs: number;
  readonly logLevel: string;
}

/** @throws ConfigError with all problems at once. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const values = loadConfig(schema, { env, service: SERVICE, fromFiles: REDIS_URLS });
  const redisUrl = values.SEKISHO_WORK_REDIS_URL ?? values.SEKISHO_REDIS_URL;
  if (redisUrl === undefined) throw new ConfigError(SERVICE, ['SEKISHO_WORK_REDIS_URL is not set']);
  return {
    redisUrl,
    ops: { host: values.SEKISHO_OPS_HOST, port: values.SEKISHO_OPS_PORT },
    isolation: values.SEKISHO_DECODER_ISOLATION,
    sandbox: values.SEKISHO_SANDBOX,
    slots: values.SEKISHO_DECODER_SLOTS,
    shutdownDrainMs: values.SEKISHO_SHUTDOWN_DRAIN_MS,
    logLevel: values.SEKISHO_LOG_LEVEL,
  };
}

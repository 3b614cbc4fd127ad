// For tests only: real servers on loopback, hostile ones among them, and generators of data.
export { freePort } from './ports.ts';
export * from './postgres.ts';
export * from './redis.ts';
export * from './program.ts';
export * from './dns/index.ts';
export * from './images/index.ts';
export * from './activitypub/index.ts';
export * from './corpus/index.ts';
export * from './misskey/index.ts';
export * from './mutations/index.ts';
export * from './origin/index.ts';
export * from './namespace/index.ts';
export * from './namespace/targets.ts';
export { NON_PUBLIC, PROBE_NAMES, PROBE_ZONE, PUBLIC } from './namespace/probes.ts';

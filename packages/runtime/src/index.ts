// What every service needs to run: configuration, logs, metrics, the ops server and an orderly end.
export * from './clock.ts';
export * from './config.ts';
export * from './error-code.ts';
export * from './followed-file.ts';
export * from './in-time.ts';
export * from './log.ts';
export * from './main.ts';
export * from './metrics.ts';
export * from './ops.ts';
export * from './redis-options.ts';
export * from './redis-script.ts';
export * from './shutdown.ts';

// Schemas, codes and names that cross process borders. Imports zod only; no I/O.
export * from './codes.ts';
export * from './decoder-pipe.ts';
export * from './document.ts';
export * from './environment.ts';
export * from './fault.ts';
export * from './fetch.ts';
export * from './ids.ts';
export * from './inbox.ts';
export * from './job.ts';
export * from './limits.ts';
export * from './media.ts';
export * from './redis-keys.ts';

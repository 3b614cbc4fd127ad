// Generators that several tests share; generators of one test stay with it.
export * from './addresses.ts';
export * from './headers.ts';
export * from './hosts.ts';
export * from './media.ts';
export * from './urls.ts';

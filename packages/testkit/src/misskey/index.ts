export { type MisskeyStub, type MisskeyStubOptions, startMisskeyStub } from './stub.ts';
export type { StubFile, StubRequest } from './state.ts';

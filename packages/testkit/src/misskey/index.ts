export { type MisskeyStub, type MisskeyStubOptions, startMisskeyStub } from './stub.ts';
export type { StubSignature } from './signature.ts';
export type { StubFile, StubJob, StubRequest } from './state.ts';

// The inbox policy: from the facts of a request and its bytes to a verdict. Pure.
export type * from './types.ts';

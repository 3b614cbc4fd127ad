export { type OriginAuthority, originAuthority } from './authority.ts';
export { type Canary, startCanary } from './canary.ts';
export { type OriginOptions, type OriginRequest, type OriginRoute, startOrigin, type TestOrigin } from './origin.ts';

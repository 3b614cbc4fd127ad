export * from './server.ts';
export { type Asked, askDns, type DnsAsk } from './ask.ts';
export { type HostileDns, type HostileName, type HostileZone, startHostileDns } from './hostile.ts';
export { TYPES } from './records.ts';

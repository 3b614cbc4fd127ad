// What the DNS filter is made of: the address policy as a zone, and the configuration around it.
export { type DeniedOptions, deniedPrefixes } from './denied.ts';
export { RPZ_ZONE_NAME, type RpzZone, rpzZone } from './rpz-zone.ts';
export {
  CLIENT_QUERIES_PER_SECOND_MAX,
  READY_NAME,
  READY_TEXT,
  unboundConf,
  type UnboundSettings,
} from './unbound-conf.ts';

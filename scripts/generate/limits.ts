// docs/reference/limits.md from LIMITS and the prices of the limiter, with a sentence on each.

import { CLASS_LIMITS, LIMITS, type Limits } from '@sekisho/contracts';
import { BUDGET_SHAPE, CHARGE_TTL_MS, DEBIT_MAX_MS, PRICE_MAX_MS, TICK_MS, TRANSFORM_ENTRY_MS, fetchPrice, inboxPrice, streamPrice, transformPrice } from '@sekisho/limiter';
import { limitsFileTable } from './limits-file.ts';
import { code, page, table } from './markdown.ts';

const MEANINGS: Readonly<Record<keyof Limits, string>> = {
  pictureBytesMax: 'Source bytes of a picture that is transformed. A larger one is answered with 413.',
  streamBytesMax: 'Bytes of a medium that is streamed; the value of Misskey\'s own `maxFileSize`.',
  streamIdleMs: 'A stream whose server sends nothing for so long is ended.',
  connectMs: 'Time to a TCP and TLS connection with the remote server.',
  headersMs: 'Time from the request until the headers of the remote server are complete; 1xx answers do not extend it.',
  pictureTotalMs: 'Time for a picture\'s whole fetch, redirects included.',
  redirectsMax: 'Redirects followed, each judged as the first URL was.',
  responseHeaderBytesMax: 'Header bytes accepted from a remote server.',
  dnsMs: 'Time for the resolver to answer.',
  urlBytesMax: 'Longest URL accepted in a request for media.',
  forbiddenFloorMs: 'A refused target is answered no earlier than this after arrival, so that latency tells nothing about private networks.',
  framePixelsMax: 'Pixels of one frame.',
  totalPixelsMax: 'Pixels over all frames.',
  framesMax: 'Frames of an animation. With more, the first frame is served as a still picture, with the header `Sekisho-Note: frames-capped`.',
  decodeCpuMs: 'CPU one picture may use; the decoder is killed at it.',
  decodeWallMs: 'Time one picture may take in the decoder; the decoder is killed at it.',
  decodeDataBytesMax: 'Data segment of a decoder process (RLIMIT_DATA).',
  resultBytesMax: 'Bytes of a result; a worker cannot make the gateway hold more.',
  svgBytesMax: 'Bytes of an SVG.',
  svgCpuMs: 'CPU one SVG may use, and its price.',
  svgSideMax: 'Longest side an SVG is drawn at.',
  passAnimationBytesMax: 'APNG and animated AVIF pass unchanged in emoji and avatar mode up to so many bytes; larger ones become a still first frame.',
  passAnimationSideMax: 'The same, for the longest side in pixels.',
  sourceTtlMs: 'How long source bytes stay in the work Redis when nobody takes them.',
  resultTtlMs: 'How long a result stays in the work Redis when nobody takes it.',
  lineEntriesMax: 'Pictures that one client may have waiting; one page with every emoji of an instance fits.',
  lineWaitMs: 'How long one of them waits before 503.',
  headWaitMs: 'How long the head of the lines waits for a free decoder before 503.',
  hostConnectionsMax: 'Connections of one fetcher to one remote host; one client of one gateway holds at most half.',
  hostFetchesPerSecond: 'Fetches a second of one fetcher to one remote host; half of it for one client of one gateway.',
  hostFetchesBurst: 'Fetches of one fetcher to one remote host in a burst; half of it for one client of one gateway.',
  hostFaultsToPause: 'Faults in a row that pause a remote host.',
  hostPauseMs: 'Length of that pause.',
  hostRetryAfterMaxS: 'Longest pause that a remote host\'s own `Retry-After` may ask for.',
  clientHeadersMs: 'Time a client has to send its headers; then 408.',
  clientHeaderBytesMax: 'Header bytes accepted from a client.',
  loopEntriesMax: 'Entries of `Via` and of `CDN-Loop` that are looked at and passed on; more is a loop.',
  loopBytesMax: 'Bytes of them.',
};

const UNITS: readonly (readonly [suffix: string, format: (value: number) => string])[] = [
  ['BytesMax', (value) => (value >= 1_048_576 ? `${value / 1_048_576} MiB` : value >= 1_024 ? `${value / 1_024} KiB` : `${value} bytes`)],
  ['PixelsMax', (value) => `${value / 1_000_000} megapixels`],
  ['SideMax', (value) => `${value} px`],
  ['PerSecond', (value) => `${value}/s`],
  ['Ms', (value) => (value >= 1_000 ? `${value / 1_000} s` : `${value} ms`)],
  ['MaxS', (value) => `${value} s`],
];

const format = (name: string, value: number): string =>
  UNITS.find(([suffix]) => name.endsWith(suffix))?.[1](value) ?? String(value);

const limitRows = (): string[][] =>
  Object.entries(MEANINGS).map(([name, meaning]) => [code(name), format(name, valueOf(name)), meaning]);

const valueOf = (name: string): number => Object.entries(LIMITS).find(([entry]) => entry === name)?.[1] ?? Number.NaN;

const classRows = (): string[][] =>
  Object.entries(CLASS_LIMITS).map(([name, { bodyBytesMax, cpuMs, wallMs, processCpuS, dataBytesMax }]) =>
    [code(name), format('BytesMax', bodyBytesMax), format('Ms', cpuMs), format('Ms', wallMs), `${processCpuS} s`, format('BytesMax', dataBytesMax)]);

const ms = (value: number): string => `${value.toLocaleString('en-US')} ms`;
const MEGAPIXEL = 1_000_000;
const MiB = 1_048_576;

function priceRows(): string[][] {
  const still = (megapixels: number): string => ms(transformPrice({ class: 'raster', pixels: megapixels * MEGAPIXEL }));
  const moving = (megapixels: number): string => ms(transformPrice({ class: 'animation', pixels: megapixels * MEGAPIXEL }));
  return [
    ['cached answer, 304, refusal', ms(TICK_MS)],
    ['stream of 1, 10, 250 MiB', [1, 10, 250].map((size) => ms(streamPrice(size * MiB))).join(', ')],
    ['fetch of a picture of 256 KiB, 1, 20 MiB', [0.25, 1, 20].map((size) => ms(fetchPrice(size * MiB))).join(', ')],
    ['transform, before the header is known', ms(TRANSFORM_ENTRY_MS)],
    ['still picture of 0.1, 3, 50 megapixels', [0.1, 3, 50].map(still).join(', ')],
    ['animation of 1, 10, 100 megapixels over all frames', [1, 10, 100].map(moving).join(', ')],
    ['SVG', ms(transformPrice({ class: 'svg', pixels: 0 }))],
    ['activity of 16, 64 KiB', [16, 64].map((size) => ms(inboxPrice(size * 1_024))).join(', ')],
    ['the dearest work', ms(PRICE_MAX_MS)],
  ];
}

const { capacityMs, refillMsPerSecond, netFactor, globalFactor } = BUDGET_SHAPE;
const bucketRows = (): string[][] => [
  ['client (IPv4 address or IPv6 /64), per area', ms(capacityMs), `${ms(refillMsPerSecond)} a second`],
  ['network (/24 or /48), per area', ms(capacityMs * netFactor), `${ms(refillMsPerSecond * netFactor)} a second`],
  ['the whole instance, per class of uncached work', ms(capacityMs * globalFactor), `${ms(refillMsPerSecond * globalFactor)} a second`],
];

export const renderLimits = (): string =>
  page('Limits', 'packages/contracts/src/limits.ts, packages/limiter and services/gateway/src/limits-file/schema.ts', [
    'Every wait has a deadline, and every queue, body, cache and pool a largest size. These are the ones of the media path.',
    table(['limit', 'value', 'meaning'], limitRows()),
    '## Classes of pictures',
    'The worker kills a decoder at CPU and time of one picture; the kernel bounds the process behind that. A process for SVG reads nothing else, and the other way round.',
    table(['class', 'source', 'CPU', 'time', 'CPU of the process (RLIMIT_CPU)', 'data of the process (RLIMIT_DATA)'], classRows()),
    '## Limits file',
    'What `SEKISHO_LIMITS_FILE` may change; see [Configure](../configure.md#limits-and-budgets).',
    limitsFileTable(),
    '## Budgets',
    `The unit is one millisecond of CPU on one core. Work is charged at its price before it is done; when it has ended, the charge is
settled with the CPU that was measured: what was not used is refunded, what was used above the charge is debited, at most
${ms(DEBIT_MAX_MS)}. A charge that nobody settles for ${CHARGE_TTL_MS / 1_000} s keeps its price and drains.`,
    table(['bucket', 'capacity', 'refill'], bucketRows()),
    '## Prices',
    table(['work', 'price'], priceRows()),
  ]);

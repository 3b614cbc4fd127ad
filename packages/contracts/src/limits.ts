// Default limits of the media path, each with its unit in the name.
// The numbers come from measurements of peers and of our own decoders; docs/reference/limits.md explains them.

import type { DecodeClass } from './media.ts';

const MiB = 1024 * 1024;

export const LIMITS = {
  /** Source bytes of a picture that is transformed: above this, handing bytes over costs more than decoding. */
  pictureBytesMax: 20 * MiB,
  /** Bytes of a medium that is streamed: Misskey's own maxFileSize. */
  streamBytesMax: 250 * MiB,
  streamIdleMs: 10_000,
  connectMs: 5_000,
  headersMs: 5_000,
  pictureTotalMs: 20_000,
  redirectsMax: 3,
  responseHeaderBytesMax: 16 * 1024,
  dnsMs: 5_000,
  /** Longest URL accepted; longer than any real media URL, shorter than the 16 KiB header limit. */
  urlBytesMax: 8_192,
  /** A refused target is answered no earlier, so that latency tells nothing about private networks. */
  forbiddenFloorMs: 250,

  framePixelsMax: 50_000_000,
  totalPixelsMax: 100_000_000,
  framesMax: 300,
  decodeCpuMs: 8_000,
  decodeWallMs: 10_000,
  decodeDataBytesMax: 512 * MiB,
  resultBytesMax: 8 * MiB,
  svgBytesMax: 512 * 1024,
  svgCpuMs: 2_000,
  svgSideMax: 1_024,
  /** APNG and animated AVIF pass unresized in emoji and avatar mode up to this size. */
  passAnimationBytesMax: MiB,
  passAnimationSideMax: 512,

  sourceTtlMs: 120_000,
  resultTtlMs: 60_000,

  lineEntriesMax: 400,
  lineWaitMs: 20_000,
  headWaitMs: 5_000,

  hostConnectionsMax: 8,
  hostFetchesPerSecond: 30,
  hostFetchesBurst: 300,
  hostFaultsToPause: 10,
  hostPauseMs: 30_000,
  /** Longest pause that an upstream's own Retry-After may ask for. */
  hostRetryAfterMaxS: 60,

  clientHeadersMs: 10_000,
  clientHeaderBytesMax: 16 * 1024,

  loopEntriesMax: 5,
  loopBytesMax: 1_024,
} as const;
export type Limits = typeof LIMITS;

/** What one picture may cost, and its decoder process. */
export interface ClassLimits {
  readonly bodyBytesMax: number;
  /** SIGKILL by the worker at either. */
  readonly cpuMs: number;
  readonly wallMs: number;
  /** RLIMIT_CPU of the process: behind the worker's own measurement, for the case that the worker itself hangs. */
  readonly processCpuS: number;
  /** RLIMIT_DATA of the process. */
  readonly dataBytesMax: number;
}

const RASTER: ClassLimits = {
  bodyBytesMax: LIMITS.pictureBytesMax,
  cpuMs: LIMITS.decodeCpuMs,
  wallMs: LIMITS.decodeWallMs,
  processCpuS: (2 * LIMITS.decodeCpuMs) / 1_000,
  dataBytesMax: LIMITS.decodeDataBytesMax,
};

/** Animations are raster pictures of many frames: frames and pixels over all frames bound them, the process does not differ. */
export const CLASS_LIMITS: Readonly<Record<DecodeClass, ClassLimits>> = {
  raster: RASTER,
  animation: RASTER,
  svg: { ...RASTER, bodyBytesMax: LIMITS.svgBytesMax, cpuMs: LIMITS.svgCpuMs, processCpuS: (2 * LIMITS.svgCpuMs) / 1_000 },
};

// What the limits file may hold. Each maximum is the wall behind it: a value above would be refused further in, or break
// a deadline that other services count on.

import { LIMITS } from '@sekisho/contracts';
import { PRICE_MAX_MS } from '@sekisho/limiter';
import { z } from 'zod';
import { DEFAULT_GATEWAY_LIMITS, type GatewayLimits } from './limits.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
/** 100 cores: beyond it the limiter's whole microseconds round the refill by more than a tenth. */
export const REFILL_TOTAL_MAX = 100_000;

interface Bounds {
  readonly min: number;
  readonly max: number;
}

const { budget, line, media } = DEFAULT_GATEWAY_LIMITS;

const whole = ({ min, max }: Bounds, fallback: number, description: string) =>
  z.int('must be a whole number').min(min, `must be at least ${min}`).max(max, `must be at most ${max}`)
    .optional().meta({ description: `${description} Default ${fallback}.` });

export const limitsFileSchema = z.strictObject({
  budget: z.strictObject({
    capacityMs: whole({ min: PRICE_MAX_MS + 2_000, max: 3_600_000 }, budget.capacityMs,
      'Milliseconds of CPU that one client may spend at once in one area; never less than the dearest picture with its fetch.'),
    refillMsPerSecond: whole({ min: 10, max: 64_000 }, budget.refillMsPerSecond, 'Milliseconds of CPU that come back to a client each second.'),
    netFactor: whole({ min: 1, max: 1_000 }, budget.netFactor, 'A network (/24, /48) holds the budgets of so many clients.'),
    globalFactor: whole({ min: 1, max: 1_000 }, budget.globalFactor, 'A class of uncached work of the whole instance holds the budgets of so many clients.'),
  }).optional().meta({ description: 'What clients may cost.' }),
  line: z.strictObject({
    entriesMax: whole({ min: 1, max: 4_096 }, line.entriesMax, 'Pictures that one client may have waiting.'),
    // Fetch (20 s) and wait must end within the life of a charge (60 s), and before the socket counts as idle (90 s).
    waitMs: whole({ min: 100, max: 35_000 }, line.waitMs, 'Milliseconds that one of them waits at most.'),
    headWaitMs: whole({ min: 100, max: 35_000 }, line.headWaitMs, 'Milliseconds that the head of the lines waits for a decoder at most.'),
  }).optional().meta({ description: 'Waiting lines before the decoders.' }),
  media: z.strictObject({
    pictureBytesMax: whole({ min: 64 * KiB, max: LIMITS.pictureBytesMax }, media.pictureBytesMax, 'Source bytes of a picture that is transformed.'),
    streamBytesMax: whole({ min: MiB, max: LIMITS.streamBytesMax }, media.streamBytesMax, 'Bytes of a medium that is streamed.'),
    passAnimationBytesMax: whole({ min: 0, max: LIMITS.resultBytesMax }, media.passAnimationBytesMax, 'Bytes up to which APNG and animated AVIF pass unchanged; 0: none does.'),
    passAnimationSideMax: whole({ min: 0, max: 2_048 }, media.passAnimationSideMax, 'Pixels of their longest side; 0: none does.'),
    // Only upwards: an earlier answer would tell which check refused a target.
    forbiddenFloorMs: whole({ min: LIMITS.forbiddenFloorMs, max: 5_000 }, media.forbiddenFloorMs, 'Milliseconds before which a refused target is not answered.'),
  }).optional().meta({ description: 'Sizes and times of the media path.' }),
});
export type LimitsFile = z.output<typeof limitsFileSchema>;

/** JSON schema of the file, for editors. */
export const limitsFileJsonSchema = (): Record<string, unknown> => ({
  ...z.toJSONSchema(limitsFileSchema, { io: 'input' }),
  title: 'Limits file of the Sekisho gateway (SEKISHO_LIMITS_FILE)',
});

/** The limits with the defaults for what the file leaves out. */
export function withDefaults(file: LimitsFile): GatewayLimits {
  return { budget: merge(budget, file.budget), line: merge(line, file.line), media: merge(media, file.media) };
}

/** What no single bound can say; undefined when all fits. */
export function combinationFault({ budget: shape }: GatewayLimits): string | undefined {
  const most = shape.refillMsPerSecond * Math.max(shape.netFactor, shape.globalFactor);
  return most <= REFILL_TOTAL_MAX
    ? undefined
    : `budget: refillMsPerSecond times netFactor and times globalFactor must be at most ${REFILL_TOTAL_MAX}`;
}

type Given<T> = { readonly [K in keyof T]?: T[K] | undefined };

function merge<T extends object>(defaults: T, given: Given<T> | undefined): T {
  const set = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(set) };
}

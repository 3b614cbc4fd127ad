// The limits of the gateway that an administrator may change while it runs.

import { LIMITS } from '@sekisho/contracts';
import { BUDGET_SHAPE, type BudgetShape } from '@sekisho/limiter';

export interface LineSettings {
  /** Waiting pictures of one client. */
  readonly entriesMax: number;
  /** Longest wait of one of them, ms. */
  readonly waitMs: number;
  /** Longest wait of the head of the lines, ms. */
  readonly headWaitMs: number;
}

export interface MediaLimits {
  readonly pictureBytesMax: number;
  readonly streamBytesMax: number;
  readonly passAnimationBytesMax: number;
  readonly passAnimationSideMax: number;
  readonly forbiddenFloorMs: number;
}

/** One state of all of them: a request takes it once and keeps it, so that its key and its plan never disagree. */
export interface GatewayLimits {
  readonly budget: BudgetShape;
  readonly line: LineSettings;
  readonly media: MediaLimits;
}

export const DEFAULT_GATEWAY_LIMITS: GatewayLimits = {
  budget: BUDGET_SHAPE,
  line: { entriesMax: LIMITS.lineEntriesMax, waitMs: LIMITS.lineWaitMs, headWaitMs: LIMITS.headWaitMs },
  media: {
    pictureBytesMax: LIMITS.pictureBytesMax,
    streamBytesMax: LIMITS.streamBytesMax,
    passAnimationBytesMax: LIMITS.passAnimationBytesMax,
    passAnimationSideMax: LIMITS.passAnimationSideMax,
    forbiddenFloorMs: LIMITS.forbiddenFloorMs,
  },
};

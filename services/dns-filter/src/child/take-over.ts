// A filter whose supervisor was killed may still hold the port: it is told to end before a new one starts.

import { existsSync, rmSync } from 'node:fs';
import { systemClock } from '@sekisho/runtime';
import { sendCommand } from '../control/client.ts';

const TRIES_MAX = 30;
const PAUSE_MS = 100;

/** Ends what listens at the control socket and removes that. @throws Error when it does not end. */
export async function endPredecessor(controlSocket: string): Promise<void> {
  if (!existsSync(controlSocket)) return;
  for (let turn = 0; turn < TRIES_MAX; turn += 1) {
    const isThere = await sendCommand(controlSocket, 'stop').then(() => true, () => false);
    if (!isThere) {
      rmSync(controlSocket, { force: true });
      return;
    }
    await systemClock.sleep(PAUSE_MS);
  }
  throw new Error(`another filter runs and does not end: ${controlSocket}`);
}

import { setTimeout as delay } from 'node:timers/promises';

/** Waits until `check` holds, looking every 10 ms. @throws Error that names the check after `ms`. */
export async function until(check: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const endMs = performance.now() + ms;
  while (!(await check())) {
    if (performance.now() > endMs) throw new Error(`not within ${ms} ms: ${check.toString()}`);
    await delay(10);
  }
}

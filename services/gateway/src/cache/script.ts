// The scripts of the result cache, and how their replies are read.

import { type Script, loadScript } from '@sekisho/runtime';

/** Script made of the named files, in order. */
export const cacheScript = (...names: readonly string[]): Script => loadScript(new URL('./scripts/', import.meta.url), names);

/** Reply of a script as whole numbers; a reply of another form is a defect of the script. */
export function integers(reply: unknown): readonly number[] {
  if (!Array.isArray(reply)) throw new TypeError('the script did not answer with a list');
  return reply.map(Number);
}

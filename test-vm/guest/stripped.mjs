// Node takes the types out of every file at each start, by WebAssembly, which costs seconds on an emulated processor. Here
// the files on the machine have none any more.

import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

registerHooks({
  load: (url, context, next) =>
    url.endsWith('.ts') ? { format: 'module', shortCircuit: true, source: readFileSync(fileURLToPath(url), 'utf8') } : next(url, context),
});

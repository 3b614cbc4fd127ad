// Runs in a client pod: tells the load with the given id to end.

import { readFileSync, readdirSync } from 'node:fs';

export interface EndOfLoad {
  readonly loadId: string;
}

const { loadId } = JSON.parse(process.argv[2] ?? '{}') as EndOfLoad;
let told = 0;
for (const pid of readdirSync('/proc').map(Number).filter((number) => number > 0 && number !== process.pid)) {
  try {
    if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(loadId)) continue;
    process.kill(pid, 'SIGUSR2');
    told += 1;
  } catch {
    // It has ended meanwhile.
  }
}
process.stdout.write(JSON.stringify(told));

// Load from processes of their own: wrk to find how much a server can do, our open loop to find how long one answer takes.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { findProgram } from '../../scripts/set-up/programs.ts';
import { type Helper, startHelper } from './child.ts';
import { InvalidRun } from './report.ts';

export interface Greedy {
  readonly port: number;
  readonly path: string;
  /** X-Forwarded-For in turn, one per request. */
  readonly clients: readonly string[];
  readonly connections: number;
  readonly seconds: number;
  /** Length of a right answer's body. */
  readonly bodyBytes: number;
}

export interface GreedyResult {
  readonly requests: number;
  readonly seconds: number;
  readonly p99: number;
}

const wrkSchema = z.object({ requests: z.number(), bytes: z.number(), us: z.number(), p99: z.number(), errors: z.number() });

/** As many requests as the server answers. Any answer but 200 with the whole body makes the run invalid. */
export async function runGreedy(load: Greedy): Promise<GreedyResult> {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-wrk-'));
  try {
    const script = join(folder, 'load.lua');
    writeFileSync(script, luaOf(load.clients));
    const wrk = findProgram('wrk') ?? 'wrk';
    const args = ['-t1', `-c${load.connections}`, `-d${load.seconds}s`, '--timeout', '20s', '-s', script, `http://127.0.0.1:${load.port}${load.path}`];
    const child = spawn(wrk, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(child, 'close');
    const line = /RESULT (.*)/.exec(Buffer.concat(chunks).toString())?.[1];
    if (line === undefined) throw new Error('wrk printed no result');
    const { requests, bytes, us, p99, errors } = wrkSchema.parse(JSON.parse(line));
    if (errors > 0 || bytes < requests * load.bodyBytes) throw new InvalidRun(`${load.path}: ${errors} errors, ${Math.round(bytes / requests)} bytes an answer instead of ${load.bodyBytes}`);
    return { requests, seconds: us / 1e6, p99: p99 / 1_000 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Requests are written once; wrk counts statuses above 399 as errors, and the bytes betray the others. */
const luaOf = (clients: readonly string[]): string => `
local clients = { ${clients.map((client) => `"${client}"`).join(', ')} }
local requests, at = {}, 0
function init(args)
  for i, client in ipairs(clients) do
    requests[i] = wrk.format("GET", nil, { ["Host"] = "bench.example", ["X-Forwarded-For"] = client })
  end
  if #requests == 0 then requests[1] = wrk.format("GET", nil, { ["Host"] = "bench.example" }) end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"bytes":%.0f,"us":%.0f,"p99":%.0f,"errors":%d}\\n', summary.requests, summary.bytes,
    summary.duration, latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
`;

const pacedSchema = z.object({
  requests: z.number(), /** With those of the lead. */ answered: z.number(), unanswered: z.number(), statuses: z.record(z.string(), z.number()), seconds: z.number(),
  p50: z.number(), p99: z.number(), max: z.number(),
});
export type PacedResult = z.output<typeof pacedSchema>;

export interface Paced {
  readonly port: number;
  readonly paths?: readonly string[];
  /** Instead of paths: whole requests, each sent once; see writeRequests(). */
  readonly requestsFile?: string;
  /** Status of a right answer, default 200. */
  readonly status?: number;
  readonly clients?: readonly string[];
  readonly connections: number;
  readonly rate: number;
  readonly seconds: number;
  /** Before these, not counted. */
  readonly leadSeconds?: number;
}

/** A file for `requestsFile`. */
export function writeRequests(path: string, requests: readonly Buffer[]): void {
  const parts = requests.flatMap((bytes) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  });
  writeFileSync(path, Buffer.concat(parts));
}

export interface PacedLoad {
  /** Any other answer than the right one makes the run invalid. */
  run(load: Paced): Promise<PacedResult>;
  stop(): Promise<void>;
}

export async function startPacedLoad(): Promise<PacedLoad> {
  const helper: Helper = await startHelper('load.ts');
  return {
    run: async ({ status: right = 200, ...load }) => {
      const reply = await helper.ask(load);
      const parsed = pacedSchema.safeParse(reply);
      if (!parsed.success) throw new InvalidRun(`no answer on port ${load.port}: ${JSON.stringify(reply)}`);
      const result = parsed.data;
      const wrong = Object.entries(result.statuses).filter(([status]) => status !== String(right));
      if (wrong.length > 0 || result.unanswered > 0) throw new InvalidRun(`statuses ${JSON.stringify(result.statuses)}, ${result.unanswered} unanswered`);
      return result;
    },
    stop: helper.stop,
  };
}

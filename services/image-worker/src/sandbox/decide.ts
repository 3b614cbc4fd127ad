// From the setting to the sandbox of this worker, before anything else is touched.

import { ConfigError } from '@sekisho/runtime';
import { type Facts, readFacts } from './facts.ts';
import { type Lack, type Sandbox, type SandboxMode, planSandbox } from './plan.ts';

export interface Decided {
  readonly sandbox: Sandbox;
  /** What is missing, for the log. */
  readonly lacks: readonly Lack[];
}

/** @throws ConfigError when this machine does not have what the mode asks for */
export function decideSandbox(mode: SandboxMode, facts: Facts = readFacts()): Decided {
  const plan = planSandbox(mode, facts);
  if (!plan.ok) throw new ConfigError('image-worker', plan.problems);
  return plan;
}

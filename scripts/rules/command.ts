// What stands behind `npm run rules --`.

export const USAGE = [
  'npm run rules -- check FILE',
  'npm run rules -- replay FILE CAPTURE',
  '',
  'check: reads a rules file as the gateway would and lists its rules, or its problems with their lines (exit code 1).',
  'replay: judges captured requests (JSON lines) by a rules file and lists hits, and decisions that would change.',
  'docs/inbox-rules.md describes both files.',
].join('\n');

/** What is printed, and whether all is well. */
export interface Report {
  readonly ok: boolean;
  readonly lines: readonly string[];
}

export type Command =
  | { readonly kind: 'check'; readonly file: string }
  | { readonly kind: 'replay'; readonly file: string; readonly capture: string }
  | { readonly kind: 'wrong'; readonly problem: string };

export function readCommand(args: readonly string[]): Command {
  const [name, file, capture, ...rest] = args;
  if (name === 'check' && file !== undefined && capture === undefined) return { kind: 'check', file };
  if (name === 'replay' && file !== undefined && capture !== undefined && rest.length === 0) return { kind: 'replay', file, capture };
  if (name === 'check') return { kind: 'wrong', problem: 'check needs one file' };
  if (name === 'replay') return { kind: 'wrong', problem: 'replay needs a rules file and a capture file' };
  return { kind: 'wrong', problem: name === undefined ? 'no command given' : `unknown command ${JSON.stringify(name)}` };
}

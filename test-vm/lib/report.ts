// The machine's answers: lines of the form `@vm {"scenario":…,"check":…,"value":…}` among everything else it prints.

const MARK = '@vm ';

export interface Line {
  readonly scenario: string;
  readonly check: string;
  readonly value: unknown;
}

export function parseReport(output: string): readonly Line[] {
  return output.split(/\r?\n/).flatMap((text) => {
    const at = text.indexOf(MARK);
    if (at < 0) return [];
    const parsed: unknown = JSON.parse(text.slice(at + MARK.length));
    if (!isLine(parsed)) throw new Error(`not an answer: ${text}`);
    return [parsed];
  });
}

const isLine = (value: unknown): value is Line =>
  typeof value === 'object' && value !== null && 'scenario' in value && typeof value.scenario === 'string' && 'check' in value && typeof value.check === 'string' && 'value' in value;

/** What was said once. @throws when it was not said, or twice: silence is never an answer. */
export function answer(lines: readonly Line[], scenario: string, check: string): unknown {
  const found = lines.filter((line) => line.scenario === scenario && line.check === check);
  const [line, ...others] = found;
  if (line === undefined || others.length > 0) throw new Error(`${scenario} said ${found.length} times: ${check}`);
  return line.value;
}

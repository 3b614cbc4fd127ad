// Versions of servers: dotted numbers, and a pre-release before its release. What forks and builds write behind the numbers
// (`2026.3.2-io.5`, `4.3.0+glitch`, `2.7.0-12-g3f2a`) says nothing about the order, so it counts as the release.

export interface Version {
  readonly numbers: readonly number[];
  /** In its order among the others; a release comes last. */
  readonly stage: number;
  /** Of a pre-release, such as 1 in `-rc.1`. */
  readonly build: readonly number[];
}

const NUMBERS = /^v?([0-9]{1,9}(?:\.[0-9]{1,9}){0,7})(?![0-9])/;
const PRE_RELEASE = /^[-._~ ]?(dev|develop|nightly|canary|snapshot|alpha|beta|preview|pre|rc)(?![a-z])[-._]?([0-9]{1,9}(?:\.[0-9]{1,9}){0,7})?(?![0-9])/i;
const OTHER = /^[-+_~ (]/;
const STAGES: Readonly<Record<string, number>> = { dev: 0, develop: 0, nightly: 0, canary: 0, snapshot: 0, alpha: 1, beta: 2, pre: 3, preview: 3, rc: 4 };
const RELEASE = 5;

/** undefined: nobody can say where it stands. */
export function readVersion(text: string): Version | undefined {
  const found = NUMBERS.exec(text);
  if (found === null) return undefined;
  const numbers = numbersOf(found[1]);
  const rest = text.slice(found[0].length);
  const [, stage, build] = PRE_RELEASE.exec(rest) ?? [];
  if (stage !== undefined) return { numbers, stage: STAGES[stage.toLowerCase()] ?? RELEASE, build: numbersOf(build) };
  return rest === '' || OTHER.test(rest) ? { numbers, stage: RELEASE, build: [] } : undefined;
}

const numbersOf = (text: string | undefined): readonly number[] => (text === undefined ? [] : text.split('.').map(Number));

/** Below 0: `a` is before `b`. Numbers that are left out are 0. */
export const compareVersions = (a: Version, b: Version): number => compareNumbers(a.numbers, b.numbers) || a.stage - b.stage || compareNumbers(a.build, b.build);

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

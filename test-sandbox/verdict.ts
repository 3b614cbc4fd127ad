// What the verdicts on all attempts mean together. Pure.

export interface Told {
  readonly attempt: string;
  /** `success`, `refused ERRNO`, `killed SIGSYS`, `absent`, or `error …`. */
  readonly verdict: string;
}

export interface Judgement {
  /** No attempt has succeeded, and of none it is unknown. */
  readonly held: boolean;
  readonly attempts: number;
  readonly refused: number;
  readonly killed: number;
  readonly succeeded: readonly string[];
  /** This machine has nothing to attack there. */
  readonly absent: readonly string[];
  /** Neither refused nor successful, told twice, or never told: the test is wrong, not the wall right. */
  readonly wrong: readonly string[];
}

const VERDICT = /^(?:(?<word>success|absent)|(?<refusal>refused) \w+|(?<kill>killed) SIGSYS)$/;

export function judge(told: readonly Told[], names: readonly string[]): Judgement {
  const of = (word: string): string[] => told.filter(({ verdict }) => VERDICT.test(verdict) && verdict.startsWith(word)).map(({ attempt }) => attempt);
  const times = (name: string): number => told.filter(({ attempt }) => attempt === name).length;
  const unclear = told.filter(({ verdict }) => !VERDICT.test(verdict)).map(({ attempt, verdict }) => `${attempt}: ${verdict}`);
  const strangers = told.filter(({ attempt }) => !names.includes(attempt)).map(({ attempt }) => `${attempt}: not asked for`);
  const wrong = [...unclear, ...strangers, ...names.filter((name) => times(name) !== 1).map((name) => `${name}: told ${times(name)} times`)];
  const succeeded = of('success');
  return {
    held: succeeded.length === 0 && wrong.length === 0 && names.length > 0,
    attempts: names.length, refused: of('refused').length, killed: of('killed').length, succeeded, absent: of('absent'), wrong,
  };
}

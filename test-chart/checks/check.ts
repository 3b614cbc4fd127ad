import { type KubeObject, type Pod, podsOf } from '../../scripts/chart/documents.ts';

/** What a set of rendered objects must hold: pure, returns what is wrong, one line each. */
export interface Check {
  readonly name: string;
  readonly problems: (objects: readonly KubeObject[]) => readonly string[];
}

/** A check that looks at one pod at a time; its lines begin with the owner. */
export const podCheck = (name: string, problems: (pod: Pod) => readonly string[]): Check => ({
  name,
  problems: (objects) => podsOf(objects).flatMap((pod) => problems(pod).map((problem) => `${pod.owner}: ${problem}`)),
});

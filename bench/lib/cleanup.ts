// What a bench has started ends with it, also when it is interrupted: the services run in process groups of their own and
// would stay.

type Step = () => Promise<void>;
const steps = new Set<Step>();

/** Registers the end of something; the returned function runs it and forgets it. */
export function atEnd(step: Step): Step {
  steps.add(step);
  return async () => {
    if (steps.delete(step)) await step();
  };
}

export const cleanUp = async (): Promise<void> => {
  const all = [...steps].toReversed();
  steps.clear();
  await Promise.allSettled(all.map(async (step) => await step()));
};

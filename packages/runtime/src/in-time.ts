/**
 * The outcome of `work`, or after `ms` what `late` gives or throws. Work that is late goes on; its outcome is ignored.
 * One promise and one timer: an activity waits in time for four things.
 */
export function inTime<T, L>(work: Promise<T>, ms: number, late: () => L): Promise<Awaited<T | L>> {
  const { promise, resolve, reject } = Promise.withResolvers<Awaited<T | L>>();
  const timer = setTimeout(() => {
    try {
      resolve(late() as Awaited<L>);
    } catch (error) {
      reject(error);
    }
  }, ms);
  work.then((value) => {
    clearTimeout(timer);
    resolve(value as Awaited<T>);
  }, (error: unknown) => {
    clearTimeout(timer);
    reject(error);
  });
  return promise;
}

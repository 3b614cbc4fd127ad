// Requests under work, as a number: a set that is refilled all the time leaves tables behind that hold garbage.

export class Work {
  #active = 0;
  readonly #waiting: (() => void)[] = [];

  get active(): number {
    return this.#active;
  }

  add(work: Promise<void>): void {
    this.#active += 1;
    const end = (): void => this.#end();
    work.then(end, end);
  }

  /** Resolves when none is under work. */
  settled(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#active === 0) resolve();
    else this.#waiting.push(resolve);
    return promise;
  }

  #end(): void {
    this.#active -= 1;
    if (this.#active > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

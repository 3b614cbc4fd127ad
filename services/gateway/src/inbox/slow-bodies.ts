// Bodies that did not come with their heads. A sender chooses how long such a body holds its place, up to the deadline, and a
// few addresses can hold all places that way; whoever comes then takes the place of one of them. It is the oldest of the network
// that has the most: many slow bodies push out each other, a single one only falls to as many networks as there are places, and
// a body that is there whole falls to nobody.

export interface SlowBody {
  /** Network of its sender: addresses are cheap. */
  readonly net: string;
  /** Frees its place before it returns. */
  displace(): void;
}

export class SlowBodies {
  /** In the order in which they came; never more than there are places. */
  readonly #bodies: SlowBody[] = [];
  readonly #ofNet = new Map<string, number>();

  get size(): number {
    return this.#bodies.length;
  }

  add(body: SlowBody): void {
    this.#bodies.push(body);
    this.#ofNet.set(body.net, this.#countOf(body.net) + 1);
  }

  /** Idempotent. */
  remove(body: SlowBody): void {
    const at = this.#bodies.indexOf(body);
    if (at < 0) return;
    this.#bodies.splice(at, 1);
    const left = this.#countOf(body.net) - 1;
    if (left === 0) this.#ofNet.delete(body.net);
    else this.#ofNet.set(body.net, left);
  }

  /** Frees one place; false where no body is slow. */
  displace(): boolean {
    let most = 0;
    for (const count of this.#ofNet.values()) most = Math.max(most, count);
    const body = this.#bodies.find(({ net }) => this.#countOf(net) === most);
    if (body === undefined) return false;
    this.remove(body);
    body.displace();
    return true;
  }

  #countOf(net: string): number {
    return this.#ofNet.get(net) ?? 0;
  }
}

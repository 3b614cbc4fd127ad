// Bodies on their way. A sender chooses how long its body holds a place, up to the deadline, and a few addresses can hold all
// places that way; whoever comes then takes the place of one of them. It is the oldest of the network that has the most: many
// slow bodies push out each other, a single one only falls to as many networks as there are places, and a body that is there
// whole, as most are with their heads, falls to nobody.

export interface SlowBody {
  /** Network of its sender: addresses are cheap. */
  readonly net: string;
  /** Frees its place before it returns. */
  displace(): void;
}

export class SlowBodies {
  /** In the order in which they came; never more than there are places, and few but in an attack. */
  readonly #bodies: SlowBody[] = [];

  get size(): number {
    return this.#bodies.length;
  }

  add(body: SlowBody): void {
    this.#bodies.push(body);
  }

  /** Idempotent. */
  remove(body: SlowBody): void {
    const at = this.#bodies.indexOf(body);
    if (at >= 0) this.#bodies.splice(at, 1);
  }

  /** Frees one place; false where no body is slow. */
  displace(): boolean {
    const counts = new Map<string, number>();
    for (const { net } of this.#bodies) counts.set(net, (counts.get(net) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const body = this.#bodies.find(({ net }) => counts.get(net) === most);
    if (body === undefined) return false;
    this.remove(body);
    body.displace();
    return true;
  }
}

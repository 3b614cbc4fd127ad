// Places in which activities are read, judged and brought to Misskey: so many in one process, and of these so many for one
// client. While a body is on its way, its place is on offer to whoever finds none free.

import { INBOX_LIMITS } from '@sekisho/contracts';
import type { ClientIdentity } from '../media/types.ts';
import { type Entry, Gate } from '../passthrough/gate.ts';
import { deny } from './deny.ts';
import { SlowBodies } from './slow-bodies.ts';
import type { InboxDenied, Visit } from './types.ts';

/** Of the `readingMax` there are: a large server's own parallel deliveries, not all there is. */
const PER_CLIENT_MAX = 64;

export interface PlaceLimits {
  readonly readingMax: number;
  readonly perClientMax: number;
  /** False: a place is kept until its request ends, as the tests of what that costs want it. */
  readonly displaces: boolean;
}

export interface Place extends Entry {
  readonly ok: true;
}

/** Puts a place on offer; what it returns takes the offer back. */
export type Offer = (onTaken: () => void) => () => void;

export class Places {
  readonly #gate: Gate;
  readonly #slow = new SlowBodies();
  readonly #displaces: boolean;

  constructor({ readingMax = INBOX_LIMITS.readingMax, perClientMax = PER_CLIENT_MAX, displaces = true }: Partial<PlaceLimits> = {}) {
    this.#gate = new Gate({ runningMax: readingMax, waitingMax: 0, perClientMax });
    this.#displaces = displaces;
  }

  /** What it gives must be left. */
  take(client: ClientIdentity): Place | InboxDenied {
    const place: Place = { ok: true, clientKey: client.key, start: () => undefined };
    let admission = this.#gate.enter(place);
    if (admission === 'full' && this.#displaces && this.#slow.displace()) admission = this.#gate.enter(place);
    if (admission === 'running') return place;
    return admission === 'client-full' ? deny('SEKISHO_LIMIT_CLIENT', 'too many at once') : deny('SEKISHO_INBOX_BUSY', 'all places are taken');
  }

  /** Idempotent. */
  leave(place: Place): void {
    this.#gate.leave(place);
  }

  /** Puts the place of a visit on offer. `onTaken` hears that somebody has it now. */
  offer({ client, place }: Pick<Visit, 'client' | 'place'>, onTaken: () => void): () => void {
    const body = {
      net: client.net,
      displace: () => {
        if (place !== undefined) this.#gate.leave(place);
        onTaken();
      },
    };
    this.#slow.add(body);
    return () => this.#slow.remove(body);
  }
}

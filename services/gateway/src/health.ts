// Whether the dependencies without a connection of their own answered when they were last asked. For metrics and the body
// of /readyz; readiness itself never depends on them.

import { isSekishoError } from '@sekisho/contracts';
import type { FetchClient } from './fetching/client.ts';

export type Asked = 'fetcher' | 'misskey';

export interface Health {
  note(dependency: Asked, up: boolean): void;
  /** Up until the contrary is seen. */
  isUp(dependency: Asked): boolean;
  /** A fetch client whose outcomes are noted. */
  watch(client: Pick<FetchClient, 'fetch'>): Pick<FetchClient, 'fetch'>;
}

export function createHealth(): Health {
  const state: Record<Asked, boolean> = { fetcher: true, misskey: true };
  const note = (dependency: Asked, up: boolean): void => {
    state[dependency] = up;
  };
  return {
    note,
    isUp: (dependency) => state[dependency],
    watch: (client) => ({
      fetch: async (request, options) => {
        try {
          const fetched = await client.fetch(request, options);
          note('fetcher', true);
          return fetched;
        } catch (error) {
          if (isSekishoError(error) && error.code === 'SEKISHO_FETCHER_AWAY') note('fetcher', false);
          throw error;
        }
      },
    }),
  };
}

// Where the bytes come from: the fetcher for strangers, Misskey itself for the instance's own files (one redirect of
// those, to our own media route, is unwrapped once). Both look the same from here on.

import { type FetchRequest, SekishoError } from '@sekisho/contracts';
import type { FetchClient, FetchOptions, Fetched } from '../fetching/client.ts';
import type { HostShares } from '../fetching/host-shares.ts';

export interface SourceOptions extends FetchOptions {
  /** Whose share of the host the fetch takes. */
  readonly clientKey: string;
}

export interface MediaSource {
  fetch(request: FetchRequest, options: SourceOptions): Promise<Fetched>;
}

export type SelfAnswer = Fetched | { readonly redirect: string };

export interface SelfFiles {
  /** Whether the URL is one of the instance's own files. */
  serves(url: string): boolean;
  fetch(request: FetchRequest, options: FetchOptions): Promise<SelfAnswer>;
}

/** The fetcher, with each client kept to its share of a host until the body is done. */
export const createRemoteSource = (client: Pick<FetchClient, 'fetch'>, shares: HostShares): MediaSource => ({
  fetch: async (request, options) => {
    const release = await shares.acquire(options.clientKey, new URL(request.url).host, options.signal);
    try {
      const fetched = await client.fetch(request, options);
      if (fetched.body === undefined) release();
      else fetched.body.once('close', release);
      return fetched;
    } catch (error) {
      release();
      throw error;
    }
  },
});

export const createMediaSource = (remote: MediaSource, self: SelfFiles): MediaSource => ({
  fetch: async (request, options) => {
    if (!self.serves(request.url)) return await remote.fetch(request, options);
    const answer = await self.fetch(request, options);
    if (!('redirect' in answer)) return answer;
    if (self.serves(answer.redirect)) throw new SekishoError('SEKISHO_LOOP', { detail: 'own file leads to own file' });
    return await remote.fetch({ ...request, url: answer.redirect }, options);
  },
});

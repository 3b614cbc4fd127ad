// A picture to transform: read to its end under the limits of its class and of our memory, then put into the work Redis.

import { type FetchRequest, SekishoError, type StoredOutcome } from '@sekisho/contracts';
import { readMediaHeader } from '@sekisho/media-header';
import type { MemoryBudget } from '../store/memory-budget.ts';
import type { SourceStore } from '../store/source-store.ts';
import type { Opened } from './open-response.ts';
import { readAll } from './read-all.ts';

const RETRY_AFTER_S = 5;

interface StoreDeps {
  readonly store: SourceStore;
  readonly memory: MemoryBudget;
  readonly signal: AbortSignal;
}
type ToStore = Extract<Opened, { readonly kind: 'store' }>;

/** @throws SekishoError */
export async function storeBody(request: FetchRequest, source: ToStore, deps: StoreDeps): Promise<StoredOutcome> {
  const held = { bytes: 0 };
  try {
    const bytes = await readAll(source, deps.memory, held);
    const header = readMediaHeader(bytes, { partial: false });
    // The whole file is here now; the first bytes decided, the whole must still say the same.
    if (header.kind !== 'picture' || header.type !== source.type) throw new SekishoError('SEKISHO_IMAGE_HEADER', { detail: 'header of the whole file' });
    deps.signal.throwIfAborted();
    await putSource(request.sourceId, bytes, deps);
    return {
      kind: 'stored',
      sourceId: request.sourceId,
      bytes: bytes.length,
      type: source.type,
      width: header.width,
      height: header.height,
      framesAtLeast: header.framesAtLeast,
      finalOrigin: source.finalOrigin,
      ...(source.fileName === undefined ? {} : { fileName: source.fileName }),
    };
  } finally {
    deps.memory.give(held.bytes);
  }
}

async function putSource(sourceId: string, bytes: Buffer, { store, signal }: StoreDeps): Promise<void> {
  const stored = await store.store(sourceId, bytes);
  if (!stored.ok) throw new SekishoError(stored.code, { detail: stored.detail, retryAfterS: RETRY_AFTER_S });
  if (!signal.aborted) return;
  // Nobody waits for it any more: without this, leaving early would fill the ledger for two minutes.
  await store.drop(sourceId, bytes.length);
  signal.throwIfAborted();
}

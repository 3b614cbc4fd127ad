// Signs the GETs with which keys are fetched, as our own actor: servers with authorized fetch answer nobody else.

import type { KeyObject } from 'node:crypto';
import type { SignedGet } from '@sekisho/contracts';
import { signRequest } from '@sekisho/inbox-policy';
import type { Clock } from '@sekisho/runtime';
import { actorKeyId } from './actor-documents.ts';

export interface SignOptions {
  readonly publicUrl: URL;
  readonly key: KeyObject;
  readonly clock: Clock;
}

export function createSign({ publicUrl, key, clock }: SignOptions): (url: string) => SignedGet {
  const keyId = actorKeyId(publicUrl);
  return (url) => {
    const { date, signature } = signRequest({ method: 'GET', url, dateMs: clock.now(), keyId, key });
    return { date, signature };
  };
}

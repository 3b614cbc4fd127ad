// A name server for a bench, in a process of its own: its work must not delay the client's.

import { startDnsServer } from '@sekisho/testkit';
import { serveHelper, tell } from './child.ts';

const { address } = await startDnsServer({ '*.origin.example': { a: ['127.0.0.1'] } });
tell({ address });
serveHelper(() => ({}));

// What Node's own report says of the C library and of the libraries the kernel has mapped.

import { z } from 'zod';

const schema = z.object({
  header: z.object({ glibcVersionRuntime: z.string().optional() }),
  sharedObjects: z.array(z.string()),
});

export interface RuntimeReport {
  readonly glibc: boolean;
  readonly sharedObjects: readonly string[];
}

export function readRuntimeReport(): RuntimeReport {
  // Or it asks DNS for the names of open connections.
  Object.assign(process.report, { excludeNetwork: true });
  const { header, sharedObjects } = schema.parse(process.report.getReport());
  return { glibc: header.glibcVersionRuntime !== undefined, sharedObjects };
}

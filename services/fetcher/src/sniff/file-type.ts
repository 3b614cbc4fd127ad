// Adapter of the file-type library; its types stop here.

import { fileTypeFromBuffer } from 'file-type';

/** What the library wants to see at least; more would only be more work on hostile bytes. */
export const SNIFF_BYTES = 4_100;

/** Media type by magic bytes, lower case, without parameters; undefined when none is known. */
export async function detectType(bytes: Uint8Array): Promise<string | undefined> {
  // The library would inflate a gzip stream to look inside; nothing in there could be passed on.
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return undefined;
  try {
    const found = await fileTypeFromBuffer(bytes.subarray(0, SNIFF_BYTES), { maxBufferSize: SNIFF_BYTES });
    return found === undefined ? undefined : found.mime.split(';')[0]?.trim().toLowerCase();
  } catch {
    // A parser that trips over hostile bytes knows no type.
    return undefined;
  }
}

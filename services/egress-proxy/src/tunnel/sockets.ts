// What every part does with the two sockets of a tunnel.

import type { Socket } from 'node:net';

/** RST, so that a cut stream never looks like a finished one. Nothing happens to a socket that is gone. */
export function reset(socket: Socket): void {
  if (socket.destroyed) return;
  // While a FIN waits behind unsent bytes libuv refuses to reset, and Node then forgets the handle with its descriptor open.
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}

/** FIN after what is still to be written; at the latest after `lingerMs` the socket is gone, whatever its peer does. */
export function closeSoon(socket: Socket, lingerMs: number): void {
  if (socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(timer));
  // Unread bytes would turn the FIN into a RST and take the last answer with them.
  socket.removeAllListeners('data').resume().end();
}

export interface EarlyBytes {
  /** Stops listening; the socket is paused. */
  take(): Buffer;
}

/** Client bytes that come before the tunnel stands, at most about `bytesMax`; `onGone` when the client leaves instead. */
export function holdEarly(socket: Socket, head: Buffer, options: { readonly bytesMax: number; readonly onGone: () => void }): EarlyBytes {
  const chunks = head.length > 0 ? [head] : [];
  let bytes = head.length;
  const onData = (chunk: Buffer): void => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > options.bytesMax) socket.pause();
  };
  socket.on('data', onData).once('end', options.onGone).once('close', options.onGone);
  if (bytes <= options.bytesMax) socket.resume();
  return {
    take: () => {
      socket.pause();
      socket.off('data', onData).off('end', options.onGone).off('close', options.onGone);
      return Buffer.concat(chunks);
    },
  };
}

/** The next bytes of a paused socket; it is paused again afterwards. `gone`: it or the other end broke. */
export async function nextChunk(socket: Socket, other: Socket, timeoutMs: number): Promise<Buffer | 'end' | 'gone' | 'timeout'> {
  if (socket.destroyed || other.destroyed) return 'gone';
  if (socket.readableEnded) return 'end';
  if (timeoutMs <= 0) return 'timeout';
  const { promise, resolve } = Promise.withResolvers<Buffer | 'end' | 'gone' | 'timeout'>();
  const timer = setTimeout(() => resolve('timeout'), timeoutMs);
  const onData = (chunk: Buffer): void => {
    // At once: a second chunk in the same turn would find nobody.
    socket.pause();
    resolve(chunk);
  };
  const onEnd = (): void => resolve('end');
  const onClose = (): void => resolve('gone');
  socket.once('data', onData).once('end', onEnd).once('close', onClose);
  other.once('close', onClose);
  socket.resume();
  const result = await promise;
  clearTimeout(timer);
  socket.pause();
  socket.off('data', onData).off('end', onEnd).off('close', onClose);
  other.off('close', onClose);
  return result;
}

// Commands over Unbound's control socket: one line there, text back until it closes.

import { connect } from 'node:net';

const ANSWER_BYTES_MAX = 256 * 1024;
const ANSWER_MS = 2_000;

/** @throws Error when there is no answer in time, a huge one or none at all. */
export async function sendCommand(socketPath: string, command: string, timeoutMs = ANSWER_MS): Promise<string> {
  const socket = connect(socketPath);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(() => reject(new Error('no answer in time')), timeoutMs);
  const chunks: Buffer[] = [];
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) reject(new Error('the answer is too large'));
  });
  socket.on('error', reject).on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
  socket.on('close', () => reject(new Error('no answer')));
  socket.write(`UBCT1 ${command}\n`);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

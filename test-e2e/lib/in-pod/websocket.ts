// Runs in a client pod: opens a WebSocket, sends a text and says what came back.

export interface Greeting {
  readonly url: string;
  readonly text: string;
  readonly timeoutMs: number;
}

if (import.meta.main) {
  const { url, text, timeoutMs } = JSON.parse(process.argv[2] ?? '{}') as Greeting;
  const end = (outcome: string): void => void process.stdout.write(JSON.stringify(outcome), () => process.exit());
  setTimeout(() => end('timeout'), timeoutMs);
  const socket = new WebSocket(url);
  socket.addEventListener('open', () => socket.send(text));
  socket.addEventListener('message', ({ data }) => end(String(data)));
  socket.addEventListener('error', () => end('error'));
}

import { performance } from 'node:perf_hooks';
import { Sandbox } from 'e2b';
import { WebSocket } from 'ws';

const keys = 300;

export interface TerminalEcho {
  connectMs: number;
  /** What each typed key took to come back, in milliseconds. */
  echoMs: number[];
}

/** Through the service. */
export async function terminalEcho(url: string, token: string, sandboxId: string): Promise<TerminalEcho> {
  const startedMs = performance.now();
  const socket = new WebSocket(
    `${url.replace('http', 'ws')}/v1/sandboxes/${sandboxId}/terminal`,
    ['pilotlight.v1', `bearer.${token}`],
    { perMessageDeflate: false },
  );
  await new Promise<void>((resolve, reject) => {
    socket.on('message', (_data, isBinary) => {
      if (!isBinary) resolve();
    });
    socket.once('error', reject);
  });
  const connectMs = performance.now() - startedMs;
  const echoMs = await echoes(
    (bytes) => socket.send(bytes),
    (listener) => socket.on('message', (_data, isBinary) => isBinary && listener()),
  );
  socket.terminate();
  return { connectMs, echoMs };
}

/** The same kind of terminal through E2B's own client, without the service. */
export async function directEcho(
  sandboxId: string,
  connection: { apiKey: string; apiUrl: string; sandboxUrl: string },
): Promise<number[]> {
  const sandbox = await Sandbox.connect(sandboxId, connection);
  let heard = (): void => {};
  const pty = await sandbox.pty.create({ cols: 80, rows: 24, timeoutMs: 0, onData: () => heard() });
  const times = await echoes(
    (bytes) => void sandbox.pty.sendInput(pty.pid, bytes),
    (listener) => {
      heard = listener;
    },
  );
  await pty.kill();
  return times;
}

/** A WebSocket that sends back what it gets: the least any echo can take. */
export async function bareEcho(url: string): Promise<number[]> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  const times = await echoes(
    (bytes) => socket.send(bytes),
    (listener) => socket.on('message', () => listener()),
  );
  socket.terminate();
  return times;
}

/** Types one key, waits for it to come back, and types the next one a moment later, as a person does. */
async function echoes(type: (bytes: Buffer) => void, listen: (listener: () => void) => void): Promise<number[]> {
  let back = (): void => {};
  listen(() => back());
  await new Promise((resolve) => setTimeout(resolve, 500));
  const times: number[] = [];
  for (let key = 0; key < keys; key += 1) {
    const startedMs = performance.now();
    const returned = new Promise<void>((resolve) => {
      back = resolve;
    });
    type(Buffer.from(key % 50 === 49 ? '\x15' : 'x'));
    await returned;
    times.push(performance.now() - startedMs);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  return times;
}

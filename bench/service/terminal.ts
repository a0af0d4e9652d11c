import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { startLocalHost } from '@pilotlight/local';
import { remoteManager } from '@pilotlight/sdk/remote';
import { Sandbox } from 'e2b';
import { WebSocket, WebSocketServer } from 'ws';
import { issueToken } from '../../packages/warmer/src/auth/tokens.js';
import { configSchema } from '../../packages/warmer/src/config/schema.js';
import { startWarmer } from '../../packages/warmer/src/warmer.js';

export interface EchoTimes {
  terminalMs: number[];
  /** A WebSocket that sends back what it gets, in the same process: the least any echo can take. */
  bareMs: number[];
  /** The same terminal through E2B's own client, without the service. */
  directMs: number[];
  connectMs: number;
  startToReadyMs: number;
}

const keys = 300;

/** What a typed key takes to come back: through the service, through E2B's client alone, and through a bare WebSocket. */
export async function measureEcho(): Promise<EchoTimes> {
  const host = await startLocalHost();
  const { token, record } = issueToken({ tenant: 'bench', scopes: ['claims', 'events', 'terminal'] }, randomBytes);
  const config = (target: number) =>
    configSchema.parse({
      listen: { port: 0 },
      provider: host.connectionOptions,
      store: { kind: 'memory' },
      tokens: [record],
      log: { level: 'silent' },
      drainMs: 0,
      runtimes: [{ name: 'shell', pool: { target, link: false, generic: false } }],
    });
  const empty = await startWarmer(config(0));
  await empty.close();
  const startedMs = performance.now();
  const idle = await startWarmer(config(0));
  while (!(await idle.service.context.readiness.report()).ready) await new Promise((resolve) => setTimeout(resolve, 5));
  const startToReadyMs = performance.now() - startedMs;
  await idle.close();

  const warmer = await startWarmer(config(1));
  await warmer.warmed;
  const manager = remoteManager({ url: warmer.url, token });
  const claim = await (await manager.claim('shell')).ready;
  await claim.ack();
  const { sandboxId } = claim.connection;
  const connectedMs = performance.now();
  const socket = new WebSocket(
    `${warmer.url.replace('http', 'ws')}/v1/sandboxes/${sandboxId}/terminal`,
    ['pilotlight.v1', `bearer.${token}`],
    { perMessageDeflate: false },
  );
  await new Promise<void>((resolve) => {
    socket.on('message', (_data, isBinary) => {
      if (!isBinary) resolve();
    });
  });
  const connectMs = performance.now() - connectedMs;
  const terminalMs = await echoes(
    (bytes) => socket.send(bytes),
    (listener) => socket.on('message', (_data, isBinary) => isBinary && listener()),
  );
  socket.terminate();

  const sandbox = await Sandbox.connect(sandboxId, host.connectionOptions);
  let heard = (): void => {};
  const pty = await sandbox.pty.create({ cols: 80, rows: 24, timeoutMs: 0, onData: () => heard() });
  const directMs = await echoes(
    (bytes) => void sandbox.pty.sendInput(pty.pid, bytes),
    (listener) => {
      heard = listener;
    },
  );
  await pty.kill();

  const bareMs = await bareEcho();
  await manager.close();
  await warmer.close();
  await host.close();
  return { terminalMs, bareMs, directMs, connectMs, startToReadyMs };
}

async function bareEcho(): Promise<number[]> {
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    perMessageDeflate: false,
  });
  await new Promise((resolve) => socket.once('open', resolve));
  const times = await echoes(
    (bytes) => socket.send(bytes),
    (listener) => socket.on('message', () => listener()),
  );
  socket.terminate();
  sockets.close();
  server.close();
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

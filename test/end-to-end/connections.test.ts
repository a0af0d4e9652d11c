import { createServer, request, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LocalHost, startLocalHost } from '@pilotlight/local';
import { Pilotlight } from '@pilotlight/sdk';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

let host: LocalHost;

beforeAll(async () => {
  host = await startLocalHost();
});
afterAll(() => host.close());

/** Passes everything on, and notes what each new connection was opened for. It closes an idle one after 5 seconds. */
class CountingFront {
  /** First request of each connection. */
  readonly opened: string[] = [];
  readonly #seen = new WeakSet<object>();
  readonly #server: Server;

  constructor(target: string) {
    const { hostname, port } = new URL(target);
    this.#server = createServer((incoming, outgoing) => {
      const { method, url, headers, socket } = incoming;
      if (!this.#seen.has(socket)) this.opened.push(`${method} ${url}`);
      this.#seen.add(socket);
      const forwarded = request({ hostname, port, method, path: url, headers, agent: false }, (answer) => {
        const { connection, 'keep-alive': keepAlive, ...kept } = answer.headers;
        outgoing.writeHead(answer.statusCode ?? 502, kept);
        answer.pipe(outgoing);
      });
      forwarded.once('error', () => outgoing.destroy());
      incoming.pipe(forwarded);
    });
    this.#server.keepAliveTimeout = 5_000;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** What new connections are opened for by a claim and its first command, after the pool stood idle for longer than connections are kept. */
async function openedByFirstCommand(keepConnectedMs: number): Promise<string[]> {
  const front = new CountingFront(host.apiUrl);
  const url = await front.listen();
  const pilotlight = new Pilotlight({
    ...host.connectionOptions,
    apiUrl: url,
    sandboxUrl: url,
    runtimes: [{ name: 'plain', pool: { target: 1, link: false } }],
    warming: { keepConnectedMs },
  });
  try {
    await pilotlight.start();
    await vi.waitFor(async () => expect((await pilotlight.warming.pools())[0]?.hot).toBe(1), { timeout: 20_000 });
    await sleep(6_000);
    front.opened.splice(0);
    const sandbox = await pilotlight.sandbox('plain');
    await sandbox.commands.run('true');
    return [...front.opened];
  } finally {
    await pilotlight.close();
    await front.close();
  }
}

describe('the first command of a claim', () => {
  it('goes over a connection that was opened ahead and kept, however long the pool stood idle', async () => {
    const command = 'POST /process.Process/Start';
    const [kept, closed] = await Promise.all([openedByFirstCommand(1_000), openedByFirstCommand(0)]);
    expect(closed, 'without it a connection has to be opened').toContain(command);
    expect(kept).not.toContain(command);
  });
});

import { createServer, request, type Server } from 'node:http';

/** Stands before the host and spoils its answers, as a network and a busy provider do. */
export class FaultyFront {
  /** Until then every create is refused with 429 without a time to wait. */
  stormUntilMs = 0;
  /** Create calls to carry out without giving the answer. */
  answersToLose = 0;
  refused = 0;
  lost = 0;
  readonly #target: URL;
  readonly #server: Server;

  constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((incoming, outgoing) => {
      const isCreate = incoming.method === 'POST' && /^(\/v\d+)?\/sandboxes$/.test(incoming.url ?? '');
      if (isCreate && Date.now() < this.stormUntilMs) {
        this.refused += 1;
        incoming.resume();
        outgoing
          .writeHead(429, { 'content-type': 'application/json' })
          .end('{"code":429,"message":"too many sandboxes"}');
        return;
      }
      const { hostname, port } = this.#target;
      const { method, url, headers } = incoming;
      const forwarded = request({ hostname, port, method, path: url, headers }, (answer) => {
        if (isCreate && this.answersToLose > 0) {
          this.answersToLose -= 1;
          this.lost += 1;
          answer.resume();
          incoming.socket.destroy();
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
        answer.once('error', () => outgoing.destroy());
      });
      forwarded.once('error', () => outgoing.destroy());
      outgoing.once('close', () => forwarded.destroy());
      incoming.pipe(forwarded);
    });
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

import { lookup } from 'node:dns/promises';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import type { Sandbox } from '../sandbox/sandbox.js';
import { mayConnect } from './egress-rules.js';
import { connectUpstream, upstreamFor } from './upstream.js';

/** Inside a sandbox, the port of the only way out. */
export const egressPort = 49_981;

const hopHeaders = new Set(['proxy-connection', 'proxy-authorization', 'connection', 'keep-alive']);

/** Variables by which programs find the way out. */
export const egressEnvironment: Readonly<Record<string, string>> = Object.fromEntries([
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy', 'npm_config_proxy', 'npm_config_https_proxy'].map(
    (name) => [name, `http://127.0.0.1:${egressPort}`],
  ),
  ...['NO_PROXY', 'no_proxy', 'npm_config_noproxy'].map((name) => [name, 'localhost,127.0.0.1,::1']),
  ['NODE_USE_ENV_PROXY', '1'],
] as [string, string][]);

/**
 * An HTTP proxy that is no port on the host: connections come out of sandboxes over their agents' channels. What a
 * sandbox may reach is decided here, for each connection, by the sandbox's settings of that moment.
 */
export class EgressProxy {
  private readonly owners = new WeakMap<object, string>();
  private readonly server: Server;
  private readonly find: (sandboxId: string) => Sandbox | undefined;

  constructor(find: (sandboxId: string) => Sandbox | undefined) {
    this.find = find;
    this.server = createServer((request, response) => void this.forward(request, response));
    this.server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
      void this.tunnel(request, client, head);
    });
    this.server.on('clientError', (_error, socket) => socket.destroy());
  }

  accept(sandboxId: string, connection: Duplex): void {
    this.owners.set(connection, sandboxId);
    this.server.emit('connection', connection);
  }

  private async tunnel(request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    client.on('error', () => {});
    const [, host = '', port = '443'] = /^\[?(.*?)\]?:(\d+)$/.exec(request.url ?? '') ?? [];
    const remote = await this.open(client, host, Number(port));
    if (typeof remote === 'string') {
      client.end(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${Buffer.byteLength(remote)}\r\n\r\n${remote}`);
      return;
    }
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) {
      remote.write(head);
    }
    pipeline(remote, client, () => client.destroy());
    pipeline(client, remote, () => remote.destroy());
  }

  private async forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.parse(request.url ?? '');
    if (url?.protocol !== 'http:') {
      response.writeHead(400).end('only absolute http:// URLs can be forwarded');
      return;
    }
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const remote = await this.open(request.socket, host, Number(url.port || 80));
    if (typeof remote === 'string') {
      response.writeHead(403).end(remote);
      return;
    }
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !hopHeaders.has(name)));
    const forwarded = httpRequest({
      method: request.method,
      path: `${url.pathname}${url.search}`,
      headers,
      createConnection: () => remote,
    });
    forwarded.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.rawHeaders);
      pipeline(answer, response, () => remote.destroy());
    });
    forwarded.once('error', () => response.destroy());
    pipeline(request, forwarded, () => {});
  }

  /** A connection to the target, or why there is none. */
  private async open(client: object, host: string, port: number): Promise<Socket | string> {
    const sandbox = this.find(this.owners.get(client) ?? '');
    if (!sandbox || host === '' || !Number.isInteger(port)) {
      return 'the request names no target';
    }
    try {
      const upstream = upstreamFor(host);
      if (upstream) {
        // The name is resolved by the upstream proxy, so only rules on names and literal addresses can be applied.
        const target = { host, address: isIP(host) ? host : '' };
        return mayConnect(sandbox.settings, target) ? await connectUpstream(upstream, host, port) : refusal(host);
      }
      const { address } = isIP(host) ? { address: host } : await lookup(host);
      if (!mayConnect(sandbox.settings, { host, address })) {
        return refusal(host);
      }
      return await connected(connect({ host: address, port }));
    } catch (error) {
      return `${host} cannot be reached: ${(error as Error).message}`;
    }
  }
}

function refusal(host: string): string {
  return `this sandbox may not connect to ${host}`;
}

function connected(socket: Socket): Promise<Socket> {
  socket.setNoDelay(true);
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
    socket.on('error', () => {});
  });
}

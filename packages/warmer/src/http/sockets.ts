import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { wireSandboxId } from '@pilotlight/warming/wire';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Principal, requireScope } from '../auth/tokens.js';
import { statusOf, WarmerError } from '../errors.js';
import { errorOf } from './answers.js';
import type { App } from './app.js';
import { authenticate, chosenSubprotocol } from './authenticate.js';
import type { ServiceContext } from './context.js';
import { followOverSocket } from './event-socket.js';
import { openTerminalSocket } from './terminal-socket.js';

const heartbeatMs = 30_000;

/** What a client may send in one frame: a message about events, or what a person pastes into a terminal. */
const frameBytes = 1_048_576;

/** WebSocket upgrades: who asks is known before the upgrade is answered, and a refusal is an HTTP answer. */
export function attachSockets(app: App, context: ServiceContext): void {
  const sockets = new WebSocketServer({
    noServer: true,
    // Compressing each keystroke costs more time than the wire does.
    perMessageDeflate: false,
    maxPayload: frameBytes,
    handleProtocols: (offered) => chosenSubprotocol(offered),
  });
  const alive = new WeakSet<WebSocket>();
  const heartbeat = setInterval(() => {
    for (const socket of sockets.clients) {
      if (!alive.has(socket)) {
        socket.terminate();
        continue;
      }
      alive.delete(socket);
      socket.ping();
    }
  }, heartbeatMs);
  heartbeat.unref();
  sockets.on('connection', (socket) => {
    alive.add(socket);
    socket.on('pong', () => alive.add(socket));
    // A broken frame closes the connection by itself; without a listener it would end the process.
    socket.on('error', () => socket.terminate());
  });

  app.server.on('upgrade', (request: IncomingMessage, duplex: Duplex, head: Buffer) => {
    duplex.on('error', () => duplex.destroy());
    void admit(context, request)
      .then((serve) => {
        if (duplex.destroyed) return;
        if ('setNoDelay' in duplex && typeof duplex.setNoDelay === 'function') duplex.setNoDelay(true);
        sockets.handleUpgrade(request, duplex, head, (socket) => {
          sockets.emit('connection', socket, request);
          serve(socket, duplex);
        });
      })
      .catch((error: unknown) => refuse(duplex, error));
  });

  app.addHook('preClose', async () => {
    clearInterval(heartbeat);
    context.hub.flush();
    for (const socket of sockets.clients) socket.close(1012, 'the service is being stopped');
  });
  app.addHook('onClose', async () => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
  });
}

type Serve = (socket: WebSocket, stream: Duplex) => void;

/** Finds out what is asked for and whether it may be had; gives back what serves it. */
async function admit(context: ServiceContext, request: IncomingMessage): Promise<Serve> {
  const url = new URL(request.url ?? '/', 'http://service');
  const principal = await authenticate(context, request);
  if (url.pathname === '/v1/events') {
    requireScope(principal, 'events');
    const release = context.followers.enter(principal.tenant);
    if (!release) {
      throw new WarmerError('too_many_followers', 'Too many event streams are open. Close some and try again.');
    }
    return (socket, stream) => {
      socket.once('close', release);
      followOverSocket(context, principal, socket, stream);
    };
  }
  const sandboxId = /^\/v1\/sandboxes\/([^/]+)\/terminal$/.exec(url.pathname)?.[1];
  if (sandboxId !== undefined) return admitTerminal(context, principal, sandboxId, url.searchParams);
  throw new WarmerError('not_found', `There is no WebSocket at ${url.pathname}. See /openapi.json.`);
}

async function admitTerminal(
  context: ServiceContext,
  principal: Principal,
  sandboxId: string,
  query: URLSearchParams,
): Promise<Serve> {
  requireScope(principal, 'terminal');
  const record = wireSandboxId.safeParse(sandboxId).success ? await context.claims.findBySandbox(sandboxId) : undefined;
  // An operator runs the service but has no business inside a tenant's sandbox.
  if (record?.tenant !== principal.tenant || record.status.state !== 'HOT') {
    throw new WarmerError('not_found', `You have no sandbox "${sandboxId}". Claim one with POST /v1/claims.`);
  }
  const { connection } = record.status;
  context.audit.info({
    tenant: principal.tenant,
    tokenId: principal.tokenId,
    action: 'terminal',
    claimId: record.claimId,
    sandboxId,
  });
  return (socket) =>
    openTerminalSocket(context, socket, {
      tenant: principal.tenant,
      connection,
      size: { columns: sizeOf(query.get('columns'), 80), rows: sizeOf(query.get('rows'), 24) },
      terminalId: query.get('terminal') ?? undefined,
    });
}

function sizeOf(text: string | null, fallback: number): number {
  const size = Number(text);
  return Number.isInteger(size) && size >= 1 && size <= 1_000 ? size : fallback;
}

function refuse(duplex: Duplex, error: unknown): void {
  const body = errorOf(error);
  const text = JSON.stringify({ error: body });
  const retry = body.retryAfterMs === undefined ? '' : `Retry-After: ${Math.ceil(body.retryAfterMs / 1_000)}\r\n`;
  duplex.end(
    `HTTP/1.1 ${statusOf(body.code)} Refused\r\nContent-Type: application/json; charset=utf-8\r\n${retry}Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  );
}

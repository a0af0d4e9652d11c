import type { SandboxConnection } from '@pilotlight/warming';
import { type WireTerminalRequest, wireTerminalRequest } from '@pilotlight/warming/wire';
import type { WebSocket } from 'ws';
import { toWireError } from '../errors.js';
import type { TerminalSession, TerminalViewer } from '../terminal/host.js';
import type { TerminalSize } from '../terminal/port.js';
import type { ServiceContext } from './context.js';

/** Serves one terminal: binary frames are what is typed and printed, text frames are about the terminal. */
export function openTerminalSocket(
  context: ServiceContext,
  socket: WebSocket,
  place: { tenant: string; connection: SandboxConnection; size: TerminalSize; terminalId: string | undefined },
): void {
  const startedMs = context.now();
  const viewer: TerminalViewer = {
    data: (bytes) => socket.send(bytes, { binary: true }),
    tell: (answer) => {
      if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(answer));
    },
    close: () => socket.close(1000),
  };
  let session: TerminalSession | undefined;
  const early: Uint8Array[] = [];

  socket.on('message', (data, isBinary) => {
    if (isBinary) {
      const bytes = Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]);
      if (session) session.input(bytes);
      else early.push(bytes);
      return;
    }
    const request = parsed(data.toString());
    if (request === undefined) socket.close(1007, 'send JSON as in /openapi.json');
    else if (session) obey(session, request);
  });
  socket.once('close', () => session?.leave());

  context.terminals
    .join(place, viewer)
    .then((joined) => {
      const elapsedMs = context.now() - startedMs;
      context.metrics.terminalOpened(elapsedMs);
      context.objectives.add('terminal_connect', elapsedMs);
      session = joined;
      if (socket.readyState !== socket.OPEN) joined.leave();
      for (const bytes of early.splice(0)) joined.input(bytes);
    })
    .catch((error: unknown) => {
      viewer.tell({ type: 'error', error: toWireError(error) });
      socket.close(1011);
    });
}

function obey(session: TerminalSession, request: WireTerminalRequest): void {
  if (request.type === 'resize') session.resize({ columns: request.columns, rows: request.rows });
  else session.consumed(request.bytes);
}

function parsed(text: string): WireTerminalRequest | undefined {
  try {
    return wireTerminalRequest.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

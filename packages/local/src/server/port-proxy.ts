import { type ClientRequest, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream';
import { type Machine, MachineError } from '../isolation/machine.js';
import type { Sandbox } from '../sandbox/sandbox.js';
import type { DataPlaneService } from './data-plane.js';
import { sendJson } from './respond.js';

const routingHeaders = new Set(['e2b-sandbox-id', 'e2b-sandbox-port', 'e2b-traffic-access-token']);

/** Servers inside a sandbox, reached through its own network: HTTP and everything that starts as an upgrade of it. */
export const portProxy: DataPlaneService = {
  async handle(sandbox, request, response, port) {
    const connection = await open(sandbox, port, response);
    if (!connection) {
      return;
    }
    await new Promise<void>((resolve) => {
      const forwarded = forward(sandbox, request, connection, port);
      response.once('close', () => {
        connection.destroy();
        resolve();
      });
      forwarded.once('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.rawHeaders);
        pipeline(answer, response, () => resolve());
      });
      forwarded.once('error', () => {
        if (response.headersSent) {
          response.destroy();
        } else {
          closedPort(response, sandbox, port);
        }
        resolve();
      });
      pipeline(request, forwarded, () => {});
    });
  },

  async upgrade(sandbox, request, socket, head, port) {
    const connection = await machineOf(sandbox).connect(port);
    connection.on('error', () => socket.destroy());
    socket.on('error', () => connection.destroy());
    const headers = forwardedHeaders(sandbox, request, port);
    const lines = Object.entries(headers).flatMap(([name, value]) =>
      [value ?? []].flat().map((item) => `${name}: ${item}`),
    );
    connection.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    if (head.length > 0) {
      connection.write(head);
    }
    pipeline(connection, socket, () => socket.destroy());
    pipeline(socket, connection, () => connection.destroy());
  },
};

async function open(sandbox: Sandbox, port: number, response: ServerResponse): Promise<Duplex | undefined> {
  try {
    return await machineOf(sandbox).connect(port);
  } catch (error) {
    if (error instanceof MachineError && error.code === 'refused') {
      closedPort(response, sandbox, port);
      return undefined;
    }
    throw error;
  }
}

function closedPort(response: ServerResponse, sandbox: Sandbox, port: number): void {
  sendJson(response, 502, {
    sandboxId: sandbox.id,
    message: `The sandbox is running but nothing answers on port ${port}`,
    port,
    code: 502,
  });
}

function forward(sandbox: Sandbox, request: IncomingMessage, connection: Duplex, port: number): ClientRequest {
  return httpRequest({
    method: request.method,
    path: request.url,
    headers: forwardedHeaders(sandbox, request, port),
    setHost: false,
    createConnection: () => connection,
  });
}

function forwardedHeaders(sandbox: Sandbox, request: IncomingMessage, port: number) {
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !routingHeaders.has(name)));
  const mask = sandbox.settings.network?.maskRequestHost;
  if (mask !== undefined) {
    headers.host = mask.replaceAll('${PORT}', String(port));
  }
  return headers;
}

function machineOf(sandbox: Sandbox): Machine {
  if (sandbox.phase.kind !== 'running') {
    throw new MachineError('gone', 'the sandbox is not running');
  }
  return sandbox.phase.machine;
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ControlExtension, createControlPlane } from '../control/server.js';
import { EnvdService, findSigned, signatureError } from '../envd/service.js';
import type { SandboxRegistry } from '../sandbox/registry.js';
import { DataPlane, type DataPlaneService } from './data-plane.js';
import { portProxy } from './port-proxy.js';
import { sendError, sendJson } from './respond.js';
import { envdPort, routeOf } from './route.js';

export interface HostServer {
  readonly url: string;
  close(): Promise<void>;
}

/** What a part of the host adds to its server. */
export interface HostExtension {
  control?: ControlExtension;
  ports?: readonly { port: number; service: DataPlaneService }[];
}

/** One port for everything: the control plane, and every port of every sandbox. */
export async function openServer(
  registry: SandboxRegistry,
  settings: { port: number; apiKey: string; domain?: string | undefined },
  extensions: readonly HostExtension[] = [],
): Promise<HostServer> {
  const control = await createControlPlane(registry, {
    apiKey: settings.apiKey,
    domain: settings.domain ?? null,
    extensions: extensions.flatMap(({ control }) => control ?? []),
  });
  const envd = new EnvdService();
  const dataPlane = new DataPlane(registry, portProxy);
  dataPlane.serve(envdPort, envd);
  for (const { port, service } of extensions.flatMap(({ ports }) => ports ?? [])) {
    dataPlane.serve(port, service);
  }

  const signed = async (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => {
    const found = findSigned(registry.list(), request.method, query);
    if ('verdict' in found) {
      sendError(response, signatureError(found.verdict));
    } else {
      await dataPlane.handle(found.sandbox.id, envdPort, request, response);
    }
  };

  const server = createServer((request, response) => {
    const route = routeOf(request.method ?? 'GET', request.url ?? '/', request.headers);
    switch (route.kind) {
      case 'control':
        control.routing(request, response);
        break;
      case 'data':
        void dataPlane.handle(route.sandboxId, route.port, request, response);
        break;
      case 'signed':
        void signed(request, response, route.query);
        break;
      case 'unusable':
        sendJson(response, 400, { code: 400, message: route.reason });
        break;
    }
  });
  server.on('upgrade', (request, socket, head) => {
    const route = routeOf(request.method ?? 'GET', request.url ?? '/', request.headers);
    if (route.kind === 'data') {
      void dataPlane.upgrade(route.sandboxId, route.port, request, socket, head);
    } else {
      socket.destroy();
    }
  });
  // Uploads and streams last as long as they last.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 620_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await Promise.all([closed, control.close()]);
    },
  };
}

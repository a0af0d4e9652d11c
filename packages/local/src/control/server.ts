import { type FastifyInstance, fastify } from 'fastify';
import { tokensEqual } from '../envd/signature.js';
import { ApiError } from '../sandbox/api-error.js';
import type { SandboxRegistry } from '../sandbox/registry.js';
import { sandboxRoutes } from './sandboxes.js';
import { snapshotRoutes } from './snapshots.js';

const bodyLimitBytes = 16 * 1024 * 1024;

/** Adds hooks and routes to the control plane; hooks run after a request's key was checked and before its route. */
export type ControlExtension = (server: FastifyInstance) => void;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route checks by itself who may call it; no API key is asked for. */
    isOpen?: boolean;
  }
}

export interface ControlPlaneSettings {
  apiKey: string;
  /** What `getHost()` of a client builds names from; null leaves the client's own. */
  domain: string | null;
  extensions: readonly ControlExtension[];
}

/** E2B's REST API over the registry. Every answer that says no has a JSON body with `code`. */
export async function createControlPlane(
  registry: SandboxRegistry,
  settings: ControlPlaneSettings,
): Promise<FastifyInstance> {
  const server = fastify({ bodyLimit: bodyLimitBytes, logger: false, forceCloseConnections: true });
  // SDKs send "application/json" with an empty body where the body is optional.
  server.removeContentTypeParser('application/json');
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : JSON.parse(body as string));
    } catch {
      done(new ApiError(400, 'The body is not JSON.'));
    }
  });
  server.setErrorHandler((error, _request, reply) => {
    const known = toApiError(error);
    return reply.code(known.status).headers(known.headers).send(known.toBody());
  });
  server.setNotFoundHandler((request, reply) => {
    const error = new ApiError(404, `There is nothing at ${request.method} ${request.url.split('?')[0]}.`);
    return reply.code(404).send(error.toBody());
  });
  server.get('/health', async (_request, reply) => reply.code(200).send({ status: 'ok' }));
  server.addHook('onRequest', async (request) => {
    const isOpen = request.url === '/health' || request.routeOptions.config.isOpen === true;
    if (!isOpen && !tokensEqual(String(request.headers['x-api-key'] ?? ''), settings.apiKey)) {
      throw new ApiError(401, 'The API key is missing or wrong. Send the one this host was started with as X-API-KEY.');
    }
  });
  for (const extend of settings.extensions) {
    extend(server);
  }
  sandboxRoutes(server, registry, settings.domain);
  snapshotRoutes(server, registry);
  await server.ready();
  return server;
}

function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) {
    return error;
  }
  const { statusCode, message } = error as { statusCode?: number; message: string };
  const status = statusCode !== undefined && statusCode >= 400 && statusCode < 500 ? statusCode : 500;
  return new ApiError(status, status === 500 ? `The host failed: ${message}` : message);
}

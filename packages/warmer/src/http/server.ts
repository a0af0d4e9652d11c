import { randomBytes } from 'node:crypto';
import cors from '@fastify/cors';
import fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { WarmerError } from '../errors.js';
import { sendError } from './answers.js';
import type { App } from './app.js';
import { allowedOrigins, authenticate, checkOrigin } from './authenticate.js';
import type { ServiceContext } from './context.js';
import { registerDocument } from './openapi.js';
import { claimRoutes } from './routes/claims.js';
import { dashboardRoutes } from './routes/dashboard.js';
import { intentRoutes } from './routes/intents.js';
import { operationRoutes } from './routes/operation.js';
import { poolRoutes } from './routes/pools.js';
import { probeRoutes } from './routes/probes.js';
import { runtimeRoutes } from './routes/runtimes.js';
import { attachSockets } from './sockets.js';

const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self' ws: wss:; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
};

/** The HTTP face of the service. It listens when the caller says so. */
export async function buildServer(context: ServiceContext, logger: FastifyBaseLogger): Promise<App> {
  const { config } = context;
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: config.limits.bodyBytes,
    // Half-open connections are dropped long before they are many enough to matter.
    connectionTimeout: 0,
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2_000 },
    forceCloseConnections: 'idle',
    genReqId: () => randomBytes(9).toString('base64url'),
    frameworkErrors: (error, request, reply) => {
      void sendError(request, reply, error);
    },
    clientErrorHandler: refuseUnreadable,
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.decorateRequest('principal', undefined);
  app.setErrorHandler((error, request, reply) => sendError(request, reply, error));
  app.setNotFoundHandler((request, reply) =>
    sendError(
      request,
      reply,
      new WarmerError('not_found', `There is no ${request.method} ${request.url.split('?')[0]}. See /openapi.json.`),
    ),
  );
  await app.register(cors, {
    origin: allowedOrigins(config),
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'last-event-id', 'traceparent', 'tracestate'],
    exposedHeaders: ['retry-after', 'idempotent-replay', 'x-request-id'],
    maxAge: 600,
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...securityHeaders, 'x-request-id': request.id });
    if (isApi(request.url)) request.principal = await authenticate(context, request.raw);
    else if (request.method !== 'GET') checkOrigin(context, request.raw);
  });
  app.addHook('onResponse', async (request, reply) => {
    context.metrics.answered(request.routeOptions.url ?? 'unknown', reply.statusCode, reply.elapsedTime);
  });
  await registerDocument(app, context.version);
  for (const routes of [
    probeRoutes,
    claimRoutes,
    intentRoutes,
    runtimeRoutes,
    poolRoutes,
    operationRoutes,
    dashboardRoutes,
  ]) {
    await app.register(async (scope) => routes(scope.withTypeProvider<ZodTypeProvider>(), context));
  }
  attachSockets(app, context);
  return app;
}

function isApi(url: string): boolean {
  return url.startsWith('/v1/') || url.startsWith('/v1?') || url === '/v1';
}

/** What is not HTTP at all gets the one error shape too, when the connection can still take it. */
function refuseUnreadable(error: Error & { code?: string }, socket: import('node:net').Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const status = tooLarge ? '431 Request Header Fields Too Large' : late ? '408 Request Timeout' : '400 Bad Request';
  const message = late ? 'The request came too slowly. Send it again.' : 'This is not a readable HTTP request.';
  const body = JSON.stringify({ error: { code: 'invalid_request', message } });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

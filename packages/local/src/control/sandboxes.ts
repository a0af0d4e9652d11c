import type { FastifyInstance } from 'fastify';
import { ApiError } from '../sandbox/api-error.js';
import { sampleMetrics } from '../sandbox/metrics.js';
import type { SandboxRegistry } from '../sandbox/registry.js';
import { settingsOf } from './create-request.js';
import { listPage } from './listing.js';
import { parse } from './parse.js';
import {
  connectBody,
  createBody,
  forkBody,
  listQuery,
  metricsQuery,
  networkBody,
  pauseBody,
  timeoutBody,
} from './schemas.js';
import { createdView, detailView, listedView } from './views.js';

interface ById {
  Params: { id: string };
}

const defaultTimeoutSeconds = 300;
const firstVersionTimeoutSeconds = 15;
const forkTimeoutSeconds = 15;

/** Everything under `/sandboxes`, in both versions that SDKs in use call. */
export function sandboxRoutes(server: FastifyInstance, registry: SandboxRegistry, domain: string | null): void {
  for (const { path, timeoutSeconds } of [
    { path: '/sandboxes', timeoutSeconds: firstVersionTimeoutSeconds },
    { path: '/v2/sandboxes', timeoutSeconds: defaultTimeoutSeconds },
  ]) {
    server.post(path, async (request, reply) => {
      const body = parse(createBody, request.body);
      const template = registry.templates.find(body.templateID);
      if (!template) {
        const known = registry.templates.list().flatMap((known) => known.names);
        throw new ApiError(404, `Template "${body.templateID}" not found. This host has: ${known.join(', ')}.`);
      }
      const sandbox = await registry.create(settingsOf(body, template), template, body.timeout ?? timeoutSeconds);
      return reply.code(201).send(createdView(sandbox, domain));
    });
    server.post<ById>(`${path}/:id/connect`, async (request, reply) => {
      const body = parse(connectBody, request.body);
      const timeout = body.timeout ?? defaultTimeoutSeconds;
      const { sandbox, resumed } = await registry.connect(request.params.id, timeout, body.memory ?? true);
      return reply.code(resumed ? 201 : 200).send(createdView(sandbox, domain));
    });
    server.get(path, async (request, reply) => {
      const page = listPage(registry.list(), parse(listQuery, request.query));
      const running = registry.list().filter((sandbox) => sandbox.state === 'running').length;
      if (page.nextToken !== undefined) {
        reply.header('x-next-token', page.nextToken);
      }
      return reply.header('x-total-running', running).send(page.items.map(listedView));
    });
  }

  server.get<ById>('/sandboxes/:id', async (request) => detailView(registry.get(request.params.id), domain));

  server.delete<ById>('/sandboxes/:id', async (request, reply) => {
    await registry.kill(request.params.id);
    return reply.code(204).send();
  });

  server.get<ById>('/sandboxes/:id/metrics', async (request) => {
    const { start, end } = parse(metricsQuery, request.query);
    const sandbox = registry.get(request.params.id);
    await sampleMetrics(sandbox);
    return sandbox.metrics.between(start, end);
  });

  server.post<ById>('/sandboxes/:id/timeout', async (request, reply) => {
    registry.setTimeout(request.params.id, parse(timeoutBody, request.body).timeout);
    return reply.code(204).send();
  });

  server.post<ById>('/sandboxes/:id/pause', async (request, reply) => {
    await registry.pause(request.params.id, parse(pauseBody, request.body).memory ?? true);
    return reply.code(204).send();
  });

  server.post<ById>('/sandboxes/:id/fork', async (request, reply) => {
    const body = parse(forkBody, request.body);
    const results = await registry.fork(request.params.id, body.count ?? 1, body.timeout ?? forkTimeoutSeconds);
    const items = results.map((result) =>
      result.status === 'fulfilled'
        ? { sandbox: createdView(result.value, domain) }
        : { error: errorOf(result.reason) },
    );
    return reply.code(201).send(items);
  });

  server.put<ById>('/sandboxes/:id/network', async (request, reply) => {
    const { allow_internet_access: allowed, ...network } = parse(networkBody, request.body);
    const sandbox = registry.get(request.params.id);
    const kept = sandbox.settings.network?.allowPublicTraffic;
    sandbox.settings = {
      ...sandbox.settings,
      allowInternetAccess: allowed ?? undefined,
      network: { ...network, ...(kept === undefined ? {} : { allowPublicTraffic: kept }) },
    };
    return reply.code(204).send();
  });
}

function errorOf(reason: unknown): { code: number; message: string } {
  return reason instanceof ApiError
    ? { code: reason.status, message: reason.message }
    : { code: 500, message: (reason as Error).message };
}

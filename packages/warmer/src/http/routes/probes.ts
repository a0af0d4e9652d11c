import { wireReadiness } from '@pilotlight/warming/wire';
import { z } from 'zod';
import { isLoopbackAddress } from '../../auth/origins.js';
import { requireScope } from '../../auth/tokens.js';
import type { App } from '../app.js';
import { authenticate } from '../authenticate.js';
import type { ServiceContext } from '../context.js';

export async function probeRoutes(app: App, context: ServiceContext): Promise<void> {
  app.get(
    '/healthz',
    { schema: { summary: 'The process lives', response: { 200: z.object({ alive: z.literal(true) }) } } },
    async () => ({ alive: true }) as const,
  );

  app.get(
    '/readyz',
    { schema: { summary: 'Traffic may come', response: { 200: wireReadiness, 503: wireReadiness } } },
    async (_request, reply) => {
      const report = await context.readiness.report();
      return reply.status(report.ready ? 200 : 503).send(report);
    },
  );

  app.get(
    '/metrics',
    { schema: { summary: 'Prometheus metrics; a token from elsewhere than this machine' } },
    async (request, reply) => {
      if (!isLoopbackAddress(request.socket.remoteAddress)) {
        requireScope(await authenticate(context, request.raw), 'operator');
      }
      return reply.type(context.metrics.registry.contentType).send(await context.metrics.registry.metrics());
    },
  );
}

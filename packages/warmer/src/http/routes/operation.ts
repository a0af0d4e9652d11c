import { wireErrorBody, wireSession, wireUsage } from '@pilotlight/warming/wire';
import { WarmerError } from '../../errors.js';
import { allow } from '../access.js';
import type { App } from '../app.js';
import type { ServiceContext } from '../context.js';

const errors = { '4xx': wireErrorBody, '5xx': wireErrorBody };

export async function operationRoutes(app: App, context: ServiceContext): Promise<void> {
  app.get(
    '/v1/usage',
    {
      schema: {
        summary: 'What your tenant used, and how the objectives stand',
        response: { 200: wireUsage, ...errors },
      },
    },
    async (request) => {
      const { tenant } = allow(request, 'usage');
      const { hot, warming, failed, sandboxSeconds } = context.usage.of(tenant);
      const live = (await context.claims.list(tenant, 500)).map((record) => record.status.state);
      return {
        tenant,
        sinceMs: context.usage.sinceMs,
        claims: { hot, warming, failed },
        live: {
          claims: live.filter((state) => state === 'HOT').length,
          warming: live.filter((state) => state === 'WARMING').length,
        },
        sandboxSeconds,
        objectives: context.objectives.current(),
      };
    },
  );

  app.get(
    '/v1/session',
    { schema: { summary: 'Who you are here, and what you may do', response: { 200: wireSession, ...errors } } },
    async (request) => {
      const { principal } = request;
      if (!principal) throw new WarmerError('unauthenticated', 'Send a token: "Authorization: Bearer plt_…".');
      return {
        tenant: principal.tenant,
        scopes: [...principal.scopes],
        version: context.version,
        mode: context.mode,
      };
    },
  );
}

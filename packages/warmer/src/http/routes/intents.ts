import { wireErrorBody, wireIntent, wireIntentRequest } from '@pilotlight/warming/wire';
import { z } from 'zod';
import { IntentBook } from '../../claims/intents.js';
import { sandboxCost } from '../../operation/cost.js';
import { allow } from '../access.js';
import type { App } from '../app.js';
import type { ServiceContext } from '../context.js';
import { fingerprintOf, once } from '../idempotency.js';
import { idempotencyKey } from './claims.js';

const errors = { '4xx': wireErrorBody, '5xx': wireErrorBody };

export async function intentRoutes(app: App, context: ServiceContext): Promise<void> {
  const { manager, registry, now, config } = context;
  const book = new IntentBook({
    manager,
    registry,
    now,
    perTenant: config.limits.intentsPerTenant,
    costOf: (durationMs) => sandboxCost(config.prices, durationMs),
  });
  app.addHook('onClose', async () => book.close());

  app.post(
    '/v1/intents',
    {
      schema: {
        summary: 'Say that a claim is coming: it warms ahead, bounded, once per user',
        body: wireIntentRequest,
        response: { 201: wireIntent, ...errors },
      },
    },
    async (request, reply) => {
      const { tenant } = allow(request, 'intents');
      const { status, body, replayed } = await once(
        context.idempotency,
        { key: idempotencyKey(request), tenant, fingerprint: fingerprintOf('intent', JSON.stringify(request.body)) },
        async () => ({ status: 201, body: JSON.stringify(book.open(tenant, request.body)) }),
      );
      if (replayed) void reply.header('idempotent-replay', 'true');
      return reply.status(status as 201).send(wireIntent.parse(JSON.parse(body)));
    },
  );

  app.delete(
    '/v1/intents/:intentId',
    {
      schema: {
        summary: 'The user left; idempotent',
        params: z.object({ intentId: z.string().max(64) }),
        response: { 204: z.undefined(), ...errors },
      },
    },
    async (request, reply) => {
      const { tenant } = allow(request, 'intents');
      book.cancel(tenant, request.params.intentId);
      return reply.status(204).send(undefined);
    },
  );
}

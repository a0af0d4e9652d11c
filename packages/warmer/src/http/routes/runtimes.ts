import type { RuntimeSpec } from '@pilotlight/warming';
import {
  type WireRuntimeSpec,
  wireErrorBody,
  wireRuntime,
  wireRuntimeList,
  wireRuntimeName,
  wireRuntimeSpec,
} from '@pilotlight/warming/wire';
import { z } from 'zod';
import { toWireRuntime } from '../../runtimes/registry.js';
import { allow } from '../access.js';
import type { App } from '../app.js';
import type { ServiceContext } from '../context.js';

const errors = { '4xx': wireErrorBody, '5xx': wireErrorBody };

export async function runtimeRoutes(app: App, context: ServiceContext): Promise<void> {
  const { registry, runtimes, audit } = context;

  app.get(
    '/v1/runtimes',
    { schema: { summary: 'Runtimes you may claim', response: { 200: wireRuntimeList, ...errors } } },
    async (request) => {
      const { tenant } = allow(request, 'runtimes:read');
      return { runtimes: registry.visibleTo(tenant).map(toWireRuntime) };
    },
  );

  app.put(
    '/v1/runtimes/:name',
    {
      schema: {
        summary: 'Declare or replace a runtime of your own',
        params: z.object({ name: wireRuntimeName }),
        body: wireRuntimeSpec,
        response: { 200: wireRuntime, ...errors },
      },
    },
    async (request) => {
      const { tenant, tokenId } = allow(request, 'runtimes:write');
      const { name } = request.params;
      const runtime = await runtimes.declare(tenant, specOf(name, request.body));
      audit.info({ tenant, tokenId, action: 'define-runtime', runtime: name });
      return toWireRuntime(runtime);
    },
  );
}

/** JSON has no `undefined`: what was not given is not there. */
function specOf(name: string, body: WireRuntimeSpec): RuntimeSpec {
  return { ...(JSON.parse(JSON.stringify(body)) as Omit<RuntimeSpec, 'name'>), name };
}

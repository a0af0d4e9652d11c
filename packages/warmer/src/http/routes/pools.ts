import {
  wireErrorBody,
  wirePool,
  wirePoolChange,
  wirePoolList,
  wireRuntimeName,
  wireSnapshotList,
} from '@pilotlight/warming/wire';
import { z } from 'zod';
import { WarmerError } from '../../errors.js';
import type { RegisteredRuntime } from '../../runtimes/registry.js';
import { allow } from '../access.js';
import type { App } from '../app.js';
import type { ServiceContext } from '../context.js';

const errors = { '4xx': wireErrorBody, '5xx': wireErrorBody };

export async function poolRoutes(app: App, context: ServiceContext): Promise<void> {
  const { registry, pools, poolControl, audit } = context;
  const describe = (runtime: RegisteredRuntime) => pools.describe(runtime, poolControl.numbers(runtime.pool));

  app.get(
    '/v1/pools',
    { schema: { summary: 'Pools you may claim from', response: { 200: wirePoolList, ...errors } } },
    async (request) => {
      const { tenant, scopes } = allow(request, 'pools:read');
      const visible = scopes.has('operator') ? registry.all() : registry.visibleTo(tenant);
      return { pools: visible.map(describe) };
    },
  );

  app.patch(
    '/v1/pools/:name',
    {
      schema: {
        summary: "Set a target, pause or drain; shared pools are the operator's",
        params: z.object({ name: wireRuntimeName }),
        body: wirePoolChange,
        response: { 200: wirePool, ...errors },
      },
    },
    async (request) => {
      const { tenant, tokenId, scopes } = allow(request, 'pools:write');
      const runtime = registry.resolve(tenant, request.params.name);
      if (runtime.tenant === undefined && !scopes.has('operator')) {
        throw new WarmerError('forbidden', 'A shared pool is changed by the operator. Declare a runtime of your own.');
      }
      await poolControl.change(runtime.pool, request.body);
      if (request.body.state !== undefined) pools.changedState(runtime.pool, request.body.state);
      audit.info({ tenant, tokenId, action: 'change-pool', runtime: runtime.name, ...request.body });
      return describe(runtime);
    },
  );

  app.get(
    '/v1/snapshots',
    { schema: { summary: 'Snapshot links of your runtimes', response: { 200: wireSnapshotList, ...errors } } },
    async (request) => {
      const { tenant, scopes } = allow(request, 'snapshots:read');
      const links = (await context.snapshots?.list()) ?? [];
      return {
        links: links.flatMap(({ pool, ...link }) => {
          const runtime = registry.byPool(pool ?? '');
          const visible = scopes.has('operator') || (runtime && (runtime.tenant ?? tenant) === tenant);
          if (!visible) return [];
          return [{ ...link, ...(runtime ? { runtime: runtime.name } : {}) }];
        }),
      };
    },
  );

  app.delete(
    '/v1/snapshots/:packKey',
    {
      schema: {
        summary: "Drop a link, so that it is made anew; the operator's",
        params: z.object({ packKey: z.string().min(1).max(200) }),
        response: { 204: z.undefined(), ...errors },
      },
    },
    async (request, reply) => {
      const { tenant, tokenId } = allow(request, 'operator');
      const { packKey } = request.params;
      if (!(await context.snapshots?.drop(packKey))) {
        throw new WarmerError('not_found', 'There is no such link. List them with GET /v1/snapshots.');
      }
      audit.info({ tenant, tokenId, action: 'drop-link', packKey });
      return reply.status(204).send(undefined);
    },
  );
}

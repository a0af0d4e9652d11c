import type { FastifyInstance } from 'fastify';
import { ApiError } from '../sandbox/api-error.js';
import type { SandboxRegistry } from '../sandbox/registry.js';
import type { Template } from '../sandbox/template-store.js';
import { pageOf } from './listing.js';
import { parse } from './parse.js';
import { snapshotBody, snapshotsQuery } from './schemas.js';

/** Snapshots are templates that know where they come from: they are made here and deleted as templates. */
export function snapshotRoutes(server: FastifyInstance, registry: SandboxRegistry): void {
  server.post<{ Params: { id: string } }>('/sandboxes/:id/snapshots', async (request, reply) => {
    const { name } = parse(snapshotBody, request.body);
    const { snapshotId, names } = await registry.snapshot(request.params.id, name);
    return reply.code(201).send({ snapshotID: snapshotId, names });
  });

  server.get('/snapshots', async (request, reply) => {
    const query = parse(snapshotsQuery, request.query);
    const found = registry.templates
      .list()
      .filter(
        (template) =>
          template.sourceSandboxId !== undefined &&
          (query.sandboxID === undefined || template.sourceSandboxId === query.sandboxID) &&
          (query.name === undefined || template.names.includes(query.name.replace(/:default$/, ''))),
      );
    const position = (template: Template): [number, string] => [template.createdAtMs, template.id];
    const compare = (left: [number, string], right: [number, string]) =>
      right[0] - left[0] || (left[1] < right[1] ? -1 : left[1] > right[1] ? 1 : 0);
    const sorted = found.sort((left, right) => compare(position(left), position(right)));
    const page = pageOf(sorted, query.limit, query.nextToken, position, compare);
    if (page.nextToken !== undefined) {
      reply.header('x-next-token', page.nextToken);
    }
    return page.items.map((template) => ({
      snapshotID: template.id,
      names: template.names.map((name) => `${name}:default`),
      createdAt: new Date(template.createdAtMs).toISOString(),
    }));
  });

  server.delete<{ Params: { id: string } }>('/templates/:id', async (request, reply) => {
    const template = registry.templates.find(request.params.id);
    if (!template || template.sourceSandboxId === undefined) {
      throw new ApiError(404, `Snapshot "${request.params.id}" not found.`);
    }
    registry.templates.remove(template.id);
    return reply.code(204).send();
  });
}

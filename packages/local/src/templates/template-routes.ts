import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { parse } from '../control/parse.js';
import { ApiError } from '../sandbox/api-error.js';
import type { ArchiveStore } from './archive-store.js';
import { assignTagsBody, newBuildBody, removeTagsBody, startBuildBody, statusQuery } from './build-request.js';
import type { TemplateService } from './template-service.js';

interface ById {
  Params: { id: string };
}

const uploadPath = '/_pilotlight/uploads';
const uploadLimitBytes = 4 * 1024 ** 3;

/** The part of E2B's API that builds, names and tags templates. */
export function templateRoutes(server: FastifyInstance, service: TemplateService, archives: ArchiveStore): void {
  for (const path of ['/v2/templates', '/v3/templates']) {
    server.post(path, async (request, reply) => {
      const body = parse(newBuildBody, request.body);
      const name = body.name ?? body.alias;
      if (name === undefined) {
        throw new ApiError(400, 'The request names no template. Give it a "name".');
      }
      const { family, build } = service.request(name, body.tags ?? []);
      return reply.code(202).send({
        templateID: family.id,
        buildID: build.id,
        names: [family.name],
        aliases: [family.name],
        tags: build.tags,
        public: false,
      });
    });
  }

  server.get<{ Params: { id: string; hash: string } }>('/templates/:id/files/:hash', async (request, reply) => {
    const { id, hash } = request.params;
    service.family(id);
    const url = `http://${request.headers.host}${uploadPath}/${archives.allow(hash)}`;
    return reply.code(201).send({ present: archives.find(hash) !== undefined, url });
  });

  server.post<{ Params: { id: string; build: string } }>('/v2/templates/:id/builds/:build', async (request, reply) => {
    const { id, build } = request.params;
    void service.start(id, build, parse(startBuildBody, request.body));
    return reply.code(202).send();
  });

  server.get<{ Params: { id: string; build: string } }>('/templates/:id/builds/:build/status', async (request) => {
    const { id, build } = request.params;
    const { logsOffset } = parse(statusQuery, request.query);
    const status = service.status(id, build, logsOffset);
    const logs = status.logEntries.map(({ message }) => message);
    return { templateID: id, buildID: build, logs, ...status };
  });

  server.get<{ Params: { alias: string } }>('/templates/aliases/:alias', async (request) => {
    const templateID = service.idOf(request.params.alias);
    if (templateID === undefined) {
      throw new ApiError(404, `There is no template named "${request.params.alias}".`);
    }
    return { templateID, public: false };
  });

  server.post('/templates/tags', async (request, reply) => {
    const { target, tags } = parse(assignTagsBody, request.body);
    return reply.code(201).send({ buildID: service.assignTags(target, tags), tags });
  });

  server.delete('/templates/tags', async (request, reply) => {
    const { name, tags } = parse(removeTagsBody, request.body);
    service.removeTags(name, tags);
    return reply.code(204).send();
  });

  server.get<ById>('/templates/:id/tags', async (request) =>
    [...service.family(request.params.id).tags].map(([tag, { buildId, createdAtMs }]) => ({
      tag,
      buildID: buildId,
      createdAt: new Date(createdAtMs).toISOString(),
    })),
  );

  void server.register(async (uploads) => {
    uploads.removeAllContentTypeParsers();
    uploads.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    const options = { config: { isOpen: true }, bodyLimit: uploadLimitBytes };
    uploads.put<{ Params: { token: string } }>(`${uploadPath}/:token`, options, async (request, reply) => {
      await archives.receive(request.params.token, request.body as Readable);
      return reply.code(200).send();
    });
  });
}

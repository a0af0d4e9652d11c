import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { parse } from '../control/parse.js';
import type { VolumeService } from './volume-service.js';

interface ById {
  Params: { id: string };
}

const volumeBody = z.object({ name: z.string().regex(/^[\w.-]{1,128}$/, 'letters, digits, "_", "." and "-" only') });
const number = z.coerce.number().int().min(0).max(0xffff_ffff).optional();
const pathQuery = z.object({
  path: z.string().max(4096),
  depth: z.coerce.number().int().min(1).max(64).default(1),
  uid: number,
  gid: number,
  mode: z.coerce.number().int().min(0).max(0o7777).optional(),
  force: z.stringbool().default(false),
});
const metadataBody = z.object({ uid: number, gid: number, mode: z.number().int().min(0).max(0o7777).optional() });
const uploadLimitBytes = 16 * 1024 ** 3;

/** E2B's volumes: the list of them for the key's owner, and the content of each for the holder of its token. */
export function volumeRoutes(server: FastifyInstance, service: VolumeService): void {
  const { store } = service;

  server.post('/volumes', async (request, reply) => {
    const { id, name, token } = store.create(parse(volumeBody, request.body).name);
    return reply.code(201).send({ volumeID: id, name, token });
  });

  server.get('/volumes', async () => store.list().map(({ id, name }) => ({ volumeID: id, name })));

  server.get<ById>('/volumes/:id', async (request) => {
    const { id, name, token } = store.get(request.params.id);
    return { volumeID: id, name, token };
  });

  server.delete<ById>('/volumes/:id', async (request, reply) => {
    await service.destroy(request.params.id);
    return reply.code(204).send();
  });

  const options = { config: { isOpen: true } };
  const volumeOf = (request: FastifyRequest<ById>) =>
    store.authorized(request.params.id, request.headers.authorization);
  const content = '/volumecontent/:id';

  server.get<ById>(`${content}/dir`, options, (request) => {
    const { path, depth } = parse(pathQuery, request.query);
    return service.use(volumeOf(request), (files) => files.entries('list', [path, String(depth)]));
  });

  server.post<ById>(`${content}/dir`, options, async (request, reply) => {
    const query = parse(pathQuery, request.query);
    const [entry] = await service.use(volumeOf(request), (files) => files.entries('mkdir', writeArguments(query)));
    return reply.code(201).send(entry);
  });

  server.get<ById>(`${content}/path`, options, async (request) => {
    const { path } = parse(pathQuery, request.query);
    const [entry] = await service.use(volumeOf(request), (files) => files.entries('stat', [path]));
    return entry;
  });

  server.patch<ById>(`${content}/path`, options, async (request) => {
    const { path } = parse(pathQuery, request.query);
    const changes = parse(metadataBody, request.body);
    const list = writeArguments({ ...changes, path, force: false }).slice(0, 4);
    const [entry] = await service.use(volumeOf(request), (files) => files.entries('set', list));
    return entry;
  });

  server.delete<ById>(`${content}/path`, options, async (request, reply) => {
    const { path } = parse(pathQuery, request.query);
    await service.use(volumeOf(request), (files) => files.entries('remove', [path]));
    return reply.code(204).send();
  });

  server.get<ById>(`${content}/file`, options, async (request, reply) => {
    const { path } = parse(pathQuery, request.query);
    return service.use(volumeOf(request), async (files) => {
      const { entry, content: bytes } = await files.read(path);
      reply.header('Content-Type', 'application/octet-stream').header('Content-Length', entry.size);
      await reply.send(bytes);
      return reply;
    });
  });

  void server.register(async (uploads) => {
    uploads.removeAllContentTypeParsers();
    uploads.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    const uploadOptions = { ...options, bodyLimit: uploadLimitBytes };
    uploads.put<ById>(`${content}/file`, uploadOptions, async (request, reply) => {
      const list = writeArguments(parse(pathQuery, request.query));
      const bytes = (request.body ?? []) as Readable;
      const entry = await service.use(volumeOf(request), (files) => files.write(list, bytes));
      return reply.code(201).send(entry);
    });
  });
}

function writeArguments(given: {
  path: string;
  uid?: number | undefined;
  gid?: number | undefined;
  mode?: number | undefined;
  force: boolean;
}): string[] {
  const { path, uid = '', gid = '', mode = '', force } = given;
  return [path, String(uid), String(gid), String(mode), force ? '1' : ''];
}

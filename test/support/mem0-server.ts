import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

type Fields = Record<string, unknown>;

export interface Mem0Row {
  id: string;
  memory: string;
  user_id: string | null;
  agent_id: string | null;
  app_id: string | null;
  run_id: string | null;
  metadata: Fields | null;
  created_at: string;
  updated_at: string;
}

export interface Mem0StandInOptions {
  /** How long every answer takes, in milliseconds. @default 0 */
  delayMs?: number;
  /** Answers with everybody's rows, whatever the filters: what a broken or hostile service would do. @default false */
  leaky?: boolean;
  /** How many event polls pass until an extraction is done. @default 1 */
  pollsUntilDone?: number;
}

export interface Mem0StandIn {
  /** Without a trailing slash. */
  readonly url: string;
  readonly apiKey: string;
  readonly rows: Map<string, Mem0Row>;
  /** `METHOD /path` of every request, in order. */
  readonly requests: string[];
  close(): Promise<void>;
}

const owners = ['user_id', 'agent_id', 'app_id', 'run_id'] as const;
const allowedFilters = new Set([...owners, 'metadata', 'AND', 'OR', 'NOT', 'categories', 'created_at', 'updated_at']);

class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * A mem0 service on this machine that is strict where mem0 is: both the platform's routes and those of a self-hosted
 * server, over real HTTP. It ranks by shared words, which is enough to tell a hit from a miss.
 */
export async function startMem0StandIn(options: Mem0StandInOptions = {}): Promise<Mem0StandIn> {
  const { delayMs = 0, leaky = false, pollsUntilDone = 1 } = options;
  const apiKey = `stand-in-${randomUUID()}`;
  const rows = new Map<string, Mem0Row>();
  const history = new Map<string, Fields[]>();
  const polls = new Map<string, number>();
  const requests: string[] = [];

  const owned = (filters: Fields): Mem0Row[] => {
    const named = owners.filter((owner) => typeof filters[owner] === 'string' && filters[owner] !== '');
    if (named.length === 0) throw new Refusal(400, 'At least one entity id is required.');
    const metadata = (filters.metadata ?? {}) as Fields;
    return [...rows.values()]
      .filter((row) => leaky || named.every((owner) => filters[owner] === '*' || row[owner] === filters[owner]))
      .filter((row) => Object.entries(metadata).every(([name, value]) => row.metadata?.[name] === value))
      .reverse();
  };

  const add = (body: Fields): Mem0Row[] => {
    if (!owners.some((owner) => typeof body[owner] === 'string')) throw new Refusal(400, 'An entity id is required.');
    const messages = body.messages as { role: string; content: string }[];
    return messages.map(({ content }) => {
      const at = new Date().toISOString();
      const idOf = (owner: string) => (typeof body[owner] === 'string' ? String(body[owner]) : null);
      const row: Mem0Row = {
        id: randomUUID(),
        memory: content,
        user_id: idOf('user_id'),
        agent_id: idOf('agent_id'),
        app_id: idOf('app_id'),
        run_id: idOf('run_id'),
        metadata: (body.metadata as Fields | undefined) ?? null,
        created_at: at,
        updated_at: at,
      };
      rows.set(row.id, row);
      history.set(row.id, [change(row, 'ADD', null)]);
      return row;
    });
  };

  const one = (id: string): Mem0Row => {
    const row = rows.get(id);
    if (row === undefined) throw new Refusal(404, 'Memory not found!');
    return row;
  };

  const update = (id: string, body: Fields): Mem0Row => {
    const row = one(id);
    const before = row.memory;
    if (typeof body.text === 'string') row.memory = body.text;
    if (body.metadata) row.metadata = { ...row.metadata, ...(body.metadata as Fields) };
    row.updated_at = new Date().toISOString();
    history.get(id)?.push(change(row, 'UPDATE', before));
    return row;
  };

  const remove = (id: string): Fields => {
    one(id);
    rows.delete(id);
    return { message: 'Memory deleted successfully!' };
  };

  const removeAll = (query: Fields): Fields => {
    for (const row of owned(query))
      if (owners.every((owner) => !query[owner] || row[owner] === query[owner])) rows.delete(row.id);
    return { message: 'Memories deleted successfully!' };
  };

  const platform = (method: string, path: string, query: Fields, body: Fields): unknown => {
    const id = /^\/v1\/memories\/([^/]+)\/(history\/)?$/.exec(path);
    if (method === 'GET' && path === '/v1/ping/')
      return { status: 'ok', org_id: 'o', project_id: 'p', user_email: 'stand-in@example.org' };
    if (method === 'POST' && path === '/v3/memories/search/') {
      const found = ranked(String(body.query), owned(checkedFilters(body)));
      return { results: found.slice(0, Number(body.top_k ?? 10)) };
    }
    if (method === 'POST' && path === '/v3/memories/') {
      const all = owned(checkedFilters(body));
      const size = Number(query.page_size ?? 100);
      const from = (Number(query.page ?? 1) - 1) * size;
      const results = all.slice(from, from + size).map(({ run_id, ...row }) => ({ ...row, session_id: run_id }));
      return { count: all.length, next: from + size < all.length ? 'next' : null, previous: null, results };
    }
    if (method === 'POST' && path === '/v3/memories/add/') {
      const eventId = randomUUID();
      const added = add(body);
      if (body.infer !== false) return { event_id: eventId, status: 'PENDING' };
      return {
        message: 'ok',
        status: 'SUCCEEDED',
        event_id: eventId,
        results: added.map((row) => ({ id: row.id, data: { memory: row.memory }, event: 'ADD' })),
      };
    }
    if (method === 'GET' && path.startsWith('/v1/event/')) {
      const eventId = path.split('/')[3] ?? '';
      const asked = (polls.get(eventId) ?? 0) + 1;
      polls.set(eventId, asked);
      return { id: eventId, status: asked > pollsUntilDone ? 'SUCCEEDED' : 'PENDING' };
    }
    if (method === 'DELETE' && path === '/v1/memories/') return removeAll(query);
    if (id?.[2]) return method === 'GET' ? (history.get(id[1] ?? '') ?? []) : undefined;
    if (id?.[1]) return byId(method, id[1], body);
    return undefined;
  };

  const selfHosted = (method: string, path: string, query: Fields, body: Fields): unknown => {
    const id = /^\/memories\/([^/]+)(\/history)?$/.exec(path);
    if (method === 'POST' && path === '/search') return { results: ranked(String(body.query), owned(body)) };
    if (method === 'GET' && path === '/memories') return { results: owned(query) };
    if (method === 'POST' && path === '/memories')
      return { results: add(body).map((row) => ({ id: row.id, memory: row.memory, event: 'ADD' })) };
    if (method === 'DELETE' && path === '/memories') return removeAll(query);
    if (id?.[2]) return history.get(id[1] ?? '') ?? [];
    if (id?.[1]) return method === 'GET' ? (rows.get(id[1]) ?? null) : byId(method, id[1], body);
    return undefined;
  };

  const byId = (method: string, id: string, body: Fields): unknown => {
    if (method === 'GET') return one(id);
    if (method === 'PUT') return update(id, body);
    return method === 'DELETE' ? remove(id) : undefined;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://stand-in');
    requests.push(`${request.method} ${url.pathname}`);
    const body = await bodyOf(request);
    if (delayMs > 0) await sleep(delayMs);
    try {
      const platformKey = request.headers.authorization === `Token ${apiKey}`;
      if (!platformKey && request.headers['x-api-key'] !== apiKey) throw new Refusal(401, 'Invalid API key.');
      const route = platformKey ? platform : selfHosted;
      const reply = route(request.method ?? '', url.pathname, Object.fromEntries(url.searchParams), body);
      if (reply === undefined) throw new Refusal(404, 'Not found.');
      send(response, 200, reply);
    } catch (failure) {
      const status = failure instanceof Refusal ? failure.status : 500;
      send(response, status, { detail: failure instanceof Error ? failure.message : 'failed' });
    }
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    apiKey,
    rows,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function checkedFilters(body: Fields): Fields {
  const filters = (body.filters ?? {}) as Fields;
  const unknown = Object.keys(filters).find((name) => !allowedFilters.has(name));
  if (unknown !== undefined) throw new Refusal(400, `Unknown filter: ${unknown}`);
  return filters;
}

function change(row: Mem0Row, event: string, before: string | null): Fields {
  return {
    id: randomUUID(),
    memory_id: row.id,
    old_memory: before,
    new_memory: row.memory,
    user_id: row.user_id,
    event,
    created_at: row.updated_at,
  };
}

function ranked(query: string, rows: readonly Mem0Row[]): (Mem0Row & { score: number })[] {
  const asked = wordsOf(query);
  return rows
    .map((row) => ({
      ...row,
      score: [...wordsOf(row.memory)].filter((word) => asked.has(word)).length / (asked.size || 1),
    }))
    .filter((row) => row.score > 0)
    .sort((left, right) => right.score - left.score);
}

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? []);
}

async function bodyOf(request: IncomingMessage): Promise<Fields> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? {} : (JSON.parse(Buffer.concat(chunks).toString('utf8')) as Fields);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

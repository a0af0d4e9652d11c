import { MemoryError } from '../errors.js';
import { badResponse } from '../mem0/failures.js';
import { changesOf, isFields, rowOf, rowsOf, snakeScope, spoken, textOf } from '../mem0/rows.js';
import type { MemorySource, SourceAdd, SourceCall, SourceList, SourceSearch, SourceUpdate } from '../source.js';
import type { AddResult, MemoryEvent, MemoryHistoryEntry, MemoryItem, MemoryPage } from '../types.js';
import { Http } from './http.js';
import { type Mem0ClientLike, mem0Object } from './mem0-object.js';

export interface Mem0PlatformOptions {
  /** @default environment variable `MEM0_API_KEY` */
  apiKey?: string;
  /** @default environment variable `MEM0_HOST`, else 'https://api.mem0.ai' */
  host?: string;
  /** A `MemoryClient` of `mem0ai` to go through in place of our own requests; it cannot be cancelled or told apart by key. */
  client?: Mem0ClientLike;
  /** Longest answer that is read, in bytes. @default 33_554_432 */
  maxResponseBytes?: number;
}

/**
 * The hosted mem0 platform, by its REST contract: no ping, no telemetry, every call bounded and cancellable.
 *
 * @throws MemoryError with code `invalid_option`
 */
export function mem0Platform(options: Mem0PlatformOptions = {}): MemorySource {
  if (options.client !== undefined)
    return mem0Object({ name: 'mem0-client', paging: 'pages', open: () => options.client! });
  const apiKey = options.apiKey ?? process.env.MEM0_API_KEY ?? '';
  if (!/^[\x21-\x7E]{1,512}$/.test(apiKey)) {
    throw new MemoryError('invalid_option', 'The mem0 platform needs an API key. Pass apiKey or set MEM0_API_KEY.');
  }
  const host = options.host ?? process.env.MEM0_HOST ?? 'https://api.mem0.ai';
  const headers = { authorization: `Token ${apiKey}` };
  const maxResponseBytes = options.maxResponseBytes ?? 33_554_432;
  return new Mem0Platform(new Http({ source: 'The mem0 platform', host, headers, maxResponseBytes }));
}

class Mem0Platform implements MemorySource {
  readonly name = 'mem0-platform';
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  async search(request: SourceSearch): Promise<MemoryItem[]> {
    const { query, topK, threshold, rerank, filters, scope, signal } = request;
    const metadata = filters === undefined ? {} : { metadata: { ...filters } };
    const json = {
      query,
      filters: { ...metadata, ...snakeScope(scope) },
      top_k: topK,
      threshold,
      rerank,
      output_format: 'v1.1',
    };
    return rowsIn(await this.#http.call({ method: 'post', path: 'v3/memories/search/', json, signal, read: true }));
  }

  async list({ scope, page, pageSize, signal }: SourceList): Promise<MemoryPage> {
    const query = { page, page_size: pageSize };
    const json = { filters: snakeScope(scope) };
    const answer = await this.#http.call({ method: 'post', path: 'v3/memories/', query, json, signal, read: true });
    const results = rowsIn(answer);
    const count = isFields(answer) && typeof answer.count === 'number' ? { count: answer.count } : {};
    return { results, ...count, more: isFields(answer) && Boolean(answer.next) };
  }

  async add(request: SourceAdd): Promise<AddResult> {
    const { scope, messages, metadata, infer, expirationDate, signal } = request;
    const json = {
      messages: spoken(messages),
      ...snakeScope(scope),
      ...(metadata === undefined ? {} : { metadata }),
      ...(infer === undefined ? {} : { infer }),
      ...(expirationDate === undefined ? {} : { expiration_date: expirationDate }),
    };
    const answer = await this.#http.call({ method: 'post', path: 'v3/memories/add/', json, signal, read: false });
    if (!isFields(answer)) throw unexpected();
    const eventId = textOf(answer.event_id);
    const status = answer.status === 'FAILED' ? 'FAILED' : answer.status === 'PENDING' ? 'PENDING' : 'SUCCEEDED';
    return { status, results: rowsOf(answer) ?? [], ...(eventId === undefined ? {} : { eventId }) };
  }

  async get(id: string, { signal }: SourceCall): Promise<MemoryItem | undefined> {
    const answer = await this.#http.call({ method: 'get', path: `v1/memories/${id}/`, signal, read: true });
    return answer === undefined ? undefined : rowOf(answer);
  }

  async update({ id, text, metadata, expirationDate, signal }: SourceUpdate): Promise<MemoryItem | undefined> {
    const json = {
      ...(text === undefined ? {} : { text }),
      ...(metadata === undefined ? {} : { metadata }),
      ...(expirationDate === undefined ? {} : { expiration_date: expirationDate }),
    };
    const answer = await this.#http.call({ method: 'put', path: `v1/memories/${id}/`, json, signal, read: false });
    return rowOf(answer);
  }

  async delete(id: string, { signal }: SourceCall): Promise<void> {
    await this.#http.call({ method: 'delete', path: `v1/memories/${id}/`, signal, read: false });
  }

  async deleteAll({ scope, signal }: SourceCall): Promise<void> {
    await this.#http.call({ method: 'delete', path: 'v1/memories/', query: snakeScope(scope), signal, read: false });
  }

  async history(id: string, { signal }: SourceCall): Promise<MemoryHistoryEntry[]> {
    const answer = await this.#http.call({ method: 'get', path: `v1/memories/${id}/history/`, signal, read: true });
    if (answer === undefined) return [];
    const changes = changesOf(answer);
    if (changes === undefined) throw unexpected();
    return changes;
  }

  async event(eventId: string, signal?: AbortSignal): Promise<MemoryEvent> {
    const answer = await this.#http.call({ method: 'get', path: `v1/event/${eventId}/`, signal, read: true });
    const status = isFields(answer) ? answer.status : undefined;
    if (status === 'PENDING' || status === 'RUNNING' || status === 'SUCCEEDED' || status === 'FAILED')
      return { eventId, status };
    throw unexpected();
  }
}

function rowsIn(answer: unknown): MemoryItem[] {
  const rows = rowsOf(answer);
  if (rows === undefined) throw unexpected();
  return rows;
}

function unexpected(): MemoryError {
  return badResponse('The mem0 platform', 'another shape than its contract says');
}

import { MemoryError } from '../errors.js';
import { badResponse } from '../mem0/failures.js';
import { changesOf, rowOf, rowsOf, snakeScope, spoken } from '../mem0/rows.js';
import type { MemorySource, SourceAdd, SourceCall, SourceList, SourceSearch, SourceUpdate } from '../source.js';
import type { AddResult, MemoryHistoryEntry, MemoryItem, MemoryPage, MemoryScope } from '../types.js';
import { Http } from './http.js';

export interface Mem0ServerOptions {
  /** Where the server listens, for example `http://localhost:8888`. */
  host: string;
  /** Sent as `X-API-Key`. @default none */
  apiKey?: string;
  /** Longest answer that is read, in bytes. @default 33_554_432 */
  maxResponseBytes?: number;
}

/**
 * A self-hosted mem0 server: its `/memories` and `/search` routes, which are not those of the platform. It has no app
 * ids, no pages and no events.
 *
 * @throws MemoryError with code `invalid_option`
 */
export function mem0Server(options: Mem0ServerOptions): MemorySource {
  const { host, apiKey, maxResponseBytes = 33_554_432 } = options;
  const headers: Record<string, string> = apiKey === undefined ? {} : { 'x-api-key': apiKey };
  const http = new Http({ source: 'The mem0 server', host, headers, maxResponseBytes });
  return new Mem0Server(http);
}

class Mem0Server implements MemorySource {
  readonly name = 'mem0-server';
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  async search({ query, topK, threshold, filters, scope, signal }: SourceSearch): Promise<MemoryItem[]> {
    const owner = ownerIn(scope);
    const json = { query, ...owner, filters: { ...filters, ...owner }, top_k: topK, threshold };
    return rowsIn(await this.#http.call({ method: 'post', path: 'search', json, signal, read: true })).slice(0, topK);
  }

  async list({ scope, page, pageSize, signal }: SourceList): Promise<MemoryPage> {
    const query = ownerIn(scope);
    const rows = rowsIn(await this.#http.call({ method: 'get', path: 'memories', query, signal, read: true }));
    return newestPage(rows, page, pageSize);
  }

  async add({ scope, messages, metadata, infer, signal }: SourceAdd): Promise<AddResult> {
    const json = {
      messages: spoken(messages),
      ...ownerIn(scope),
      ...(metadata === undefined ? {} : { metadata }),
      ...(infer === undefined ? {} : { infer }),
    };
    const answer = await this.#http.call({ method: 'post', path: 'memories', json, signal, read: false });
    return { status: 'SUCCEEDED', results: rowsIn(answer) };
  }

  async get(id: string, { signal }: SourceCall): Promise<MemoryItem | undefined> {
    return rowOf(await this.#http.call({ method: 'get', path: `memories/${id}`, signal, read: true }));
  }

  async update({ id, text, metadata, signal }: SourceUpdate): Promise<MemoryItem | undefined> {
    const json = { ...(text === undefined ? {} : { text }), ...(metadata === undefined ? {} : { metadata }) };
    return rowOf(await this.#http.call({ method: 'put', path: `memories/${id}`, json, signal, read: false }));
  }

  async delete(id: string, { signal }: SourceCall): Promise<void> {
    await this.#http.call({ method: 'delete', path: `memories/${id}`, signal, read: false });
  }

  async deleteAll({ scope, signal }: SourceCall): Promise<void> {
    await this.#http.call({ method: 'delete', path: 'memories', query: ownerIn(scope), signal, read: false });
  }

  async history(id: string, { signal }: SourceCall): Promise<MemoryHistoryEntry[]> {
    const answer = await this.#http.call({ method: 'get', path: `memories/${id}/history`, signal, read: true });
    return answer === undefined ? [] : (changesOf(answer) ?? []);
  }
}

/** A page out of everything, newest first, for sources that know no pages. */
export function newestPage(rows: readonly MemoryItem[], page: number, pageSize: number): MemoryPage {
  const timeOf = (row: MemoryItem) => row.updatedAt ?? row.createdAt ?? '';
  const sorted = [...rows].sort((left, right) =>
    timeOf(left) < timeOf(right) ? 1 : timeOf(left) > timeOf(right) ? -1 : 0,
  );
  const from = (page - 1) * pageSize;
  return { results: sorted.slice(from, from + pageSize), count: rows.length, more: from + pageSize < rows.length };
}

function ownerIn(scope: Readonly<MemoryScope>): Record<string, string> {
  if (scope.appId !== undefined) {
    throw new MemoryError('unsupported', 'A self-hosted mem0 server has no app ids. Leave appId out, or use agentId.');
  }
  return snakeScope(scope);
}

function rowsIn(answer: unknown): MemoryItem[] {
  const rows = rowsOf(answer);
  if (rows === undefined) throw badResponse('The mem0 server', 'another shape than its contract says');
  return rows;
}

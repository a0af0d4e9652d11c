import { isMemoryError, MemoryError } from '../errors.js';
import { badResponse, objectFailure } from '../mem0/failures.js';
import { changesOf, isFields, rowOf, rowsOf, snakeScope, spoken, textOf } from '../mem0/rows.js';
import type { MemorySource, SourceAdd, SourceCall, SourceList, SourceSearch, SourceUpdate } from '../source.js';
import type { AddResult, MemoryHistoryEntry, MemoryItem, MemoryPage, MemoryScope } from '../types.js';
import { newestPage } from './mem0-server.js';

/** What `MemoryClient` of `mem0ai` and `Memory` of `mem0ai/oss` have in common, as far as it is used here. */
export interface Mem0ClientLike {
  add(messages: { role: 'user' | 'assistant'; content: string }[], options: object): Promise<unknown>;
  search(query: string, options: object): Promise<unknown>;
  getAll(options: object): Promise<unknown>;
  get(id: string): Promise<unknown>;
  update(
    id: string,
    changes: { text?: string; metadata?: Record<string, unknown>; expirationDate?: string },
  ): Promise<unknown>;
  delete(id: string): Promise<unknown>;
  deleteAll(options: object): Promise<unknown>;
  history(id: string): Promise<unknown>;
}

export interface Mem0ObjectOptions {
  name: string;
  /** `pages`: asks page by page. `top`: asks for the first rows and cuts the page out of them. */
  paging: 'pages' | 'top';
  /** Called before the first use, and again after it failed. */
  open: () => Mem0ClientLike | Promise<Mem0ClientLike>;
  /** False when the object has no app ids. @default true */
  appIds?: boolean;
}

// mem0's in-process engine cuts its list without saying so; beyond this many memories it is the wrong source.
const mostRows = 10_000;

/** A mem0 object as a source. mem0's objects take no signal: a call that is given up ends on its own, unheard. */
export function mem0Object(options: Mem0ObjectOptions): MemorySource {
  return new Mem0Object(options);
}

class Mem0Object implements MemorySource {
  readonly name: string;
  readonly #options: Mem0ObjectOptions;
  #opened: Promise<Mem0ClientLike> | undefined;

  constructor(options: Mem0ObjectOptions) {
    this.#options = options;
    this.name = options.name;
  }

  search({ query, topK, threshold, rerank, filters, scope }: SourceSearch): Promise<MemoryItem[]> {
    const options = { topK, threshold, rerank, filters: { ...this.#filters(filters), ...this.#owner(scope) } };
    return this.#ask(async (mem0) => this.#rows(await mem0.search(query, options)));
  }

  list({ scope, page, pageSize }: SourceList): Promise<MemoryPage> {
    const filters = this.#owner(scope);
    return this.#ask(async (mem0) => {
      if (this.#options.paging === 'top') {
        return newestPage(this.#rows(await mem0.getAll({ filters, topK: mostRows })), page, pageSize);
      }
      const answer = await mem0.getAll({ filters, page, pageSize });
      const results = this.#rows(answer);
      const count = isFields(answer) && typeof answer.count === 'number' ? { count: answer.count } : {};
      return { results, ...count, more: isFields(answer) && Boolean(answer.next) };
    });
  }

  add({ scope, messages, metadata, infer, expirationDate }: SourceAdd): Promise<AddResult> {
    this.#owner(scope);
    const options = {
      ...scope,
      ...(metadata === undefined ? {} : { metadata }),
      ...(infer === undefined ? {} : { infer }),
      ...(expirationDate === undefined ? {} : { expirationDate }),
    };
    return this.#ask(async (mem0) => {
      const answer = await mem0.add(spoken(messages), options);
      const eventId = isFields(answer) ? textOf(answer.eventId) : undefined;
      const pending = isFields(answer) && answer.status === 'PENDING';
      return {
        status: pending ? 'PENDING' : 'SUCCEEDED',
        results: rowsOf(answer) ?? [],
        ...(eventId === undefined ? {} : { eventId }),
      };
    });
  }

  get(id: string, _call: SourceCall): Promise<MemoryItem | undefined> {
    return this.#ask(async (mem0) => {
      try {
        return rowOf(await mem0.get(id));
      } catch (failure) {
        const typed = objectFailure(this.name, failure);
        if (typed.code === 'not_found') return undefined;
        throw typed;
      }
    });
  }

  update({ id, text, metadata, expirationDate }: SourceUpdate): Promise<MemoryItem | undefined> {
    const changes = {
      ...(text === undefined ? {} : { text }),
      ...(metadata === undefined ? {} : { metadata }),
      ...(expirationDate === undefined ? {} : { expirationDate }),
    };
    return this.#ask(async (mem0) => {
      const answer = await mem0.update(id, changes);
      return rowOf(answer) ?? rowOf(await mem0.get(id));
    });
  }

  delete(id: string, _call: SourceCall): Promise<void> {
    return this.#ask(async (mem0) => void (await mem0.delete(id)));
  }

  deleteAll({ scope }: SourceCall): Promise<void> {
    this.#owner(scope);
    return this.#ask(async (mem0) => void (await mem0.deleteAll({ ...scope })));
  }

  history(id: string, _call: SourceCall): Promise<MemoryHistoryEntry[]> {
    return this.#ask(async (mem0) => changesOf(await mem0.history(id)) ?? []);
  }

  async #ask<Value>(work: (mem0: Mem0ClientLike) => Promise<Value>): Promise<Value> {
    try {
      this.#opened ??= Promise.resolve(this.#options.open());
      return await work(await this.#opened.catch((failure) => this.#reopenLater(failure)));
    } catch (failure) {
      throw isMemoryError(failure) ? failure : objectFailure(this.name, failure);
    }
  }

  #reopenLater(failure: unknown): never {
    this.#opened = undefined;
    throw failure;
  }

  #rows(answer: unknown): MemoryItem[] {
    const rows = rowsOf(answer);
    if (rows === undefined) throw badResponse(this.name, 'another shape than expected');
    return rows;
  }

  #filters(filters: SourceSearch['filters']): object {
    if (filters === undefined) return {};
    return this.#options.paging === 'pages' ? { metadata: { ...filters } } : { ...filters };
  }

  #owner(scope: Readonly<MemoryScope>): Record<string, string> {
    if (scope.appId !== undefined && this.#options.appIds === false) {
      throw new MemoryError('unsupported', `${this.name} has no app ids. Leave appId out, or use agentId.`);
    }
    return snakeScope(scope);
  }
}

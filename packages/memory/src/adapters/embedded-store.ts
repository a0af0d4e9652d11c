import type { Clock, Randomness } from '../clock.js';
import type { RecordLog } from '../embedded/log.js';
import { type LogRecord, parseRecord, type StoredItem } from '../embedded/record.js';
import { EmbeddedState } from '../embedded/state.js';
import { MemoryError } from '../errors.js';
import { scopeKey } from '../scope.js';
import type { MemorySource, SourceAdd, SourceCall, SourceList, SourceSearch, SourceUpdate } from '../source.js';
import type { AddResult, MemoryHistoryEntry, MemoryItem, MemoryPage } from '../types.js';
import { FileLog } from './file-log.js';
import { systemClock, systemRandomness } from './system-clock.js';

export interface EmbeddedOptions {
  /**
   * File that keeps the memories; made with its folder when absent, readable by its owner only. Several processes of one
   * machine may share it. @default none: memories live as long as the process
   */
  path?: string;
  clock?: Clock;
  randomness?: Randomness;
}

const fewestGarbageLines = 256;

/**
 * A store that needs no account, no model and no native module: one file of JSON lines, ranked by BM25. It keeps texts
 * as they are given (`infer` has no effect) and finds by words and parts of words: it knows letters, not meaning.
 */
export function embeddedStore(options: EmbeddedOptions = {}): MemorySource {
  return new EmbeddedStore(options);
}

class EmbeddedStore implements MemorySource {
  readonly name = 'embedded';
  readonly #clock: Clock;
  readonly #randomness: Randomness;
  readonly #log: RecordLog | undefined;
  #state = new EmbeddedState();
  /** Reads and writes of this process take turns, so that news are applied once and in order. */
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: EmbeddedOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#randomness = options.randomness ?? systemRandomness;
    this.#log = options.path === undefined ? undefined : new FileLog(options.path);
  }

  async search(request: SourceSearch): Promise<MemoryItem[]> {
    const state = await this.#current(request.signal);
    const found: MemoryItem[] = [];
    for (const { row, score } of state.search(request.scope, request.query)) {
      if (found.length >= request.topK) break;
      if (score < request.threshold || this.#isExpired(row) || !matches(row, request.filters)) continue;
      found.push({ ...itemOf(row), score });
    }
    return found;
  }

  async list(request: SourceList): Promise<MemoryPage> {
    const state = await this.#current(request.signal);
    const rows = state.list(request.scope).filter((row) => !this.#isExpired(row));
    const from = (request.page - 1) * request.pageSize;
    const results = rows.slice(from, from + request.pageSize).map(itemOf);
    return { results, count: rows.length, more: from + request.pageSize < rows.length };
  }

  add(request: SourceAdd): Promise<AddResult> {
    return this.#write(request.signal, (state) => {
      const at = new Date(this.#clock.nowMs()).toISOString();
      const scope = scopeKey(request.scope);
      const twins = state.list(request.scope).filter((row) => scopeKey(row as MemoryItem) === scope);
      const known = new Map(twins.map((row) => [row.memory, row]));
      const records: LogRecord[] = [];
      const results: MemoryItem[] = [];
      for (const message of request.messages) {
        if (message.role === 'system') continue;
        const twin = known.get(message.content);
        if (twin !== undefined) {
          // Said again: the fact is as new as today, and one row is enough.
          records.push({ op: 'update', id: twin.id, at, ...definedOf(request) });
          results.push({ ...itemOf(twin), updatedAt: at });
          continue;
        }
        const item: StoredItem = {
          id: this.#randomness.uuid(),
          memory: message.content,
          ...request.scope,
          ...definedOf(request),
          ...(request.categories === undefined ? {} : { categories: [...request.categories] }),
          createdAt: at,
          updatedAt: at,
        };
        known.set(item.memory, item);
        records.push({ op: 'add', item });
        results.push(itemOf(item));
      }
      return { records, value: { status: 'SUCCEEDED', results } };
    });
  }

  async get(id: string, call: SourceCall): Promise<MemoryItem | undefined> {
    const row = (await this.#current(call.signal)).get(id);
    return row === undefined ? undefined : itemOf(row);
  }

  update(request: SourceUpdate): Promise<MemoryItem | undefined> {
    return this.#write(request.signal, (state) => {
      const row = state.get(request.id);
      if (row === undefined) return { records: [], value: undefined };
      const at = new Date(this.#clock.nowMs()).toISOString();
      const text = request.text === undefined ? {} : { memory: request.text };
      const changed: StoredItem = { ...row, ...text, updatedAt: at };
      if (request.metadata !== undefined) changed.metadata = { ...row.metadata, ...request.metadata };
      if (request.expirationDate !== undefined) changed.expirationDate = request.expirationDate;
      return {
        records: [{ op: 'update', id: row.id, at, ...text, ...definedOf(request) }],
        value: itemOf(changed),
      };
    });
  }

  delete(id: string, call: SourceCall): Promise<void> {
    const at = new Date(this.#clock.nowMs()).toISOString();
    return this.#write(call.signal, (state) => ({
      records: state.get(id) === undefined ? [] : [{ op: 'delete', id, at }],
      value: undefined,
    }));
  }

  deleteAll(call: SourceCall): Promise<void> {
    return this.#write(call.signal, () => ({
      records: [{ op: 'forget', scope: { ...call.scope } }],
      value: undefined,
      erase: true,
    }));
  }

  async history(id: string, call: SourceCall): Promise<MemoryHistoryEntry[]> {
    const state = await this.#current(call.signal);
    return state.history(id).map(({ event, oldMemory, newMemory, at }) => ({
      memoryId: id,
      event,
      at,
      ...(oldMemory === undefined ? {} : { oldMemory }),
      ...(newMemory === undefined ? {} : { newMemory }),
    }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
  }

  #isExpired(row: StoredItem): boolean {
    return (
      row.expirationDate !== undefined && row.expirationDate < new Date(this.#clock.nowMs()).toISOString().slice(0, 10)
    );
  }

  #current(signal: AbortSignal | undefined): Promise<EmbeddedState> {
    if (this.#log === undefined) return Promise.resolve(this.#state);
    return this.#inTurn(signal, () => this.#catchUp(this.#log));
  }

  async #catchUp(log: RecordLog | undefined): Promise<EmbeddedState> {
    if (log === undefined) return this.#state;
    const news = await log.read();
    if (news.reset) this.#state = new EmbeddedState();
    for (const line of news.lines) {
      const record = parseRecord(line);
      if (record !== undefined) this.#state.apply(record);
    }
    return this.#state;
  }

  #write<Value>(
    signal: AbortSignal | undefined,
    decide: (state: EmbeddedState) => { records: LogRecord[]; value: Value; erase?: boolean },
  ): Promise<Value> {
    return this.#inTurn(signal, async () => {
      const log = this.#log;
      if (log === undefined) {
        const { records, value } = decide(this.#state);
        for (const record of records) this.#state.apply(record);
        return value;
      }
      return log.exclusively(async () => {
        const { records, value, erase } = decide(await this.#catchUp(log));
        await log.append(records.map((record) => JSON.stringify(record)));
        const state = await this.#catchUp(log);
        if (erase || (state.garbage > fewestGarbageLines && state.garbage > state.size)) {
          await log.rewrite(linesOf(state));
          await this.#catchUp(log);
        }
        return value;
      });
    });
  }

  #inTurn<Value>(signal: AbortSignal | undefined, work: () => Promise<Value>): Promise<Value> {
    const run = this.#turn.then(() => {
      signal?.throwIfAborted();
      if (this.#closed) throw new MemoryError('closed', 'This store was closed. Create a new one.');
      return work();
    });
    this.#turn = run.catch(() => undefined);
    return run;
  }
}

function* linesOf(state: EmbeddedState): Generator<string> {
  for (const record of state.compacted()) yield JSON.stringify(record);
}

function definedOf(request: { metadata?: Record<string, unknown> | undefined; expirationDate?: string | undefined }) {
  return {
    ...(request.metadata === undefined ? {} : { metadata: request.metadata }),
    ...(request.expirationDate === undefined ? {} : { expirationDate: request.expirationDate }),
  };
}

function itemOf(row: StoredItem): MemoryItem {
  return structuredClone(row) as MemoryItem;
}

function matches(row: StoredItem, filters: SourceSearch['filters']): boolean {
  return filters === undefined || Object.entries(filters).every(([name, value]) => row.metadata?.[name] === value);
}

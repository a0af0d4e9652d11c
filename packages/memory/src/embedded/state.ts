import { owns } from '../scope.js';
import type { MemoryItem, MemoryScope } from '../types.js';
import { TextRanker } from './ranker.js';
import type { LogRecord, StoredChange, StoredItem } from './record.js';

interface Tenant {
  readonly rows: Map<string, StoredItem>;
  readonly ranker: TextRanker;
}

/** All memories of one store, as its log tells them. Pure: the same records give the same state. */
export class EmbeddedState {
  readonly #rows = new Map<string, StoredItem>();
  readonly #history = new Map<string, StoredChange[]>();
  readonly #tenants = new Map<string, Tenant>();
  /** Lines that a compaction would drop. */
  #garbage = 0;

  get size(): number {
    return this.#rows.size;
  }

  get garbage(): number {
    return this.#garbage;
  }

  apply(record: LogRecord): void {
    switch (record.op) {
      case 'add':
        this.#put(record.item);
        this.#history.set(record.item.id, [{ event: 'ADD', newMemory: record.item.memory, at: record.item.createdAt }]);
        return;
      case 'row':
        this.#put(record.item);
        this.#history.set(record.item.id, record.history);
        return;
      case 'update':
        this.#update(record);
        return;
      case 'delete':
        this.#drop(record.id);
        this.#garbage += 2;
        return;
      case 'forget':
        for (const row of this.list(record.scope as MemoryScope)) {
          this.#drop(row.id);
          this.#garbage += 1;
        }
        this.#garbage += 1;
        return;
      default:
        record satisfies never;
    }
  }

  get(id: string): StoredItem | undefined {
    return this.#rows.get(id);
  }

  history(id: string): readonly StoredChange[] {
    return this.#history.get(id) ?? [];
  }

  /** Rows of the scope, newest first; equal times keep the order of insertion, latest first. */
  list(scope: MemoryScope): StoredItem[] {
    const tenant = this.#tenants.get(tenantKey(scope));
    if (tenant === undefined) return [];
    const rows = [...tenant.rows.values()].filter((row) => owns(scope, row as MemoryItem)).reverse();
    return rows.sort((left, right) =>
      left.updatedAt < right.updatedAt ? 1 : left.updatedAt > right.updatedAt ? -1 : 0,
    );
  }

  /** Rows of the scope that match the question, best first. */
  search(scope: MemoryScope, query: string): { row: StoredItem; score: number }[] {
    const tenant = this.#tenants.get(tenantKey(scope));
    if (tenant === undefined) return [];
    const hits: { row: StoredItem; score: number }[] = [];
    for (const { id, score } of tenant.ranker.rank(query)) {
      const row = tenant.rows.get(id);
      if (row !== undefined && owns(scope, row as MemoryItem)) hits.push({ row, score });
    }
    return hits;
  }

  /** The shortest log that gives this state again. */
  *compacted(): Generator<LogRecord> {
    for (const item of this.#rows.values()) yield { op: 'row', item, history: [...this.history(item.id)] };
  }

  #put(item: StoredItem): void {
    this.#drop(item.id);
    this.#rows.set(item.id, item);
    const key = tenantKey(item as MemoryItem);
    let tenant = this.#tenants.get(key);
    if (tenant === undefined) {
      tenant = { rows: new Map(), ranker: new TextRanker() };
      this.#tenants.set(key, tenant);
    }
    tenant.rows.set(item.id, item);
    tenant.ranker.put({ id: item.id, text: item.memory, tags: item.categories });
  }

  #update(record: Extract<LogRecord, { op: 'update' }>): void {
    this.#garbage += 1;
    const row = this.#rows.get(record.id);
    if (row === undefined) return;
    const history = [...this.history(row.id)];
    const memory = record.memory ?? row.memory;
    history.push({ event: 'UPDATE', oldMemory: row.memory, newMemory: memory, at: record.at });
    this.#put({
      ...row,
      memory,
      updatedAt: record.at,
      ...(record.metadata === undefined ? {} : { metadata: { ...row.metadata, ...record.metadata } }),
      ...(record.expirationDate === undefined ? {} : { expirationDate: record.expirationDate }),
    });
    this.#history.set(row.id, history);
  }

  #drop(id: string): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    this.#rows.delete(id);
    this.#history.delete(id);
    const tenant = this.#tenants.get(tenantKey(row as MemoryItem));
    tenant?.rows.delete(id);
    tenant?.ranker.remove(id);
    if (tenant?.rows.size === 0) this.#tenants.delete(tenantKey(row as MemoryItem));
  }
}

// A user's rows and the rows without a user never share an index.
function tenantKey(scope: MemoryScope): string {
  return scope.userId === undefined ? '-' : `u${scope.userId}`;
}

import type {
  AddResult,
  MemoryEvent,
  MemoryHistoryEntry,
  MemoryItem,
  MemoryMessage,
  MemoryPage,
  MemoryScope,
} from './types.js';

/** What every call of a source carries. The scope is checked, frozen and made afresh for this call. */
export interface SourceCall {
  scope: Readonly<MemoryScope>;
  signal?: AbortSignal | undefined;
}

export interface SourceSearch extends SourceCall {
  query: string;
  topK: number;
  threshold: number;
  rerank: boolean;
  filters?: Readonly<Record<string, string | number | boolean>> | undefined;
}

export interface SourceList extends SourceCall {
  page: number;
  pageSize: number;
}

export interface SourceAdd extends SourceCall {
  messages: readonly MemoryMessage[];
  metadata?: Record<string, unknown> | undefined;
  categories?: readonly string[] | undefined;
  infer?: boolean | undefined;
  expirationDate?: string | undefined;
}

export interface SourceUpdate extends SourceCall {
  id: string;
  text?: string | undefined;
  metadata?: Record<string, unknown> | undefined;
  expirationDate?: string | undefined;
}

/**
 * Where memories live. The façade has validated every argument before a method is called, redacts what is written, and
 * checks the owner of every row that comes back, so a source that answers too much leaks nothing.
 *
 * Every method may throw a `MemoryError` and nothing else. Reads are idempotent. `add` is at most once: a source never
 * repeats it by itself. An ability a source lacks is an absent method.
 */
export interface MemorySource {
  /** For people: `embedded`, `mem0-platform`, `mem0-oss`, `mem0-server`, `mem0-client`. */
  readonly name: string;
  /** Best first. May return rows of others; they are dropped outside. */
  search(request: SourceSearch): Promise<MemoryItem[]>;
  /** Newest first where the source can. */
  list(request: SourceList): Promise<MemoryPage>;
  add(request: SourceAdd): Promise<AddResult>;
  /** Undefined when there is no such memory. */
  get(id: string, call: SourceCall): Promise<MemoryItem | undefined>;
  /** Called only after {@link get} has proved the owner. */
  update(request: SourceUpdate): Promise<MemoryItem | undefined>;
  /** Called only after {@link get} has proved the owner. Idempotent. */
  delete(id: string, call: SourceCall): Promise<void>;
  /** Removes everything of the scope, which holds at least one id. Idempotent. */
  deleteAll(call: SourceCall): Promise<void>;
  /** Oldest first. Called only after {@link get} has proved the owner. */
  history?(id: string, call: SourceCall): Promise<MemoryHistoryEntry[]>;
  /** The state of a background extraction now. */
  event?(eventId: string, signal?: AbortSignal): Promise<MemoryEvent>;
  /** Releases files and timers the source opened itself. Idempotent. */
  close?(): Promise<void>;
}

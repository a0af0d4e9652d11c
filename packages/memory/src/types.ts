/** Whose memories: at least one id. A scope without `userId` never reaches rows that belong to a user. */
export interface MemoryScope {
  userId?: string;
  agentId?: string;
  appId?: string;
  runId?: string;
}

/** One memory, the same shape from every source. */
export interface MemoryItem {
  id: string;
  memory: string;
  userId?: string;
  agentId?: string;
  appId?: string;
  runId?: string;
  /** Only in search results; comparable within one answer, not between answers. */
  score?: number;
  metadata?: Record<string, unknown>;
  categories?: readonly string[];
  /** ISO 8601. */
  createdAt?: string;
  /** ISO 8601. */
  updatedAt?: string;
  /** Calendar day, `YYYY-MM-DD`; the memory is hidden after it. */
  expirationDate?: string;
}

/** A turn of a conversation, as mem0 takes it. */
export interface MemoryMessage {
  role: 'user' | 'assistant' | 'system';
  content: string;
}

/** What `search`, `getAll` and `deleteAll` have in common. */
export interface CallOptions {
  signal?: AbortSignal;
}

export interface AddOptions extends MemoryScope, CallOptions {
  metadata?: Record<string, unknown>;
  categories?: readonly string[];
  /**
   * Let the source's model extract facts; the embedded store has no model and always stores the text as given.
   * @default the source's own
   */
  infer?: boolean;
  /** `YYYY-MM-DD`. */
  expirationDate?: string;
}

/** `PENDING`: the source extracts in the background; {@link AddResult.eventId} can be waited for. */
export interface AddResult {
  status: 'SUCCEEDED' | 'PENDING' | 'FAILED';
  results: MemoryItem[];
  eventId?: string;
}

export interface SearchOptions extends MemoryScope, CallOptions {
  /** @default 10 */
  topK?: number;
  /** Drops rows that score less. Scores of different sources differ in meaning. @default 0 */
  threshold?: number;
  /** Asks the source for its slower and finer ranking, where it has one. @default false */
  rerank?: boolean;
  /** Metadata that rows must carry, compared by equality. Ids and operators are refused. */
  filters?: Record<string, string | number | boolean>;
}

export interface GetAllOptions extends MemoryScope, CallOptions {
  /** Starts at 1. @default 1 */
  page?: number;
  /** At most 200. @default 100 */
  pageSize?: number;
}

export interface MemoryPage {
  results: MemoryItem[];
  /** How many there are in all, where the source says so. */
  count?: number;
  /** True when there is another page. */
  more: boolean;
}

export interface UpdateOptions extends MemoryScope, CallOptions {
  text?: string;
  metadata?: Record<string, unknown>;
  expirationDate?: string;
}

/** One change of one memory, oldest first. */
export interface MemoryHistoryEntry {
  memoryId: string;
  event: 'ADD' | 'UPDATE' | 'DELETE';
  /** Where the source says whose it was. */
  userId?: string;
  oldMemory?: string;
  newMemory?: string;
  /** ISO 8601. */
  at?: string;
}

export interface WaitOptions extends CallOptions {
  /** @default 30_000 */
  timeoutMs?: number;
}

export interface MemoryEvent {
  eventId: string;
  status: 'PENDING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED';
}

import { bounded } from '../bounded.js';
import type { Clock, Randomness } from '../clock.js';
import type { MemoryError } from '../errors.js';
import type { SettledOptions } from '../options.js';
import { type Cleaning, ownRows } from '../rows.js';
import type { MemorySource } from '../source.js';
import type { MemoryItem, MemoryScope } from '../types.js';
import type { ContextFailure, MemoryContext } from './context.js';
import { type Reading, SnapshotKeeper } from './keeper.js';
import { promptOf } from './prompt.js';
import { select } from './select.js';
import { type Snapshot, snapshotOf } from './snapshot.js';

interface MakerParts {
  source: MemorySource;
  clock: Clock;
  randomness: Randomness;
  options: SettledOptions;
  cleaning: Cleaning;
}

interface Wanted {
  query?: string | undefined;
  tokenBudget: number;
  maxItems: number;
  deadlineMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

const mostFound = 50;
const nonceExample = '00000000-0000-0000-0000-000000000000';

/** Makes contexts: the keeper's snapshot, the source's search when the snapshot is not everything, the pure selection. */
export class ContextMaker {
  readonly #parts: MakerParts;
  readonly #keeper: SnapshotKeeper;
  readonly #overheadTokens: number;

  constructor(parts: MakerParts) {
    this.#parts = parts;
    const { clock, options } = parts;
    this.#keeper = new SnapshotKeeper({
      clock,
      load: (scope) => this.#load(scope),
      ttlMs: options.ttlMs,
      staleMs: Math.max(options.staleMs, options.ttlMs),
      mostScopes: options.maxUsers,
      pauseMs: options.pauseMs,
    });
    this.#overheadTokens = options.countTokens(promptOf([{ id: '', memory: '' }], nonceExample).text);
  }

  prefetch(scope: Readonly<MemoryScope>): Promise<void> {
    return this.#keeper.prefetch(scope);
  }

  invalidate(scope: Readonly<MemoryScope>): void {
    this.#keeper.invalidate(scope);
  }

  invalidateAll(): void {
    this.#keeper.clear();
  }

  async make(scope: Readonly<MemoryScope>, wanted: Wanted): Promise<MemoryContext> {
    const { clock, randomness, options } = this.#parts;
    const startedMs = clock.monotonicMs();
    const deadlineMs = wanted.deadlineMs ?? options.deadlineMs;
    const reading = await this.#keeper.read(scope, deadlineMs, wanted.signal);
    const leftMs = Math.max(1, Math.floor(deadlineMs - (clock.monotonicMs() - startedMs)));
    const found = await this.#found(scope, reading, wanted, leftMs);
    const snapshot = withFound(reading.snapshot ?? this.#snapshot([], false), found, (rows) =>
      this.#snapshot(rows, true),
    );
    const selection = select(snapshot, {
      tokenBudget: wanted.tokenBudget,
      maxItems: wanted.maxItems,
      overheadTokens: this.#overheadTokens,
      today: new Date(clock.nowMs()).toISOString().slice(0, 10),
      query: wanted.query,
      preferred: found.map((row) => row.id),
    });
    return {
      status: reading.status,
      ...selection,
      ...(reading.asOfMs === undefined ? {} : { asOfMs: reading.asOfMs }),
      elapsedMs: clock.monotonicMs() - startedMs,
      prompt: promptOf(selection.items, randomness.uuid()),
      ...('failure' in reading ? { failure: failureOf(reading.failure) } : {}),
    };
  }

  /** What the source's own search adds, only when the snapshot is not everything and there is a question. Fails open. */
  async #found(scope: Readonly<MemoryScope>, reading: Reading, wanted: Wanted, leftMs: number): Promise<MemoryItem[]> {
    const { source, clock, cleaning } = this.#parts;
    const { query, signal } = wanted;
    if (query === undefined || query.trim() === '' || !reading.snapshot?.partial || 'failure' in reading) return [];
    const call = { clock, timeoutMs: leftMs, what: 'Searching memories', signal };
    const request = {
      scope,
      query: query.slice(0, cleaning.longestMemoryChars),
      topK: mostFound,
      threshold: 0,
      rerank: false,
    };
    return bounded(call, (inner) => source.search({ ...request, signal: inner })).then(
      (rows) => ownRows(scope, rows, cleaning).rows,
      () => [],
    );
  }

  async #load(scope: Readonly<MemoryScope>): Promise<Snapshot> {
    const { source, clock, options, cleaning } = this.#parts;
    const call = { clock, timeoutMs: options.readTimeoutMs, what: 'Reading memories' };
    const page = await bounded(call, (signal) =>
      source.list({ scope, signal, page: 1, pageSize: options.snapshotItems }),
    );
    return this.#snapshot(ownRows(scope, page.results, cleaning).rows, page.more);
  }

  #snapshot(rows: readonly MemoryItem[], partial: boolean): Snapshot {
    const { longestItemChars, countTokens } = this.#parts.options;
    return snapshotOf(rows, partial, { longestItemChars, countTokens });
  }
}

function withFound(
  snapshot: Snapshot,
  found: readonly MemoryItem[],
  build: (rows: readonly MemoryItem[]) => Snapshot,
): Snapshot {
  const known = new Set(snapshot.rows.map((row) => row.id));
  const added = found.filter((row) => !known.has(row.id));
  return added.length === 0 ? snapshot : build([...snapshot.rows, ...added]);
}

function failureOf(failure: MemoryError): ContextFailure {
  const { code, message, retryAfterMs } = failure;
  return { code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

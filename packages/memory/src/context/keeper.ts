import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';
import { MemoryError, toMemoryError } from '../errors.js';
import { scopeKey } from '../scope.js';
import type { MemoryScope } from '../types.js';
import type { Snapshot } from './snapshot.js';

export interface KeeperOptions {
  clock: Clock;
  /** Asks the source. Bounded in time by whoever wrote it. */
  load: (scope: Readonly<MemoryScope>) => Promise<Snapshot>;
  ttlMs: number;
  staleMs: number;
  mostScopes: number;
  /** Pause after a failure without a Retry-After. */
  pauseMs: number;
}

/** What is known about a scope now. */
export type Reading =
  | { readonly status: 'fresh' | 'cached' | 'stale'; readonly snapshot: Snapshot; readonly asOfMs: number }
  | {
      readonly status: 'timeout' | 'error';
      readonly snapshot: Snapshot | undefined;
      readonly asOfMs: number | undefined;
      readonly failure: MemoryError;
    };

interface Entry {
  readonly scope: Readonly<MemoryScope>;
  known: { readonly snapshot: Snapshot; readonly asOfMs: number } | undefined;
  flight: Promise<Snapshot> | undefined;
  /** Until when the source is left alone, and why. */
  paused: { readonly untilMs: number; readonly failure: MemoryError } | undefined;
}

/** Keeps the latest snapshot of each scope: one flight at a time, a short TTL, stale while it is fetched again. */
export class SnapshotKeeper {
  readonly #options: KeeperOptions;
  readonly #entries: LRUCache<string, Entry>;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#entries = new LRUCache({ max: options.mostScopes });
  }

  /** Sees to it that a snapshot is on its way or young. Never rejects. */
  async prefetch(scope: Readonly<MemoryScope>): Promise<void> {
    const entry = this.#entry(scope);
    if (this.#age(entry) < this.#options.ttlMs || this.#isPaused(entry)) return;
    await this.#fly(entry).catch(() => undefined);
  }

  /** Answers within `deadlineMs`; rejects only when the caller's signal is aborted. */
  async read(scope: Readonly<MemoryScope>, deadlineMs: number, signal?: AbortSignal): Promise<Reading> {
    const { ttlMs, staleMs } = this.#options;
    const entry = this.#entry(scope);
    const { known } = entry;
    const age = this.#age(entry);
    if (known !== undefined && age < ttlMs) return { status: 'cached', ...known };
    if (this.#isPaused(entry)) return fallback('error', entry, entry.paused!.failure);
    if (known !== undefined && age < staleMs) {
      this.#fly(entry).catch(() => undefined);
      return { status: 'stale', ...known };
    }
    return this.#await(entry, deadlineMs, signal);
  }

  /** Forgets everything about the owner of the scope; a flight that is under way is not kept. */
  invalidate(scope: Readonly<MemoryScope>): void {
    for (const [key, entry] of this.#entries.entries()) {
      if (entry.scope.userId === scope.userId) this.#entries.delete(key);
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
  }

  async #await(entry: Entry, deadlineMs: number, signal: AbortSignal | undefined): Promise<Reading> {
    const { clock } = this.#options;
    const over = new AbortController();
    const stop = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
    const flight = this.#fly(entry).then(
      (): Reading => ({ status: 'fresh', ...entry.known! }),
      (failure: MemoryError) => fallback(failure.code === 'timeout' ? 'timeout' : 'error', entry, failure),
    );
    const deadline = clock.sleep(deadlineMs, stop).then(() => {
      if (signal?.aborted) {
        throw new MemoryError('aborted', 'Reading the context was cancelled by its caller.', { cause: signal.reason });
      }
      const message = `The memory source did not answer within ${deadlineMs} ms. Prefetch earlier or raise deadlineMs.`;
      return fallback('timeout', entry, new MemoryError('timeout', message));
    });
    try {
      return await Promise.race([flight, deadline]);
    } finally {
      over.abort();
    }
  }

  #fly(entry: Entry): Promise<Snapshot> {
    entry.flight ??= this.#load(entry);
    return entry.flight;
  }

  async #load(entry: Entry): Promise<Snapshot> {
    const { clock, load, pauseMs } = this.#options;
    const asOfMs = clock.nowMs();
    try {
      const snapshot = await load(entry.scope);
      entry.known = { snapshot, asOfMs };
      entry.paused = undefined;
      return snapshot;
    } catch (cause) {
      const failure = toMemoryError(cause, 'Reading memories');
      entry.paused = { untilMs: clock.nowMs() + (failure.retryAfterMs ?? pauseMs), failure };
      throw failure;
    } finally {
      entry.flight = undefined;
    }
  }

  #entry(scope: Readonly<MemoryScope>): Entry {
    const key = scopeKey(scope);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { scope, known: undefined, flight: undefined, paused: undefined };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  #age(entry: Entry): number {
    return entry.known === undefined ? Number.POSITIVE_INFINITY : this.#options.clock.nowMs() - entry.known.asOfMs;
  }

  #isPaused(entry: Entry): boolean {
    return entry.paused !== undefined && this.#options.clock.nowMs() < entry.paused.untilMs;
  }
}

function fallback(status: 'timeout' | 'error', entry: Entry, failure: MemoryError): Reading {
  return { status, snapshot: entry.known?.snapshot, asOfMs: entry.known?.asOfMs, failure };
}

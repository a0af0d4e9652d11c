import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { ClaimSource, MissReason } from '../claim.js';
import type { SlotRecord } from '../ledger/record.js';

/** What is known of the claims and the cost of one pool since the process began. */
export interface PoolStats {
  readonly runtime: string;
  readonly claims: number;
  /** Claims that were answered HOT. */
  readonly hits: number;
  /** In [0, 1]; undefined before the first claim. */
  readonly hitRate: number | undefined;
  readonly misses: Readonly<Partial<Record<MissReason, number>>>;
  /** From the call of `claim` to hand-over, in milliseconds, by where the sandbox came from. */
  readonly latencyMs: Readonly<Partial<Record<ClaimSource, LatencyStats>>>;
  /** Seconds that sandboxes of this pool were hot without a claim; `wasted` are those of sandboxes nobody ever claimed. */
  readonly idleSeconds: { readonly total: number; readonly wasted: number };
  readonly cost: {
    /** Of the idle seconds, in US dollars. */
    readonly idleDollars: number;
    /** Time that hot answers saved their claimants, against the median cold claim. Undefined before the first cold one. */
    readonly savedSeconds: number | undefined;
    readonly dollarsPerSavedSecond: number | undefined;
  };
}

export interface LatencyStats {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

interface Book {
  claims: number;
  hits: number;
  readonly misses: Map<MissReason, number>;
  readonly latency: Map<ClaimSource, RecordableHistogram>;
  idleMs: number;
  wastedMs: number;
}

/** Counts what happens to the pools. Holds no name of a user and no content of a claim. */
export class StatsBook {
  readonly #books = new Map<string, Book>();
  readonly #dollarsPerSecond: number;

  /** @param dollarsPerSecond price of one running sandbox */
  constructor(dollarsPerSecond: number) {
    this.#dollarsPerSecond = dollarsPerSecond;
  }

  claimed(pool: string): void {
    this.#book(pool).claims += 1;
  }

  count(pool: string): number {
    return this.#books.get(pool)?.claims ?? 0;
  }

  missed(pool: string, reason: MissReason): void {
    const { misses } = this.#book(pool);
    misses.set(reason, (misses.get(reason) ?? 0) + 1);
  }

  answered(pool: string, source: ClaimSource, latencyMs: number, state: 'HOT' | 'WARMING'): void {
    const book = this.#book(pool);
    if (state === 'HOT') book.hits += 1;
    let histogram = book.latency.get(source);
    if (!histogram) {
      histogram = createHistogram();
      book.latency.set(source, histogram);
    }
    // In microseconds: most hot answers take less than a millisecond.
    histogram.record(Math.max(1, Math.round(latencyMs * 1000)));
  }

  /** A hot slot was taken by a claim. */
  used(pool: string, idleMs: number): void {
    this.#book(pool).idleMs += Math.max(0, idleMs);
  }

  /** A slot ended. */
  retired(record: SlotRecord, nowMs: number): void {
    if (record.state.name !== 'hot') return;
    const idleMs = Math.max(0, nowMs - record.state.hotSinceMs);
    const book = this.#book(record.pool);
    book.idleMs += idleMs;
    book.wastedMs += idleMs;
  }

  read(pool: string): PoolStats {
    const book = this.#book(pool);
    const cold = book.latency.get('cold');
    const hot = book.latency.get('hot');
    const savedSeconds = cold
      ? (hot ? hot.count * Math.max(0, cold.percentile(50) - hot.percentile(50)) : 0) / 1e6
      : undefined;
    const idleDollars = (book.idleMs / 1000) * this.#dollarsPerSecond;
    return {
      runtime: pool,
      claims: book.claims,
      hits: book.hits,
      hitRate: book.claims === 0 ? undefined : book.hits / book.claims,
      misses: Object.fromEntries(book.misses),
      latencyMs: Object.fromEntries([...book.latency].map(([source, histogram]) => [source, latencyOf(histogram)])),
      idleSeconds: { total: book.idleMs / 1000, wasted: book.wastedMs / 1000 },
      cost: {
        idleDollars,
        savedSeconds,
        dollarsPerSavedSecond: savedSeconds ? idleDollars / savedSeconds : undefined,
      },
    };
  }

  #book(pool: string): Book {
    let book = this.#books.get(pool);
    if (!book) {
      book = { claims: 0, hits: 0, misses: new Map(), latency: new Map(), idleMs: 0, wastedMs: 0 };
      this.#books.set(pool, book);
    }
    return book;
  }
}

function latencyOf(histogram: RecordableHistogram): LatencyStats {
  const at = (percentile: number) => histogram.percentile(percentile) / 1000;
  return { count: histogram.count, p50: at(50), p95: at(95), p99: at(99) };
}

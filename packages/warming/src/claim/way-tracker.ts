import type { Clock } from '../clock.js';
import { durationKey } from '../warm-up/way.js';
import type { DurationBook } from './durations.js';
import { measureWay, type WayMeasure, type WayPiece } from './progress.js';

/** Follows one sandbox on its way to hot and learns how long its pieces take. */
export class WayTracker {
  readonly #clock: Clock;
  readonly #durations: DurationBook;
  readonly #specKey: string;
  readonly #begun = new Map<string, number>();
  readonly #ended = new Map<string, number>();
  #pieces: readonly WayPiece[] = [];
  /** Told when a piece begins or ends. */
  onChange: () => void = () => undefined;

  constructor(clock: Clock, durations: DurationBook, specKey: string) {
    this.#clock = clock;
    this.#durations = durations;
    this.#specKey = specKey;
  }

  /** Sets out on a way; what was gone of another one counts no more. */
  set(pieces: readonly WayPiece[]): void {
    this.#pieces = pieces;
    this.#begun.clear();
    this.#ended.clear();
    this.onChange();
  }

  begin(name: string): void {
    this.#begun.set(name, this.#clock.monotonicMs());
    this.onChange();
  }

  end(name: string): void {
    const nowMs = this.#clock.monotonicMs();
    const begunMs = this.#begun.get(name);
    this.#ended.set(name, nowMs);
    if (begunMs !== undefined) this.#durations.record(durationKey(this.#specKey, name), nowMs - begunMs);
    this.onChange();
  }

  async during<Value>(name: string, work: () => Promise<Value>): Promise<Value> {
    this.begin(name);
    const value = await work();
    this.end(name);
    return value;
  }

  get underWay(): boolean {
    return this.#begun.size > 0;
  }

  /** While nothing has begun the phase is `queued`. */
  measure(): WayMeasure {
    const measure = measureWay(this.#pieces, { begun: this.#begun, ended: this.#ended }, this.#clock.monotonicMs());
    return this.underWay ? measure : { ...measure, phase: 'queued', step: undefined };
  }
}

import { SnapshotError } from '../errors.js';
import type { TierKey } from './tier.js';
import type { ParsedTieredOptions, ParsedTierUse, TierProblem } from './tier-options.js';

/** What a tier answered. `unsure`: it may have it, but did not say so in time or at all. */
export type TierAnswer = { kind: 'found'; bytes: Uint8Array } | { kind: 'missing' } | { kind: 'unsure' };

const retryPauseMs = 200;

/** One tier with a time limit on everything. A tier that hangs or fails is reported and passed by; it never throws. */
export class TierAccess {
  readonly #use: ParsedTierUse;
  readonly #options: ParsedTieredOptions;
  #bypassedUntilMs = 0;

  constructor(use: ParsedTierUse, options: ParsedTieredOptions) {
    this.#use = use;
    this.#options = options;
  }

  get name(): string {
    return this.#use.tier.name;
  }

  get writes(): 'through' | 'back' | 'never' {
    return this.#use.write;
  }

  get promotes(): boolean {
    return this.#use.promote && this.#use.write !== 'never';
  }

  get compression(): 'auto' | 'never' {
    return this.#use.compression;
  }

  get maximumObjectBytes(): number {
    return this.#use.maximumObjectBytes;
  }

  takes(bytes: number): boolean {
    return bytes <= this.#use.maximumObjectBytes;
  }

  async get(key: TierKey, signal: AbortSignal | undefined): Promise<TierAnswer> {
    if (this.#options.clock.nowMs() < this.#bypassedUntilMs) return { kind: 'unsure' };
    const answer = await this.#within(key, signal, (limit) => this.#use.tier.get(key, { signal: limit }));
    if (answer.kind === 'failed') return { kind: 'unsure' };
    return answer.value === undefined ? { kind: 'missing' } : { kind: 'found', bytes: answer.value };
  }

  /** The error when it was not kept. */
  async put(key: TierKey, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<Error | undefined> {
    const { tier, ttlMs } = this.#use;
    const answer = await this.#within(key, signal, async (limit) => tier.put?.(key, bytes, { signal: limit, ttlMs }));
    return answer.kind === 'failed' ? answer.error : undefined;
  }

  /** For the background: tries again with growing pauses, then gives up; every failure was reported. */
  async putWithRetries(key: TierKey, bytes: Uint8Array): Promise<void> {
    for (let attempt = 1; attempt <= this.#options.writeAttempts; attempt += 1) {
      if ((await this.put(key, bytes, undefined)) === undefined) return;
      if (attempt < this.#options.writeAttempts) await this.#options.clock.sleep(retryPauseMs * 4 ** (attempt - 1));
    }
  }

  /** Reports bytes that are not what their key promises, and removes them where that is possible. */
  async rejectCorrupt(key: TierKey, cause: unknown): Promise<void> {
    this.#report(key, 'corrupt', cause as Error);
    await this.#within(key, undefined, async (limit) => this.#use.tier.delete?.(key, { signal: limit }));
  }

  async close(): Promise<void> {
    await this.#use.tier.close?.();
  }

  async #within<Value>(
    key: TierKey,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<Value>,
  ): Promise<{ kind: 'done'; value: Value } | { kind: 'failed'; error: Error }> {
    const limit = new AbortController();
    const over = new AbortController();
    const combined = signal ? AbortSignal.any([signal, limit.signal]) : limit.signal;
    const timeout = this.#options.clock.sleep(this.#use.timeoutMs, over.signal).then(
      () => 'timeout' as const,
      () => 'over' as const,
    );
    const cancelled = new Promise<'cancelled'>((resolve) => {
      if (signal?.aborted) resolve('cancelled');
      signal?.addEventListener('abort', () => resolve('cancelled'), { once: true, signal: over.signal });
    });
    const done = work(combined).then(
      (value) => ({ kind: 'done' as const, value }),
      (error: unknown) => ({ kind: 'failed' as const, error: error as Error }),
    );
    const first = await Promise.race([done, timeout, cancelled]);
    over.abort();
    if (first === 'timeout' || first === 'over') {
      limit.abort();
      this.#bypassedUntilMs = this.#options.clock.nowMs() + this.#options.bypassMs;
      const error = new SnapshotError(
        'tier_timeout',
        `Tier ${this.name} did not answer within ${this.#use.timeoutMs} ms and is passed by for ${this.#options.bypassMs} ms. Look at its health.`,
      );
      this.#report(key, 'timeout', error);
      return { kind: 'failed', error };
    }
    if (first === 'cancelled') return { kind: 'failed', error: signal?.reason as Error };
    if (first.kind === 'failed') this.#report(key, 'failed', first.error);
    return first;
  }

  #report(key: TierKey, problem: TierProblem['problem'], error: Error): void {
    this.#options.onProblem({ tier: this.name, key, problem, error });
  }
}

import {
  type Claim,
  type ClaimAnswer,
  type ClaimRequest,
  type MissReason,
  type Runtime,
  WarmingError,
  type WarmingEvents,
  type WarmingProgress,
} from '@pilotlight/warming';
import EventEmitter from 'eventemitter3';
import type { ClaimManager, IntentHandle } from '../../../packages/warmer/src/claims/manager.js';

interface Warming {
  request: ClaimRequest;
  push(progress: WarmingProgress): void;
  resolve(claim: Claim): void;
  reject(error: Error): void;
}

/**
 * An engine whose steps a test takes by hand: it hands out what was stocked, and a claim that has to warm goes on only
 * when told.
 */
export class StandInManager extends EventEmitter<WarmingEvents> implements ClaimManager {
  readonly requests: { runtime: string; request: ClaimRequest }[] = [];
  readonly intents: { runtime: string; userId: string; cancelled: boolean }[] = [];
  readonly retired: string[] = [];
  readonly #runtimes = new Map<string, Runtime>();
  readonly #stock = new Map<string, number>();
  readonly #byKey = new Map<string, ClaimAnswer>();
  readonly #warming = new Map<string, Warming>();
  #next = 0;
  failNext: Error | undefined;

  define(runtime: Runtime): void {
    this.#runtimes.set(runtime.name, runtime);
  }

  stock(runtime: string, hot: number): void {
    this.#stock.set(runtime, hot);
    this.emit('pool-changed', { runtime, target: hot, hot, parked: 0, warming: 0, claimed: 0 });
  }

  async start(): Promise<void> {}
  async close(): Promise<void> {}

  intent(runtime: string, options: { userId: string; ttlMs?: number }): IntentHandle {
    const intent = { runtime, userId: options.userId, cancelled: false };
    this.intents.push(intent);
    return {
      expiresAtMs: Date.now() + (options.ttlMs ?? 120_000),
      cancel() {
        intent.cancelled = true;
      },
    };
  }

  async claim(runtime: string, request: ClaimRequest = {}): Promise<ClaimAnswer> {
    if (this.failNext) {
      const error = this.failNext;
      this.failNext = undefined;
      throw error;
    }
    if (!this.#runtimes.has(runtime)) throw new WarmingError('unknown_runtime', `There is no runtime "${runtime}".`);
    this.requests.push({ runtime, request });
    const known = this.#byKey.get(request.key ?? '');
    if (known) return known;
    const hot = this.#stock.get(runtime) ?? 0;
    const answer = hot > 0 ? this.#hot(runtime, request) : this.#warm(request, 'pool_empty');
    if (hot > 0) this.#stock.set(runtime, hot - 1);
    if (request.key !== undefined) this.#byKey.set(request.key, answer);
    return answer;
  }

  /** Ids of the claims that warm, oldest first. */
  warmingIds(): string[] {
    return [...this.#warming.keys()];
  }

  progress(claimId: string, progress: number, phase: WarmingProgress['phase'] = 'warming'): void {
    const warming = this.#warming.get(claimId)!;
    warming.push(this.#event(claimId, progress, phase));
  }

  finish(claimId: string): void {
    const warming = this.#warming.get(claimId)!;
    this.#warming.delete(claimId);
    warming.push({ ...this.#event(claimId, 1, 'ready'), outcome: 'hot' });
    warming.resolve(this.#claim('runtime', warming.request, claimId, 'cold'));
  }

  fail(claimId: string, error: Error): void {
    const warming = this.#warming.get(claimId)!;
    this.#warming.delete(claimId);
    warming.push({ ...this.#event(claimId, 0.5, 'warming'), outcome: 'failed' });
    warming.reject(error);
  }

  #hot(runtime: string, request: ClaimRequest): ClaimAnswer {
    const claim = this.#claim(runtime, request, this.#id(), 'hot');
    return { state: 'HOT', claim, source: 'hot', latencyMs: 1, ready: Promise.resolve(claim) };
  }

  #warm(request: ClaimRequest, reason: MissReason): ClaimAnswer {
    const claimId = this.#id();
    const seen: WarmingProgress[] = [];
    const wake: (() => void)[] = [];
    const warming: Partial<Warming> = { request };
    const ready = new Promise<Claim>((resolve, reject) => Object.assign(warming, { resolve, reject }));
    warming.push = (progress) => {
      seen.push(progress);
      for (const resolve of wake.splice(0)) resolve();
    };
    this.#warming.set(claimId, warming as Warming);
    const cancel = async (): Promise<void> => {
      if (!this.#warming.delete(claimId)) return;
      warming.push!({ ...this.#event(claimId, 0.1, 'queued'), outcome: 'cancelled' });
      warming.reject!(new WarmingError('claim_cancelled', 'The claim was cancelled. Claim again.'));
    };
    return {
      state: 'WARMING',
      claimId,
      progress: 0,
      phase: 'queued',
      eta: { p50Ms: 100, p90Ms: 200, samples: 0 },
      reason,
      ready,
      cancel,
      async *[Symbol.asyncIterator]() {
        for (let index = 0; ; index += 1) {
          while (index >= seen.length) await new Promise<void>((resolve) => wake.push(resolve));
          yield seen[index]!;
          if (seen[index]!.outcome !== undefined) return;
        }
      },
    };
  }

  #claim(runtime: string, request: ClaimRequest, claimId: string, source: Claim['source']): Claim {
    const { retired } = this;
    const emit = this.emit.bind(this);
    const sandboxId = `sandbox${claimId}`;
    const byKey = this.#byKey;
    const claim = {
      claimId,
      key: request.key ?? claimId,
      runtime,
      userId: request.userId,
      source,
      connection: { sandboxId, envdVersion: '0.6.13', envdAccessToken: `envd-secret-of-${sandboxId}` },
      env: {},
      latencyMs: 1,
      expiresAtMs: Date.now() + (request.lifeMs ?? 300_000),
      async ack() {},
      async renew() {},
      async keep() {},
      async retire() {
        if (retired.includes(sandboxId)) return;
        retired.push(sandboxId);
        byKey.delete(request.key ?? '');
        emit('claim-retired', { claimId, runtime, sandboxId });
      },
    };
    return claim;
  }

  #event(claimId: string, progress: number, phase: WarmingProgress['phase']): WarmingProgress {
    const eta = { p50Ms: 10, p90Ms: 20, samples: 1 };
    return { claimId, runtime: 'runtime', progress, phase, eta, elapsedMs: progress * 100 };
  }

  #id(): string {
    this.#next += 1;
    return `e${this.#next}`;
  }
}

import type { Claim, MissReason, WarmingAnswer, WarmingEta, WarmingPhase, WarmingProgress } from '@pilotlight/warming';
import { isWarmingError, WarmingError } from '@pilotlight/warming/client';
import type { WireClaim, WireClaimProgress, WireWarmingClaim } from '@pilotlight/warming/wire';
import { fromWireError } from './errors.js';

/** What a warming claim needs of the manager that made it. */
export interface WarmingLink {
  follow(claimId: string, signal: AbortSignal, progress: (event: WireClaimProgress) => void): Promise<void>;
  read(claimId: string): Promise<WireClaim>;
  /** The same request under the same key: a service that forgot the claim goes on with it, or begins it anew. */
  claimAgain(): Promise<WireClaim>;
  handOver(claim: Extract<WireClaim, { state: 'HOT' }>): Claim;
  cancel(claimId: string): Promise<void>;
}

/** A claim on its way at the service, as the embedded manager would show it. */
export class RemoteWarming implements WarmingAnswer {
  readonly state = 'WARMING';
  readonly claimId: string;
  readonly runtime: string;
  readonly reason: MissReason;
  readonly ready: Promise<Claim>;
  readonly #link: WarmingLink;
  readonly #stop = new AbortController();
  readonly #events: WarmingProgress[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #onProgress: ((progress: WarmingProgress) => void) | undefined;
  #serviceClaimId: string;
  #cancelled = false;

  constructor(
    link: WarmingLink,
    claim: WireWarmingClaim,
    options: { onProgress?: ((progress: WarmingProgress) => void) | undefined; signal?: AbortSignal | undefined },
  ) {
    this.#link = link;
    this.claimId = claim.claimId;
    this.#serviceClaimId = claim.claimId;
    this.runtime = claim.runtime;
    this.reason = claim.reason;
    this.#onProgress = options.onProgress;
    this.#took({ ...claim, type: 'claim-progress', id: '0-0', atMs: claim.createdAtMs });
    this.ready = this.#run();
    // Whoever only iterates must not be punished for not reading `ready`.
    this.ready.catch(() => undefined);
    options.signal?.addEventListener('abort', () => void this.cancel().catch(() => undefined), { once: true });
    if (options.signal?.aborted) void this.cancel().catch(() => undefined);
  }

  get progress(): number {
    return this.#last.progress;
  }

  get phase(): WarmingPhase {
    return this.#last.phase;
  }

  get eta(): WarmingEta {
    return this.#last.eta;
  }

  async cancel(): Promise<void> {
    if (this.#last.outcome !== undefined) return;
    this.#cancelled = true;
    this.#stop.abort(cancelled(this.runtime));
    await this.#link.cancel(this.#serviceClaimId);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<WarmingProgress> {
    for (let index = 0; ; index += 1) {
      while (index >= this.#events.length) {
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
      const event = this.#events[index]!;
      yield event;
      if (event.outcome !== undefined) return;
    }
  }

  get #last(): WarmingProgress {
    return this.#events.at(-1)!;
  }

  async #run(): Promise<Claim> {
    try {
      const claim = this.#link.handOver(await this.#settled());
      this.#end('hot');
      return claim;
    } catch (error) {
      const reason = this.#cancelled ? cancelled(this.runtime) : error;
      this.#end(isWarmingError(reason) && reason.code === 'claim_cancelled' ? 'cancelled' : 'failed');
      throw reason;
    }
  }

  /** Follows until the service says how it ended; a service that lost the claim is asked for it again. */
  async #settled(): Promise<Extract<WireClaim, { state: 'HOT' }>> {
    for (;;) {
      let claim: WireClaim;
      try {
        await this.#link.follow(this.#serviceClaimId, this.#stop.signal, (event) => {
          if (event.outcome === undefined) this.#took(event);
        });
        claim = await this.#link.read(this.#serviceClaimId);
      } catch (error) {
        if (this.#cancelled || !(isWarmingError(error) && error.code === 'claim_unknown')) throw error;
        claim = await this.#link.claimAgain();
        this.#serviceClaimId = claim.claimId;
      }
      switch (claim.state) {
        case 'HOT':
          return claim;
        case 'WARMING':
          continue;
        case 'FAILED':
          throw fromWireError(claim.error);
        case 'CANCELLED':
        case 'RETIRED':
          throw cancelled(this.runtime);
      }
    }
  }

  /** Progress never falls, whatever a restarted service says. */
  #took(event: WireClaimProgress): void {
    const { phase, step, eta, elapsedMs } = event;
    const progress = Math.max(event.progress, this.#events.at(-1)?.progress ?? 0);
    const { claimId, runtime } = this;
    this.#tell({ claimId, runtime, progress, phase, eta, elapsedMs, ...(step === undefined ? {} : { step }) });
  }

  #end(outcome: 'hot' | 'failed' | 'cancelled'): void {
    const { step: _, ...last } = this.#last;
    const eta = { ...last.eta, p50Ms: 0, p90Ms: 0 };
    this.#tell(outcome === 'hot' ? { ...last, progress: 1, phase: 'ready', eta, outcome } : { ...last, eta, outcome });
  }

  #tell(event: WarmingProgress): void {
    this.#events.push(event);
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
    this.#onProgress?.(event);
  }
}

export function cancelled(runtime: string): WarmingError {
  return new WarmingError(
    'claim_cancelled',
    `The claim of "${runtime}" was cancelled. Claim again if it is still wanted.`,
  );
}

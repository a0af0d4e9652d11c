import type { SandboxConnection, SandboxFile } from './provider.js';

/** Where a claimed sandbox came from, fastest first. */
export type ClaimSource = 'hot' | 'affinity' | 'generic' | 'parked' | 'linked' | 'cold';

/** Why a claim was not answered HOT. */
export type MissReason =
  | 'pool_empty'
  | 'spec_changed'
  | 'expired'
  | 'unhealthy'
  | 'quota'
  | 'disabled'
  | 'provider_error';

/** What a warming claim is doing now. */
export type WarmingPhase =
  | 'queued'
  | 'creating'
  | 'resuming'
  | 'restoring'
  | 'warming'
  | 'probing'
  | 'personalising'
  | 'ready';

/** Who goes first when the budget is short: a person who waits, then a background job. */
export type ClaimPriority = 'interactive' | 'background';

/** What an application asks for. */
export interface ClaimRequest {
  /** The same key gives the same sandbox, however often it is asked. @default a fresh one */
  key?: string;
  /** Tenant for quotas and visibility. @default 'default' */
  tenant?: string;
  /** End user, for affinity, memory and forecasting. */
  userId?: string;
  /**
   * `prefer`: the sandbox that the same user of the same tenant left with `Claim.keep`, if it is still there.
   *
   * @default 'none'
   */
  affinity?: 'none' | 'prefer';
  /** Environment of every command the claimant runs. Kept by the handle, not stored anywhere. */
  env?: Record<string, string>;
  /** As {@link env}; never in the ledger, logs, events, metadata or a snapshot. */
  secrets?: Record<string, string>;
  /** Written after the claim and before the hand-over. */
  files?: readonly SandboxFile[];
  /**
   * Context of the user, prepared elsewhere and injected as data; a promise when it is still on its way. Fails open: no
   * claim fails for it, and a hot one waits `memoryWaitMs` at most. What arrives later is there for later commands.
   */
  memory?: MemoryInjection | PromiseLike<MemoryInjection | undefined>;
  /** @default 'interactive' */
  priority?: ClaimPriority;
  /** Life of the sandbox after hand-over, in milliseconds. @default 300_000 */
  lifeMs?: number;
  /** Cancels the claim; a sandbox that was being made for it is retired or kept for the pool. */
  signal?: AbortSignal;
  /** Called with every progress event of a WARMING claim, starting with the first. */
  onProgress?: (progress: WarmingProgress) => void;
}

/** A user's context in the two forms in which a sandbox can take it. */
export interface MemoryInjection {
  env: Record<string, string>;
  files: readonly SandboxFile[];
}

/** One step of a warming claim. `progress` never falls, and ends in exactly one terminal event. */
export interface WarmingProgress {
  claimId: string;
  runtime: string;
  /** In [0, 1], weighted by measured step durations. */
  progress: number;
  phase: WarmingPhase;
  /** The warm-up step under way, when there is one. */
  step?: string;
  eta: WarmingEta;
  elapsedMs: number;
  /** Set on the last event only. */
  outcome?: 'hot' | 'failed' | 'cancelled';
}

/** Time left, in milliseconds, from measured durations of the same runtime; a stated guess until there are any. */
export interface WarmingEta {
  p50Ms: number;
  p90Ms: number;
  /** How many measured warm-ups it rests on; 0 means a guess. */
  samples: number;
}

/** The immediate and typed answer to a claim. */
export type ClaimAnswer = HotAnswer | WarmingAnswer;

export interface HotAnswer {
  readonly state: 'HOT';
  readonly claim: Claim;
  readonly source: ClaimSource;
  /** From the call to the answer, in milliseconds. */
  readonly latencyMs: number;
  /** The claim again, so that `(await manager.claim(…)).ready` serves both answers. */
  readonly ready: Promise<Claim>;
}

/** A claim on its way. Iterate it (`for await`) to follow the progress; every follower sees the terminal event. */
export interface WarmingAnswer extends AsyncIterable<WarmingProgress> {
  readonly state: 'WARMING';
  readonly claimId: string;
  /** As of now; read again for a newer value. */
  readonly progress: number;
  readonly phase: WarmingPhase;
  readonly eta: WarmingEta;
  readonly reason: MissReason;
  /**
   * Settles once.
   * @throws {@link WarmingError} with the reason why no sandbox could be had; none is left behind then
   */
  readonly ready: Promise<Claim>;
  /** Gives the claim up. Idempotent; `ready` rejects with `claim_cancelled` unless it was settled. */
  cancel(): Promise<void>;
}

/** Exclusive use of one sandbox. */
export interface Claim {
  readonly claimId: string;
  readonly key: string;
  readonly runtime: string;
  readonly userId: string | undefined;
  readonly source: ClaimSource;
  /** All that is needed to build a handle without a request. */
  readonly connection: SandboxConnection;
  /** Environment, secrets and memory, as of now, for every command of the claimant. Not enumerable in logs: read it, do not print it. */
  readonly env: Readonly<Record<string, string>>;
  /** From the call of `claim` to hand-over, in milliseconds. */
  readonly latencyMs: number;
  /** When the sandbox ends unless renewed, in epoch milliseconds. */
  readonly expiresAtMs: number;
  /** Says that the claimant has it; an unacknowledged claim is retired when its lease runs out. Idempotent. */
  ack(): Promise<void>;
  /** Sets the remaining life, counted from now. */
  renew(lifeMs: number): Promise<void>;
  /** Ends the claim and kills the sandbox. Idempotent. */
  retire(): Promise<void>;
  /**
   * Ends the claim and pauses the sandbox, for a later claim of the same user with `affinity: 'prefer'` and for nobody
   * else. Absent when the claim was made without a `userId`, or the provider cannot pause.
   */
  keep?(): Promise<void>;
}

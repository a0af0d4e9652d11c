import { EventEmitter } from 'eventemitter3';
import type { ClaimAnswer, ClaimRequest } from './claim.js';
import { Engine } from './engine.js';
import type { WarmingEvents } from './events.js';
import type { Intent, IntentOptions } from './intent/desk.js';
import type { RuntimeWarmingManagerOptions } from './options.js';
import type { Runtime } from './runtime.js';
import type { BundleDecision } from './specialise/bundle.js';
import type { PoolStats } from './stats/book.js';
import type { Explanation } from './target/target.js';

/** What one pool holds, as this process saw it last. */
export interface PoolSummary {
  readonly runtime: string;
  readonly specKey: string;
  /** Hot sandboxes it should have now. */
  readonly target: number;
  readonly hot: number;
  readonly parked: number;
  /** On their way. */
  readonly warming: number;
  readonly claimed: number;
  /** Claims of this process that wait. */
  readonly waiting: number;
}

export interface ManagerStats {
  readonly pools: readonly PoolStats[];
  readonly budget: {
    /** Creates that stand in line. */
    readonly waiting: number;
    /** Concurrency the provider was found to allow; undefined while it never refused. */
    readonly learnedLimit: number | undefined;
  };
}

export interface CloseOptions {
  /** Ends the claims of this manager too. @default true unless the ledger is shared */
  retireClaims?: boolean;
  /** Ends the pooled sandboxes. @default true unless the ledger is shared, whose pools others go on with */
  retirePool?: boolean;
}

/**
 * Keeps pools of sandboxes hot and answers claims: HOT with a ready sandbox, or WARMING with how far it is.
 *
 * @example
 * ```ts
 * const manager = new RuntimeWarmingManager({ provider: e2bProvider(), runtimes: [nodeTypescript] });
 * await manager.start();
 * const answer = await manager.claim('node-typescript', { userId: 'ada' });
 * const claim = await answer.ready;
 * await claim.ack();
 * ```
 */
export class RuntimeWarmingManager extends EventEmitter<WarmingEvents> implements AsyncDisposable {
  readonly #engine: Engine;

  /** @throws {@link InvalidSpecError} naming every wrong option with the value given */
  constructor(options: RuntimeWarmingManagerOptions) {
    super();
    this.#engine = new Engine(options, (name, ...event) => this.#tell(name, event[0]));
  }

  /**
   * Opens the ledger, takes over what an earlier process left, and begins to fill the pools; it does not wait until they
   * are full. The first claim calls it. Idempotent; after a failure it may be called again.
   *
   * @throws {@link WarmingError} `provider_unreachable`, `provider_unauthorized`, `ledger_unavailable`, `ledger_corrupt`, `closed`
   */
  start(): Promise<void> {
    return this.#engine.start();
  }

  /**
   * Adds a runtime, or changes the one of that name: pooled sandboxes of the older spec are drained and never handed out.
   *
   * @throws {@link InvalidSpecError}
   */
  define(runtime: Runtime): void {
    this.#engine.define(runtime);
  }

  /**
   * Takes a runtime away. Its pool is retired, and claims that wait for it fail with `unknown_runtime`.
   *
   * @throws {@link WarmingError} `unknown_runtime`
   */
  remove(runtime: string): Promise<void> {
    return this.#engine.remove(runtime);
  }

  /**
   * Asks for a sandbox of a runtime. Answers at once.
   *
   * @throws {@link WarmingError} `unknown_runtime`, `invalid_spec`, `quota`, `claim_conflict`, `claim_cancelled`, `closed`, or
   * what `start` throws
   */
  claim(runtime: string, request: ClaimRequest = {}): Promise<ClaimAnswer> {
    return this.#engine.claim(runtime, request);
  }

  /**
   * Says that a user is likely to claim soon, so that a sandbox is warmed ahead. Bounded in time and number.
   *
   * @throws {@link WarmingError} `unknown_runtime`, `invalid_spec`, `quota`, `closed`
   */
  intent(runtime: string, options: IntentOptions): Intent {
    this.#engine.pool(runtime);
    return this.#engine.intents.open(runtime, options, (request) => this.claim(runtime, request));
  }

  /** What each pool holds, as this process saw it last. */
  pools(): PoolSummary[] {
    return [...this.#engine.pools.values()].map((pool) => ({
      runtime: pool.spec.pool,
      specKey: pool.spec.specKey,
      target: pool.targets.hot,
      ...pool.counts,
      waiting: pool.waiting,
    }));
  }

  /** Hit rate, reasons of misses, latencies by source, idle time and cost since this manager was made. */
  stats(): ManagerStats {
    const { pools, fleet } = this.#engine;
    const { waiting, limit } = fleet.gate.state();
    return { pools: [...pools.keys()].map((name) => fleet.stats.read(name)), budget: { waiting, learnedLimit: limit } };
  }

  /** Which runtimes' packs generic sandboxes carry, per template, with a reason for each. Needs a `specialiser`. */
  bundles(): readonly BundleDecision[] {
    return this.#engine.fleet.sharing.decide();
  }

  /** What the target policy expects of a runtime and why; undefined before `start` and for one it has not heard of. */
  explain(runtime: string): Explanation | undefined {
    return this.#engine.explain(runtime);
  }

  /**
   * Stops refill and speculation, of one runtime or of all; claims go on, cold if they must.
   *
   * @throws {@link WarmingError} `unknown_runtime`
   */
  pause(runtime?: string): void {
    this.#engine.pause(true, runtime);
  }

  resume(runtime?: string): void {
    this.#engine.pause(false, runtime);
  }

  /**
   * Ends everything this manager began: waiting claims fail with `closed`, and no sandbox, timer or listener is left.
   * Idempotent. With a shared ledger the pools stay for the other replicas, and claims for their claimants.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const alone = !this.#engine.fleet.ledger.shared;
    const { retireClaims = alone, retirePool = alone } = options;
    await this.#engine.close({ retireClaims, retirePool });
    this.removeAllListeners();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A listener that throws is its owner's business: the engine goes on. */
  #tell(name: keyof WarmingEvents, event: object): void {
    try {
      EventEmitter.prototype.emit.call(this, name, event);
    } catch (error) {
      if (name !== 'background-error') this.#tell('background-error', { runtime: undefined, error });
    }
  }
}

import type { Decision, Observation, TargetPolicy } from '../target/target.js';
import { type Prepared, ReplayPool } from './pool.js';
import type { Arrival } from './trace.js';

/** The key under which generic sandboxes are written. */
export const GENERIC_KEY = '*';

export type Outcome = 'claimed' | 'evicted' | 'open';

/** Hears of every prepared sandbox when its life is decided. */
export type PreparedListener = (sandbox: Prepared, endedAt: number, outcome: Outcome, claimedKey?: string) => void;

export interface SimulatorOptions {
  policy: TargetPolicy;
  leadSeconds: number;
  /** Called once per prepared sandbox. */
  onPrepared?: PreparedListener;
}

/** What a replay cost and reached. Idle counts from ready to end, plus one lead per evicted sandbox. */
export interface ReplayResult {
  arrivals: number;
  cold: number;
  ownHits: number;
  specialised: number;
  idleSeconds: number;
  evictions: number;
  orders: number;
  endSeconds: number;
}

interface KeyCount {
  arrivals: number;
  cold: number;
}

/**
 * The claim pool in trace time: a sandbox is claimed once, an order takes the lead time, a claim that finds none ready is
 * cold. It drives a {@link TargetPolicy} as the pool engine does and knows nothing of what is to come.
 */
export class Simulator {
  private readonly options: SimulatorOptions;
  private readonly pools = new Map<string, ReplayPool>();
  private readonly generic = new ReplayPool(GENERIC_KEY);
  private readonly byKey = new Map<string, KeyCount>();
  private readonly targets = new Map<string, number>();
  private genericTarget = 0;
  private wakeAt = Infinity;
  private readonly result: ReplayResult = {
    arrivals: 0,
    cold: 0,
    ownHits: 0,
    specialised: 0,
    idleSeconds: 0,
    evictions: 0,
    orders: 0,
    endSeconds: 0,
  };

  constructor(options: SimulatorOptions) {
    this.options = options;
  }

  arrive({ seconds, key }: Arrival): 'hot' | 'generic' | 'cold' {
    this.runUntil(seconds);
    const answer = this.answer(key, seconds);
    const { policy } = this.options;
    policy.observe({ kind: 'claim', key, atMs: seconds * 1000, answeredBy: answer });
    this.apply(policy.decide(seconds * 1000), seconds);
    if (answer === 'hot') this.fill(this.pools.get(key)!, this.targets.get(key) ?? 0, seconds);
    if (answer === 'generic') this.fill(this.generic, this.genericTarget, seconds);
    return answer;
  }

  /** Tells the policy something else than a claim, and follows what it decides. */
  observe(observation: Observation): void {
    const seconds = observation.atMs / 1000;
    this.runUntil(seconds);
    this.options.policy.observe(observation);
    this.apply(this.options.policy.decide(observation.atMs), seconds);
  }

  counts(): { arrivals: number; cold: number } {
    return { arrivals: this.result.arrivals, cold: this.result.cold };
  }

  /** Idle seconds so far, sandboxes that are still ready included. */
  idleSeconds(now: number): number {
    let open = 0;
    for (const pool of [...this.pools.values(), this.generic]) {
      for (const sandbox of pool.open()) open += Math.max(0, now - sandbox.readyAt);
    }
    return this.result.idleSeconds + open;
  }

  /** Ends the replay: sandboxes that are left stay open until the last arrival. */
  finish(): ReplayResult {
    const end = this.result.endSeconds;
    for (const pool of [...this.pools.values(), this.generic]) {
      for (const sandbox of pool.open()) this.end(sandbox, end, 'open');
    }
    return this.result;
  }

  /** Cold share per key, for fairness. */
  coldShares(): { key: string; arrivals: number; coldShare: number }[] {
    return [...this.byKey].map(([key, count]) => ({
      key,
      arrivals: count.arrivals,
      coldShare: count.cold / count.arrivals,
    }));
  }

  /** Lets the policy wake up when it asked for, up to then. */
  runUntil(seconds: number): void {
    while (this.wakeAt <= seconds) {
      const now = this.wakeAt;
      this.apply(this.options.policy.decide(now * 1000), now);
    }
  }

  private answer(key: string, now: number): 'hot' | 'generic' | 'cold' {
    this.result.arrivals++;
    this.result.endSeconds = now;
    const count = this.byKey.get(key) ?? { arrivals: 0, cold: 0 };
    this.byKey.set(key, count);
    count.arrivals++;
    const own = this.pools.get(key)?.claim(now);
    if (own) {
      this.result.ownHits++;
      this.end(own, now, 'claimed');
      return 'hot';
    }
    const shared = this.generic.claim(now);
    if (shared) {
      this.result.specialised++;
      this.end(shared, now, 'claimed', key);
      return 'generic';
    }
    this.result.cold++;
    count.cold++;
    return 'cold';
  }

  private apply(decision: Decision, now: number): void {
    for (const target of decision.changed) {
      let pool = this.pools.get(target.key);
      if (!pool) {
        pool = new ReplayPool(target.key);
        this.pools.set(target.key, pool);
      }
      this.targets.set(target.key, target.hot);
      this.fill(pool, target.hot, now);
    }
    if (decision.generic !== undefined) {
      this.genericTarget = decision.generic;
      this.fill(this.generic, decision.generic, now);
    }
    this.wakeAt = decision.wakeAtMs === undefined ? Infinity : Math.max(now, decision.wakeAtMs / 1000);
  }

  private fill(pool: ReplayPool, target: number, now: number): void {
    while (pool.size < target) {
      pool.order(now, this.options.leadSeconds);
      this.result.orders++;
    }
    while (pool.size > target) this.end(pool.evict()!, now, 'evicted');
  }

  private end(sandbox: Prepared, endedAt: number, outcome: Outcome, claimedKey?: string): void {
    this.result.idleSeconds += Math.max(0, endedAt - sandbox.readyAt);
    if (outcome === 'evicted') {
      this.result.evictions++;
      this.result.idleSeconds += this.options.leadSeconds;
    }
    this.options.onPrepared?.(sandbox, endedAt, outcome, claimedKey);
  }
}

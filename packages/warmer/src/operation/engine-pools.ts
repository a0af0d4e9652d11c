import { defineRuntime, type PoolSummary, type Runtime, type RuntimeWarmingManager } from '@pilotlight/warming';
import type { WirePool, WirePoolChange } from '@pilotlight/warming/wire';
import type { PoolControl } from './pool-control.js';

/** What the operator said about one pool. */
interface Wish {
  state: WirePool['state'];
  target: number;
  parked: number;
}

/**
 * Targets, pause and drain of single pools, by the engine's own `define`: the settings of a pool are not part of what
 * makes a sandbox stale, so a changed target retires nothing but the surplus.
 */
export class EnginePools implements PoolControl {
  readonly #manager: RuntimeWarmingManager;
  readonly #runtimeOf: (pool: string) => Runtime | undefined;
  readonly #wishes = new Map<string, Wish>();
  readonly #applied = new Map<string, number>();

  constructor(manager: RuntimeWarmingManager, runtimeOf: (pool: string) => Runtime | undefined) {
    this.#manager = manager;
    this.#runtimeOf = runtimeOf;
    manager.on('pool-changed', this.#follow);
  }

  close(): void {
    this.#manager.off('pool-changed', this.#follow);
  }

  async change(pool: string, change: WirePoolChange): Promise<void> {
    const runtime = this.#runtimeOf(pool);
    if (!runtime) return;
    const known = this.#wishes.get(pool) ?? {
      state: 'running',
      target: runtime.pool.target,
      parked: runtime.pool.parked,
    };
    const wish: Wish = { ...known, state: change.state ?? known.state, target: change.target ?? known.target };
    this.#wishes.set(pool, wish);
    const summary = this.#summary(pool);
    this.#apply(runtime, wish, summary ? summary.hot + summary.warming : 0);
  }

  numbers(pool: string): ReturnType<PoolControl['numbers']> {
    const stats = this.#manager.stats().pools.find((known) => known.runtime === pool);
    if (!stats) return { cost: null };
    const { total, wasted } = stats.idleSeconds;
    const { idleDollars, dollarsPerSavedSecond } = stats.cost;
    return {
      cost: {
        currency: 'USD',
        spent: idleDollars,
        wasted: total === 0 ? 0 : (idleDollars * wasted) / total,
        perSavedSecond: dollarsPerSavedSecond ?? null,
      },
    };
  }

  /** A paused pool keeps what it has and makes nothing new: its target falls with each claim. */
  readonly #follow = ({ runtime: pool, hot, warming }: Pick<PoolSummary, 'runtime' | 'hot' | 'warming'>): void => {
    const wish = this.#wishes.get(pool);
    const runtime = this.#runtimeOf(pool);
    if (wish?.state === 'paused' && runtime && hot + warming < (this.#applied.get(pool) ?? 0)) {
      this.#apply(runtime, wish, hot + warming);
    }
  };

  #apply(runtime: Runtime, wish: Wish, present: number): void {
    const target = targetOf(wish, present);
    this.#applied.set(runtime.name, target);
    const parked = wish.state === 'draining' ? 0 : wish.parked;
    const max = Math.max(runtime.pool.max, target);
    this.#manager.define(defineRuntime({ ...specOf(runtime), pool: { ...runtime.pool, target, parked, max } }));
  }

  #summary(pool: string): PoolSummary | undefined {
    return this.#manager.pools().find((known) => known.runtime === pool);
  }
}

/** Hot sandboxes to keep, for what the operator wants and what there is. */
export function targetOf(wish: Pick<Wish, 'state' | 'target'>, present: number): number {
  switch (wish.state) {
    case 'running':
      return wish.target;
    case 'paused':
      return Math.min(wish.target, present);
    case 'draining':
      return 0;
  }
}

/** Without what is not there: a spec has no `undefined`. */
function specOf(runtime: Runtime): Parameters<typeof defineRuntime>[0] {
  return JSON.parse(JSON.stringify(runtime)) as Parameters<typeof defineRuntime>[0];
}

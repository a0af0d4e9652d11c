import { defineRuntime, type Runtime, type RuntimeWarmingManager } from '@pilotlight/warming';
import type { WirePool, WirePoolChange } from '@pilotlight/warming/wire';
import type { PoolControl } from './pool-control.js';

/** What the operator said about one pool. */
interface Wish {
  state: WirePool['state'];
  target: number | undefined;
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

  constructor(manager: RuntimeWarmingManager, runtimeOf: (pool: string) => Runtime | undefined) {
    this.#manager = manager;
    this.#runtimeOf = runtimeOf;
  }

  async change(pool: string, change: WirePoolChange): Promise<void> {
    const runtime = this.#runtimeOf(pool);
    if (!runtime) return;
    const { target, parked } = runtime.pool;
    const known = this.#wishes.get(pool) ?? { state: 'running', target, parked };
    const wish: Wish = { ...known, state: change.state ?? known.state, target: change.target ?? known.target };
    this.#wishes.set(pool, wish);
    if (wish.state === 'paused' && known.state !== 'paused') this.#manager.pause(pool);
    const kept = wish.state === 'draining' ? { target: 0, parked: 0 } : { target: wish.target, parked: wish.parked };
    const max = Math.max(runtime.pool.max, kept.target ?? 0);
    this.#manager.define(defineRuntime({ ...specOf(runtime), pool: { ...runtime.pool, ...kept, max } }));
    if (wish.state !== 'paused' && known.state === 'paused') this.#manager.resume(pool);
  }

  numbers(pool: string): ReturnType<PoolControl['numbers']> {
    const told = this.#manager.explain(pool);
    const forecast = told
      ? {
          claimsPerHour: told.claimsPerHour,
          claimWithin10MinProbability: told.claimWithin10MinProbability,
          reasons: [...told.reasons],
        }
      : null;
    const stats = this.#manager.stats().pools.find((known) => known.runtime === pool);
    if (!stats) return { cost: null, forecast };
    const { total, wasted } = stats.idleSeconds;
    const { idleDollars, dollarsPerSavedSecond } = stats.cost;
    return {
      forecast,
      cost: {
        currency: 'USD',
        spent: idleDollars,
        wasted: total === 0 ? 0 : (idleDollars * wasted) / total,
        perSavedSecond: dollarsPerSavedSecond ?? null,
      },
    };
  }
}

/** Without what is not there: a spec has no `undefined`. */
function specOf(runtime: Runtime): Parameters<typeof defineRuntime>[0] {
  return JSON.parse(JSON.stringify(runtime)) as Parameters<typeof defineRuntime>[0];
}

import type { WirePool, WirePoolChange } from '@pilotlight/warming/wire';

/** What the engine can be told about a pool, and what it knows beyond its counts. */
export interface PoolControl {
  /** @throws {@link WarmingError} `unknown_runtime`, `invalid_option` */
  change(pool: string, change: WirePoolChange): Promise<void>;
  /** Cheap: asked for with every reading of a pool. */
  numbers(pool: string): Pick<WirePool, 'cost' | 'forecast'>;
}

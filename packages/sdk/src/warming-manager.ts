import type { Intent, PoolSummary, RuntimeWarmingManager, WarmingEvents } from '@pilotlight/warming';
import type { EventEmitter } from 'eventemitter3';
import type { RemoteIntent } from './remote/index.js';

/** How many sandboxes one pool holds, by state. */
export type PoolLevels = Pick<PoolSummary, 'runtime' | 'target' | 'hot' | 'parked' | 'warming' | 'claimed'>;

/** What the engine in this process and the warmer service have in common. */
export interface WarmingManager
  extends Pick<RuntimeWarmingManager, 'start' | 'define' | 'claim'>,
    Pick<EventEmitter<WarmingEvents>, 'on' | 'once' | 'off'> {
  /** What each pool holds. The service is asked; the embedded engine knows. */
  pools(): PoolLevels[] | Promise<PoolLevels[]>;
  /** Stops refills and speculation of one runtime, or of all; claims go on. */
  pause(runtime?: string): void | Promise<void>;
  resume(runtime?: string): void | Promise<void>;
  /** Says that a user is likely to claim soon, so that a sandbox warms ahead. */
  intent(runtime: string, options: { userId: string; ttlMs?: number }): Intent | RemoteIntent;
  /** Ends everything this client began. Idempotent. */
  close(): Promise<void>;
}

import type { Learning } from './learner.js';

/** Options of the forecast policy. */
export interface ForecastOptions {
  /** What an avoided cold start is worth, in idle sandbox-seconds; 0 holds nothing. @default 600 */
  coldStartValueSeconds?: number;
  /** Lead time of a runtime nothing is known of yet. @default 15 */
  defaultLeadSeconds?: number;
  /** Most sandboxes of one runtime. @default 500 */
  maxHot?: number;
  /** Most generic sandboxes. @default 2000 */
  maxGeneric?: number;
  /** Turns the generic tier on: how long specialising a generic sandbox takes. @default off */
  specialiseSeconds?: number;
  /** Spend this many idle sandbox-seconds an hour: the price is found, and the given one is only where to start. */
  idleBudgetSecondsPerHour?: number;
  /** What a parked sandbox costs of what a hot one does; on E2B parking is free. @default 0 */
  parkedCostShare?: number;
  learning?: Partial<Learning>;
  /** Starting weights of the shared network. @default fitted on public traces, see docs/forecast.md */
  weights?: ArrayLike<number>;
}

/** Settings of one runtime. */
export interface KeySettings {
  minHot: number;
  maxHot: number;
  maxParked: number;
  valueSeconds: number | undefined;
}

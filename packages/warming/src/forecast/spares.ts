import { HORIZON_SECONDS } from './bins.js';
import type { UnitHold } from './hold.js';

/** How often a burst goes one deeper than the deepest one before, of how often one goes as deep. */
const DEEPER_SHARE = 0.1;

/**
 * Units beyond the deepest one that is known. Each claim shows one unit more than bursts ever needed; where even that one
 * is held for good, the next ones, each needed a tenth as often, are worth it too while their worth covers the horizon.
 */
export function spareUnits(deepest: UnitHold | undefined): number {
  const plan = deepest?.plan;
  if (!plan || deepest.unit.uses > 0 || plan.windows.at(-1) !== Infinity) return 0;
  return Math.floor(Math.log(1 + plan.worthSeconds / HORIZON_SECONDS) / -Math.log(DEEPER_SHARE));
}

/** What the last of so many is worth. */
export function spareWorth(worthSeconds: number, spares: number): number {
  return worthSeconds * DEEPER_SHARE ** spares;
}

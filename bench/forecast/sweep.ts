import {
  coldAt,
  type FrontierPoint,
  idleFor,
  lowerHull,
  type ReplayResult,
  Simulator,
} from '@pilotlight/warming/replay';
import { Demand } from '../../packages/warming/src/forecast/demand.js';
import { ForecastPolicy } from '../../packages/warming/src/forecast/forecast.js';
import { DEFAULT_LEARNING, Learner, type Learning } from '../../packages/warming/src/forecast/learner.js';
import { SharedLookout } from '../../packages/warming/src/forecast/lookout.js';
import type { Arrival } from '../../packages/warming/src/replay/trace.js';
import { COARSE_PRICES, type Mark, missingPrices, type Priced, pricesOver } from './prices.js';

/** As in a replay: what is published was measured without a bound. */
const UNBOUNDED = 100_000;
/** Prices are placed by what they come to on so many claims, give or take this factor. */
const HEAD_CLAIMS = 10_000;
const MARGIN = 1.4;
const LANES = 20;
const MOST_MENDS = 3;

export interface SweepOptions {
  arrivals: readonly Arrival[];
  leadSeconds: number;
  weights?: ArrayLike<number>;
  learning?: Partial<Learning>;
}

export type PricedResult = ReplayResult & { valueSeconds: number };

/** What came out of a sweep: one result per price, and how good the chances told were. */
export interface Sweep {
  results: PricedResult[];
  hull: FrontierPoint[];
  calibration: ReturnType<ForecastPolicy['calibration']>;
  loss: number;
  stateBytesPerUnit: number;
  /** Cold share of the key that three in four keys are better than, per price. */
  keyColdShareP75: number[];
}

/** The frontier with own sandboxes, prices placed so that the marks are known well. */
export function sweepOwn(options: SweepOptions, marks: readonly Mark[]): Sweep {
  const head = { ...options, arrivals: options.arrivals.slice(0, HEAD_CLAIMS) };
  const first = sweepPrices(
    options,
    pricesOver(priced(sweepPrices(head, COARSE_PRICES).results), marks, LANES, MARGIN),
  );
  let { results, keyColdShareP75 } = first;
  for (let mend = 0; mend < MOST_MENDS; mend++) {
    const prices = missingPrices(priced(results), marks);
    if (prices.length === 0) break;
    const more = sweepPrices(options, prices);
    results = [...results, ...more.results];
    keyColdShareP75 = [...keyColdShareP75, ...more.keyColdShareP75];
  }
  return { ...first, results, keyColdShareP75, hull: hullOf(results) };
}

function priced(results: readonly PricedResult[]): Priced[] {
  return results.map(({ valueSeconds, idleSeconds, cold, arrivals }) => ({
    valueSeconds,
    idlePerClaim: idleSeconds / arrivals,
    coldShare: cold / arrivals,
  }));
}

function hullOf(results: readonly PricedResult[]): FrontierPoint[] {
  return lowerHull(results.map((item) => ({ idle: item.idleSeconds, cold: item.cold / item.arrivals })));
}

/**
 * Replays a trace at many prices in one pass. What is learned does not depend on the price, so it is learned once; each
 * price plans, holds and is scored for itself, with the very results of a replay of its own.
 */
export function sweepPrices(options: SweepOptions, prices: readonly number[]): Sweep {
  const { arrivals, leadSeconds } = options;
  const learner = new Learner({ ...DEFAULT_LEARNING, ...options.learning }, options.weights);
  const lookout = new SharedLookout(new Demand(learner), prices.length);
  const lanes = prices.map((valueSeconds, lane) => {
    const policy = new ForecastPolicy(
      { coldStartValueSeconds: valueSeconds, defaultLeadSeconds: leadSeconds, maxHot: UNBOUNDED },
      lookout,
      lane,
    );
    return { policy, valueSeconds, simulator: new Simulator({ policy, leadSeconds }) };
  });
  for (const arrival of arrivals) for (const { simulator } of lanes) simulator.arrive(arrival);
  const results = lanes.map(({ simulator, valueSeconds }) => ({ ...simulator.finish(), valueSeconds }));
  return {
    results,
    hull: hullOf(results),
    calibration: lookout.chance.report(),
    loss: learner.loss / arrivals.length,
    stateBytesPerUnit: perUnit(lanes[0]!.policy),
    keyColdShareP75: lanes.map(({ simulator }) => upperQuartile(simulator.coldShares().map((key) => key.coldShare))),
  };
}

function perUnit(policy: ForecastPolicy): number {
  const { bytes, sharedBytes, units } = policy.size();
  return (bytes - sharedBytes) / Math.max(1, units);
}

function upperQuartile(shares: number[]): number {
  const sorted = shares.sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.75))] ?? 0;
}

const SHARED_COARSE: readonly number[] = [20, 60, 200, 600, 2_000, 6_000];
const SHARED_HEAD_CLAIMS = 4_000;
const SHARED_LANES = 5;

/** The frontier with a generic tier beside the own one. */
export function sweepShared(options: SharedSweepOptions, marks: readonly Mark[]): PricedResult[] {
  const head = { ...options, arrivals: options.arrivals.slice(0, SHARED_HEAD_CLAIMS) };
  const known = priced(sharedPrices(head, SHARED_COARSE));
  const results = sharedPrices(options, pricesOver(known, marks, SHARED_LANES, MARGIN));
  for (let mend = 0; mend < MOST_MENDS; mend++) {
    const prices = missingPrices(priced(results), marks);
    if (prices.length === 0) break;
    results.push(...sharedPrices(options, prices));
  }
  return results;
}

export type SharedSweepOptions = SweepOptions & { specialiseSeconds: number };

/** One result per price with a generic tier; the own tier learns once for all, the shared pools each from what overflows. */
export function sharedPrices(options: SharedSweepOptions, prices: readonly number[]): PricedResult[] {
  const { arrivals, leadSeconds, specialiseSeconds } = options;
  const learning = { ...DEFAULT_LEARNING, ...options.learning };
  const lookout = new SharedLookout(new Demand(new Learner(learning, options.weights)), prices.length);
  const lanes = prices.map((valueSeconds, lane) => {
    const policy = new ForecastPolicy(
      {
        coldStartValueSeconds: valueSeconds,
        defaultLeadSeconds: leadSeconds,
        specialiseSeconds,
        maxHot: UNBOUNDED,
        maxGeneric: UNBOUNDED,
        learning,
        ...(options.weights ? { weights: options.weights } : {}),
      },
      lookout,
      lane,
    );
    return { valueSeconds, simulator: new Simulator({ policy, leadSeconds }) };
  });
  for (const arrival of arrivals) for (const { simulator } of lanes) simulator.arrive(arrival);
  return lanes.map(({ simulator, valueSeconds }) => ({ ...simulator.finish(), valueSeconds }));
}

export { coldAt, idleFor };

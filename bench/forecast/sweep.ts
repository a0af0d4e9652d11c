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

/** Prices along the whole frontier, in idle seconds per avoided cold start. */
const PRICES: readonly number[] = [8, 16, 30, 55, 100, 190, 400, 1_000, 2_500, 8_000, 40_000, 400_000];
const HEAD_CLAIMS = 15_000;
const LANES = 11;
/** What is spent on the head of a trace tells roughly what will be on all of it. */
const MARGIN = 1.4;

/** Prices, evenly spaced, that spend from `least` to `most` idle seconds per claim, found on the head of a trace. */
export function pricesFor(options: SweepOptions, least: number, most: number): number[] {
  const head = options.arrivals.slice(0, HEAD_CLAIMS);
  const spent = sweepPrices({ ...options, arrivals: head, prices: PRICES }).results.map(
    ({ valueSeconds, idleSeconds }) => ({ valueSeconds, perClaim: idleSeconds / head.length }),
  );
  const first = priceFor(spent, least / MARGIN);
  const last = priceFor(spent, most * MARGIN);
  return Array.from({ length: LANES }, (_, lane) => Math.round(first * (last / first) ** (lane / (LANES - 1))));
}

function priceFor(spent: readonly { valueSeconds: number; perClaim: number }[], wanted: number): number {
  const above = spent.findIndex(({ perClaim }) => perClaim >= wanted);
  if (above === -1) return PRICES.at(-1)!;
  if (above === 0) return PRICES[0]!;
  const [low, high] = [spent[above - 1]!, spent[above]!];
  const share =
    Math.log(wanted / Math.max(low.perClaim, 1e-6)) / Math.log(high.perClaim / Math.max(low.perClaim, 1e-6));
  return low.valueSeconds * (high.valueSeconds / low.valueSeconds) ** Math.max(0, share);
}

/** As in a replay: what is published was measured without a bound. */
const UNBOUNDED = 100_000;

export interface SweepOptions {
  arrivals: readonly Arrival[];
  leadSeconds: number;
  prices?: readonly number[];
  weights?: ArrayLike<number>;
  learning?: Partial<Learning>;
}

/** What came out of a sweep: one result per price, and how good the chances told were. */
export interface Sweep {
  results: (ReplayResult & { valueSeconds: number })[];
  hull: FrontierPoint[];
  calibration: ReturnType<ForecastPolicy['calibration']>;
  loss: number;
  stateBytesPerUnit: number;
  /** Cold share of the key that three in four keys are better than, per price. */
  keyColdShareP75: number[];
}

/**
 * Replays a trace at many prices in one pass. What is learned does not depend on the price, so it is learned once; each
 * price plans, holds and is scored for itself, with the very results of a replay of its own.
 */
export function sweepPrices(options: SweepOptions): Sweep {
  const { arrivals, leadSeconds, prices = PRICES } = options;
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
    hull: lowerHull(results.map((item) => ({ idle: item.idleSeconds, cold: item.cold / item.arrivals }))),
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

const SHARED_PRICES: readonly number[] = [100, 200, 400, 800, 1_600, 3_200, 6_400];

/** One result per price with a generic tier beside the own one. */
export function sweepShared(options: SweepOptions & { specialiseSeconds: number }): Sweep['results'] {
  const { arrivals, leadSeconds, specialiseSeconds, prices = SHARED_PRICES } = options;
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

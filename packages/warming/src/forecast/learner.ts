import { HORIZON_SECONDS } from './bins.js';
import { Fleet } from './fleet.js';
import type { HintWindow } from './hints.js';
import { HazardNetwork } from './network.js';
import { HIGHEST_LOG, LOWEST_LOG, MOST_BINS, Outlook } from './outlook.js';
import { poolClass } from './pooled-gaps.js';
import { PRIOR_WEIGHTS } from './prior.gen.js';
import { NETWORK_SHAPE } from './shape.js';
import { Trust } from './trust.js';
import { type Landmark, type UnitState, ZONE_COUNT, zoneOf } from './unit.js';

/** How the shared network goes on learning. Found on half of the keys of the public traces, see `docs/forecast.md`. */
export interface Learning {
  /** Size of a step. 0 turns learning off. @default 0.0001 */
  rate: number;
  /** Passes per step. @default 16 */
  batch: number;
  /** Share by which the averaged weights follow each step. @default 0.001 */
  averaging: number;
}

export const DEFAULT_LEARNING: Learning = { rate: 1e-4, batch: 16, averaging: 1e-3 };

const STEEPEST = 8;
const MOST_EXPECTED = 20;
/** Expected uses after which an outlook ends: when a unit is still not used by then, it is looked at again. */
const SURELY_USED = 5;
/** Bins that are added to an outlook before it is asked whether a use is sure by then. */
const BINS_AT_ONCE = 6;

/** Units that are used often teach one lesson in so many; which one does not depend on how it came out. */
function oneIn(uses: number): number {
  if (uses > 64) return 8;
  if (uses > 16) return 4;
  return uses > 4 ? 2 : 1;
}

/** What all runtimes share: the network, and what the fleet shows. */
export class Learner {
  readonly network: HazardNetwork;
  readonly fleet = new Fleet();
  readonly trust = new Trust();
  /** Sum of the losses, for comparing learners. */
  loss = 0;
  /** Counts the lessons of units that are used often. */
  turn = 0;
  private readonly outlook = new Outlook();
  private readonly learning: Learning;
  private readonly observed = new Float64Array(ZONE_COUNT);
  private readonly predicted = new Float64Array(ZONE_COUNT);
  private readonly corrections = new Float64Array(ZONE_COUNT);
  private readonly logs = new Float64Array(MOST_BINS);
  private readonly slopes = new Float64Array(MOST_BINS);

  /** With a `network`, that one is learned further instead of a new one. */
  constructor(
    learning: Learning = DEFAULT_LEARNING,
    weights: ArrayLike<number> = PRIOR_WEIGHTS,
    network: HazardNetwork = new HazardNetwork(NETWORK_SHAPE, weights),
  ) {
    this.learning = learning;
    this.network = network;
  }

  /** Learns from what happened between the last time and now: the unit was used now, or it still was not. */
  learn(unit: UnitState, mark: Landmark, nowSeconds: number, used: boolean): void {
    const until = nowSeconds - mark.atSeconds;
    const from = mark.learnedSeconds;
    if (until <= from) return;
    mark.learnedSeconds = until;
    if (this.turn++ % oneIn(unit.uses) !== 0) return;
    const { outlook, network } = this;
    outlook.begin(unit, mark, this.fleet, from, until);
    outlook.extend(MOST_BINS);
    const { count, width, usual } = outlook;
    network.begin(mark.inputs, true);
    network.predict(outlook, 0, count, this.logs);
    this.observed.fill(0);
    this.predicted.fill(0);
    let loss = 0;
    let usualLoss = 0;
    for (let bin = 0; bin < count; bin++) {
      const zone = zoneOf(outlook.from[bin]! - mark.fromSeconds);
      const uncorrected = Math.exp(Math.min(HIGHEST_LOG, Math.max(LOWEST_LOG, this.logs[bin]!))) * width[bin]!;
      const expected = uncorrected * unit.correction(zone);
      loss += expected;
      usualLoss += usual[bin]! * width[bin]!;
      this.slopes[bin] = Math.min(STEEPEST, expected);
      this.predicted[zone]! += Math.min(MOST_EXPECTED, uncorrected);
      if (used && bin === count - 1) {
        this.slopes[bin] = Math.min(STEEPEST, expected - 1);
        this.observed[zone]! += 1;
        loss -= Math.log(Math.max(1e-12, expected / width[bin]!));
        usualLoss -= Math.log(Math.max(1e-12, usual[bin]!));
      }
    }
    network.backward(outlook, count, this.slopes);
    for (let zone = 0; zone < ZONE_COUNT; zone++) {
      if (this.predicted[zone]! > 0) unit.correct(zone, this.observed[zone]!, this.predicted[zone]!);
    }
    this.loss += loss;
    this.trust.settle(outlook.unitClass, loss, usualLoss);
    network.end(mark.inputs);
    if (network.waiting >= this.learning.batch) network.step(this.learning.rate, this.learning.averaging);
  }

  /** Fills an outlook for the time after a landmark. */
  predict(
    outlook: Outlook,
    unit: UnitState,
    mark: Landmark,
    fromSeconds = mark.fromSeconds,
    window?: HintWindow,
    startOdds = this.trust.odds(poolClass(unit, mark.atSeconds)),
  ): void {
    const { network } = this;
    outlook.begin(unit, mark, this.fleet, fromSeconds, HORIZON_SECONDS, window);
    network.begin(mark.inputs, false);
    outlook.odds = startOdds;
    for (let zone = 0; zone < ZONE_COUNT; zone++) this.corrections[zone] = unit.correction(zone);
    let uses = 0;
    for (let more = true; more && uses < SURELY_USED; ) {
      const first = outlook.count;
      more = outlook.extend(BINS_AT_ONCE);
      network.predict(outlook, first, outlook.count, this.logs);
      uses += outlook.believe(first, this.logs, this.corrections);
    }
  }
}

/** Chance of a use between two times of an outlook. */
export function chanceWithin(outlook: Outlook, fromSeconds: number, toSeconds: number): number {
  let expected = 0;
  for (let bin = 0; bin < outlook.count; bin++) {
    const start = Math.max(fromSeconds, outlook.from[bin]!);
    const end = Math.min(toSeconds, outlook.from[bin]! + outlook.width[bin]!);
    if (end > start) expected += outlook.intensity[bin]! * (end - start);
  }
  return -Math.expm1(-expected);
}

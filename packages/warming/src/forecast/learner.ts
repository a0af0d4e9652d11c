import { HORIZON_SECONDS } from './bins.js';
import { MOVING_INPUTS, Outlook, type OutlookSource } from './features.js';
import type { HintWindow } from './hints.js';
import { HazardNetwork } from './network.js';
import { POOL_CLASSES, PooledGaps, poolClass } from './pooled-gaps.js';
import { PRIOR_WEIGHTS } from './prior.gen.js';
import { FleetSeason } from './season.js';
import { NETWORK_SHAPE } from './shape.js';
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
/** Expected uses after which nothing that follows is worth looking at. */
const SURELY_USED = 8;

function bounded(logIntensity: number): number {
  return Math.exp(Math.min(3, Math.max(-20, logIntensity)));
}

/** What all runtimes share: the network, the pooled gap histograms, the season of the fleet. */
export class Learner {
  readonly network: HazardNetwork;
  readonly pools = Array.from({ length: POOL_CLASSES }, () => new PooledGaps());
  readonly season = new FleetSeason();
  readonly outlook = new Outlook();
  readonly intensity = new Float64Array(256);
  private readonly learning: Learning;
  private readonly observed = new Float64Array(ZONE_COUNT);
  private readonly predicted = new Float64Array(ZONE_COUNT);

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
    const { outlook, network } = this;
    outlook.begin(this.source(unit, mark), from, until);
    while (outlook.next());
    network.begin(mark.inputs, true);
    this.observed.fill(0);
    this.predicted.fill(0);
    for (let bin = 0; bin < outlook.count; bin++) {
      const raw = network.predict(outlook.inputs, bin * MOVING_INPUTS);
      const zone = zoneOf(outlook.from[bin]!);
      const width = outlook.width[bin]!;
      const happened = used && bin === outlook.count - 1 ? 1 : 0;
      const expected = bounded(raw + Math.log(unit.correction(zone))) * width;
      network.backward(outlook.inputs, bin * MOVING_INPUTS, Math.min(STEEPEST, expected - happened));
      this.observed[zone]! += happened;
      this.predicted[zone]! += Math.min(MOST_EXPECTED, bounded(raw) * width);
    }
    for (let zone = 0; zone < ZONE_COUNT; zone++) {
      if (this.predicted[zone]! > 0) unit.correct(zone, this.observed[zone]!, this.predicted[zone]!);
    }
    network.end(mark.inputs);
    if (network.waiting >= this.learning.batch) network.step(this.learning.rate, this.learning.averaging);
  }

  /** Fills `outlook` and `intensity` for the time after a landmark. */
  predict(unit: UnitState, mark: Landmark, fromSeconds = mark.fromSeconds, window?: HintWindow): void {
    const { outlook, network, intensity } = this;
    outlook.begin(this.source(unit, mark), fromSeconds, HORIZON_SECONDS, window);
    network.begin(mark.inputs, false);
    let uses = 0;
    for (let bin = 0; uses < SURELY_USED && outlook.next(); bin++) {
      const raw = network.predict(outlook.inputs, bin * MOVING_INPUTS);
      intensity[bin] = bounded(raw) * unit.correction(zoneOf(outlook.from[bin]!));
      uses += intensity[bin]! * outlook.width[bin]!;
    }
  }

  private source(unit: UnitState, mark: Landmark): OutlookSource {
    return { unit, mark, pool: this.pools[poolClass(unit.depth)]!, fleet: this.season };
  }

  /** Chance that the unit is used between two times after the landmark that was predicted last. */
  chanceWithin(fromSeconds: number, toSeconds: number): number {
    let expected = 0;
    const { outlook } = this;
    for (let bin = 0; bin < outlook.count; bin++) {
      const start = Math.max(fromSeconds, outlook.from[bin]!);
      const end = Math.min(toSeconds, outlook.from[bin]! + outlook.width[bin]!);
      if (end > start) expected += this.intensity[bin]! * (end - start);
    }
    return -Math.expm1(-expected);
  }
}

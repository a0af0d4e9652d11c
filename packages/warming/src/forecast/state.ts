import { decodeState, encodeState } from '../target/state-codec.js';
import type { BudgetState } from './budget.js';
import type { ChanceState } from './claim-chance.js';
import type { ForecastPolicy } from './forecast.js';
import type { HintBook } from './hints.js';
import type { KeySettings } from './options.js';
import { type KeyRecord, keyRecord, restoreKey, restorePlan } from './state-key.js';
import { type CycleRecord, cycleRecord, restoreCycle } from './state-season.js';
import type { UnitPlanner } from './unit-planner.js';

const FAMILY = 'forecast';
const VERSION = 5;

interface SharedRecord {
  /** Weights, their mean, both moments, gradient of the batch that is not full. */
  network: Float32Array[];
  steps: number;
  waiting: number;
  pools: { ended: Float64Array; reached: Float64Array }[];
  seasons: CycleRecord[];
  rates: { counts: Float32Array; atSeconds: number };
  swept: number;
  turn: number;
  trust: Float64Array;
  chance: ChanceState;
}

interface PlannerRecord {
  shared: SharedRecord;
  keys: KeyRecord[];
}

interface ForecastRecord {
  seconds: number;
  valueSeconds: number;
  own: PlannerRecord;
  generic: PlannerRecord | undefined;
  genericMissShare: number | undefined;
  budget: BudgetState | undefined;
  settings: Map<string, KeySettings>;
  hints: Pick<HintBook, 'live' | 'sources'>;
}

/** The state of a forecast policy as bytes. */
export function saveForecast(policy: ForecastPolicy): Uint8Array {
  const record: ForecastRecord = {
    seconds: policy.time.seconds,
    valueSeconds: policy.price,
    own: plannerRecord(policy.own),
    generic: policy.generic && plannerRecord(policy.generic.planner),
    genericMissShare: policy.generic?.missShare,
    budget: policy.budget?.save(),
    settings: policy.settings,
    hints: { live: policy.hints.live, sources: policy.hints.sources },
  };
  return encodeState(FAMILY, VERSION, record);
}

/** What all runtimes share of that, in bytes; it does not grow with their number. */
export function sharedBytes(policy: ForecastPolicy): number {
  const planners = policy.generic ? [policy.own, policy.generic.planner] : [policy.own];
  return encodeState(FAMILY, VERSION, planners.map(sharedRecord)).length;
}

/** @throws WarmingError `ledger_corrupt` when the bytes are damaged or foreign */
export function restoreForecast(policy: ForecastPolicy, bytes: Uint8Array): void {
  const record = decodeState(FAMILY, VERSION, bytes) as ForecastRecord;
  policy.time.seconds = record.seconds;
  restorePlanner(policy.own, record.own, record.seconds);
  if (policy.generic && record.generic) {
    restorePlanner(policy.generic.planner, record.generic, record.seconds);
    policy.generic.missShare = record.genericMissShare ?? policy.generic.missShare;
  }
  if (policy.budget && record.budget) {
    policy.budget.restore(record.budget);
    policy.setPrice(record.valueSeconds);
  }
  policy.settings.clear();
  for (const [key, settings] of record.settings) policy.settings.set(key, settings);
  policy.hints.live = record.hints.live;
  policy.hints.sources = record.hints.sources;
}

function plannerRecord(planner: UnitPlanner): PlannerRecord {
  return {
    shared: sharedRecord(planner),
    keys: [...planner.demand.keys.values()].map((key) => keyRecord(key, planner)),
  };
}

function sharedRecord({ demand, lookout }: UnitPlanner): SharedRecord {
  const { network, fleet } = demand.learner;
  return {
    network: [network.weights, network.averaged, network.first, network.second, network.gradient],
    steps: network.steps,
    waiting: network.waiting,
    pools: fleet.pools.map(({ ended, reached }) => ({ ended, reached })),
    seasons: [cycleRecord(fleet.season.hours), cycleRecord(fleet.season.days)],
    rates: { counts: fleet.rates.counts, atSeconds: fleet.rates.atSeconds },
    swept: demand.swept,
    turn: demand.learner.turn,
    trust: demand.learner.trust.ahead,
    chance: lookout.chance.save(),
  };
}

function restorePlanner(planner: UnitPlanner, { shared, keys }: PlannerRecord, nowSeconds: number): void {
  const { demand, holding, lookout } = planner;
  const { network, fleet } = demand.learner;
  planner.remove(new Set(demand.keys.values()));
  const parts = [network.weights, network.averaged, network.first, network.second, network.gradient];
  for (const [index, part] of parts.entries()) part.set(shared.network[index]!);
  network.steps = shared.steps;
  network.waiting = shared.waiting;
  for (const [index, { ended, reached }] of shared.pools.entries()) {
    fleet.pools[index]!.restore(ended, reached);
  }
  restoreCycle(fleet.season.hours, shared.seasons[0]!);
  restoreCycle(fleet.season.days, shared.seasons[1]!);
  fleet.rates.counts.set(shared.rates.counts);
  fleet.rates.atSeconds = shared.rates.atSeconds;
  lookout.chance.restore(shared.chance);
  demand.learner.trust.ahead.set(shared.trust);
  demand.learner.turn = shared.turn;
  for (const record of keys) {
    const key = restoreKey(record, nowSeconds);
    demand.keys.set(key.name, key);
    for (const [index, unit] of key.units.entries()) {
      demand.units.push(unit);
      const plan = record.units[index]!.plan;
      if (plan) {
        const restored = restorePlan(plan);
        const hold = planner.hold(unit);
        hold.set(false, restored.park);
        holding.adopt(hold, restored.plan, nowSeconds);
      }
    }
  }
  demand.swept = shared.swept;
}

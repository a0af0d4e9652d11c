import type {
  ClaimObserved,
  Decision,
  Explanation,
  HintObserved,
  Observation,
  RuntimeObserved,
  RuntimeTarget,
  TargetPolicy,
} from '../target/target.js';
import { TargetBook } from '../target/target-book.js';
import { checkedNumber, TimeLine } from '../target/time-line.js';
import { BudgetKeeper } from './budget.js';
import type { CalibrationReport } from './claim-chance.js';
import { Demand } from './demand.js';
import { explainKey } from './explain.js';
import { longestUnclaimed } from './forgetting.js';
import { GENERIC, GenericTier } from './generic-tier.js';
import { HintBook } from './hints.js';
import type { KeyState } from './key.js';
import { DEFAULT_LEARNING, Learner } from './learner.js';
import { Lookout } from './lookout.js';
import type { ForecastOptions, KeySettings } from './options.js';
import { restoreForecast, saveForecast, sharedBytes } from './state.js';
import { UnitPlanner } from './unit-planner.js';

/**
 * The default target policy: learns per runtime and across runtimes how likely the next claim is at every moment, and
 * holds a sandbox exactly while that is worth its idle time at the price given.
 */
export class ForecastPolicy implements TargetPolicy {
  readonly name = 'forecast';
  /** @internal */
  readonly own: UnitPlanner;
  /** @internal */
  readonly generic: GenericTier | undefined;
  /** @internal */
  readonly hints = new HintBook();
  /** @internal */
  readonly settings = new Map<string, KeySettings>();
  /** @internal */
  readonly time = new TimeLine();
  private readonly book = new TargetBook();
  private readonly defaultLeadSeconds: number;
  private readonly maxHot: number;
  private readonly parkedCost: number;
  /** @internal */
  readonly budget: BudgetKeeper | undefined;
  private valueSeconds = 0;

  /** @internal Policies that differ in price alone may share a lookout, each in its lane. */
  constructor(options: ForecastOptions = {}, lookout?: Lookout, lane = 0) {
    const learning = { ...DEFAULT_LEARNING, ...options.learning };
    const seen = lookout ?? new Lookout(new Demand(new Learner(learning, options.weights)));
    this.own = new UnitPlanner(seen, this.hints, lane);
    this.defaultLeadSeconds = checkedNumber('defaultLeadSeconds', options.defaultLeadSeconds ?? 15, 0);
    this.maxHot = checkedNumber('maxHot', options.maxHot ?? 500, 0);
    this.parkedCost = checkedNumber('parkedCostShare', options.parkedCostShare ?? 0, 0);
    this.setPrice(options.coldStartValueSeconds ?? 600);
    if (options.idleBudgetSecondsPerHour !== undefined) {
      this.budget = new BudgetKeeper(options.idleBudgetSecondsPerHour, this.valueSeconds);
    }
    if (options.specialiseSeconds !== undefined) {
      const seconds = checkedNumber('specialiseSeconds', options.specialiseSeconds, 0);
      const most = checkedNumber('maxGeneric', options.maxGeneric ?? 2000, 0);
      this.generic = new GenericTier(seconds, most, learning, options.weights);
    }
  }

  /** Changes the price of the fleet; plans follow with their next look. Infinity is allowed. */
  setPrice(coldStartValueSeconds: number): void {
    this.valueSeconds = checkedNumber('coldStartValueSeconds', coldStartValueSeconds, 0, true);
  }

  /** The price of the fleet now. */
  get price(): number {
    return this.valueSeconds;
  }

  observe(observation: Observation): void {
    const seconds = this.time.advance(observation.atMs);
    this.budget?.gate.advance(seconds);
    switch (observation.kind) {
      case 'claim':
        this.claim(observation, seconds);
        break;
      case 'runtime':
        this.configure(observation, seconds);
        break;
      case 'lead':
        this.measured(observation.key, observation.tier, observation.measuredMs, seconds);
        break;
      case 'hint':
        this.hint(observation, seconds);
        break;
      case 'hint-withdrawn':
        this.withdraw(observation.key, observation.hintId, seconds);
        break;
      case 'idle':
        checkedNumber('totalSeconds', observation.totalSeconds, 0);
        this.budget?.told(seconds, observation.totalSeconds);
        break;
      case 'runtime-removed':
        this.remove(observation.key);
        break;
    }
  }

  decide(atMs: number, options: { full?: boolean } = {}): Decision {
    const now = this.time.advance(atMs);
    this.budget?.gate.advance(now);
    this.own.holding.due(now, (hold) => this.retarget(hold.unit.key));
    this.keepBudget(now);
    const generic = this.generic && this.wantedGeneric(this.generic, now);
    const next = Math.min(...[this.own.holding, this.generic, this.budget].map((part) => part?.next() ?? Infinity));
    return {
      atMs: now * 1000,
      changed: this.book.take(options.full ?? false),
      generic,
      wakeAtMs: next === Infinity ? undefined : next * 1000,
    };
  }

  explain(key: string, atMs: number): Explanation | undefined {
    const state = this.own.demand.keys.get(key);
    if (!state) return undefined;
    return explainKey({
      key: state,
      lookout: this.own.lookout,
      hints: this.hints.count(key),
      target: this.book.get(key) ?? this.target(state),
      valueSeconds: this.priceOf(key),
      nowSeconds: this.time.peek(atMs),
    });
  }

  /** How good the chances told so far were. */
  calibration(): CalibrationReport {
    return this.own.lookout.chance.report();
  }

  save(): Uint8Array {
    return saveForecast(this);
  }

  restore(bytes: Uint8Array): void {
    restoreForecast(this, bytes);
    for (const key of this.own.demand.keys.values()) this.retarget(key);
  }

  size(): { bytes: number; sharedBytes: number; runtimes: number; units: number } {
    return {
      bytes: this.save().length,
      sharedBytes: sharedBytes(this),
      runtimes: this.own.demand.keys.size,
      units: this.own.demand.units.length,
    };
  }

  private claim(observation: ClaimObserved, seconds: number): void {
    const key = this.own.demand.key(observation.key, this.defaultLeadSeconds, seconds);
    this.budget?.claim(seconds);
    this.hints.claim(key.name, seconds);
    const sight = this.own.lookout.claim(key, seconds, this.hints);
    const ready = this.own.claim(sight, this.ownPrice(key));
    const { answeredBy } = observation;
    const own = answeredBy ? answeredBy === 'hot' : ready;
    const shared = answeredBy && answeredBy === 'generic';
    if (own || shared) this.budget?.gate.claimed(key.leadSeconds);
    if (!own) this.generic?.claim(seconds, key.leadSeconds, this.priceOf(key.name), shared);
    this.retarget(key);
    this.forget(longestUnclaimed(this.own.demand.keys, ({ name }) => this.settings.has(name)));
  }

  private hint(observation: HintObserved, seconds: number): void {
    const key = this.own.demand.key(observation.key, this.defaultLeadSeconds, seconds);
    const open = this.hints.open(observation, seconds);
    this.own.look(key, seconds, this.ownPrice(key), open);
    this.retarget(key);
  }

  private withdraw(name: string, hintId: string, seconds: number): void {
    const key = this.own.demand.keys.get(name);
    if (!key || !this.hints.withdraw(name, hintId)) return;
    this.own.look(key, seconds, this.ownPrice(key), this.hints.count(name) + 1);
    this.retarget(key);
  }

  private retarget(key: KeyState): void {
    this.book.put(this.target(key));
  }

  private target(key: KeyState): RuntimeTarget {
    const settings = this.settings.get(key.name);
    const { hot, parked, worthSeconds } = this.own.wanted(key);
    const least = settings?.minHot ?? 0;
    const bounded = Math.min(settings?.maxHot ?? this.maxHot, Math.max(least, hot));
    const generic = this.generic !== undefined;
    const maxParked = settings?.maxParked ?? this.maxHot;
    return {
      key: key.name,
      hot: this.budget?.gate.grant(key.name, bounded, least, worthSeconds, key.leadSeconds) ?? bounded,
      parked: Math.min(maxParked, parked),
      generic,
      marginalValueSeconds: worthSeconds,
    };
  }

  private priceOf(key: string): number {
    return this.settings.get(key)?.valueSeconds ?? this.valueSeconds;
  }

  private ownPrice(key: KeyState): number {
    const price = this.priceOf(key.name);
    return this.generic ? price * this.generic.ownShare(key.leadSeconds) : price;
  }

  private configure(observation: RuntimeObserved, seconds: number): void {
    const known = this.settings.get(observation.key);
    const { bounds, coldStartValueSeconds } = observation;
    const valueSeconds =
      coldStartValueSeconds === undefined
        ? known?.valueSeconds
        : checkedNumber('coldStartValueSeconds', coldStartValueSeconds, 0, true);
    const minHot = checkedNumber('bounds.minHot', bounds?.minHot ?? known?.minHot ?? 0, 0);
    const maxHot = checkedNumber('bounds.maxHot', bounds?.maxHot ?? known?.maxHot ?? this.maxHot, 0);
    const lead = observation.leadMs ? checkedNumber('leadMs.hot', observation.leadMs.hot, 0) / 1000 : undefined;
    const maxParked = checkedNumber('bounds.maxParked', bounds?.maxParked ?? known?.maxParked ?? this.maxHot, 0);
    this.settings.set(observation.key, { minHot, maxHot, maxParked, valueSeconds });
    const key = this.own.demand.key(observation.key, lead ?? this.defaultLeadSeconds, seconds);
    if (lead !== undefined) key.leadSeconds = lead;
    const resume = observation.leadMs?.parkedResume;
    if (resume !== undefined) {
      key.parking = {
        resumeSeconds: checkedNumber('leadMs.parkedResume', resume, 0) / 1000,
        costShare: this.parkedCost,
      };
    }
    this.retarget(key);
  }

  private measured(name: string, tier: 'hot' | 'parked' | 'generic', measuredMs: number, seconds: number): void {
    const measured = checkedNumber('measuredMs', measuredMs, 0) / 1000;
    if (tier !== 'hot') return;
    const key = this.own.demand.key(name, measured, seconds);
    key.leadSeconds += 0.3 * (measured - key.leadSeconds);
  }

  private keepBudget(seconds: number): void {
    if (!this.budget) return;
    const changed = this.budget.review(seconds);
    this.setPrice(this.budget.price);
    for (const name of changed) {
      const key = this.own.demand.keys.get(name);
      if (key) this.retarget(key);
    }
  }

  private wantedGeneric(generic: GenericTier, seconds: number): number {
    const { hot, worthSeconds } = generic.wanted(seconds);
    return this.budget?.gate.grant(GENERIC, hot, 0, worthSeconds, this.defaultLeadSeconds) ?? hot;
  }

  private remove(name: string): void {
    const key = this.own.demand.keys.get(name);
    this.forget(key ? [key] : []);
    this.settings.delete(name);
    this.book.drop(name);
  }

  private forget(keys: readonly KeyState[]): void {
    if (keys.length === 0) return;
    this.own.remove(new Set(keys));
    for (const { name } of keys) {
      this.own.lookout.chance.forget(name);
      this.budget?.gate.grant(name, 0, 0, 0, 0);
      this.book.drop(name);
    }
  }
}

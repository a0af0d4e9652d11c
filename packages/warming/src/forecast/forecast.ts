import { WarmingError } from '../errors.js';
import type {
  ClaimObserved,
  Decision,
  Explanation,
  Observation,
  RuntimeTarget,
  TargetPolicy,
} from '../target/target.js';
import { TargetBook } from '../target/target-book.js';
import { checkedNumber, TimeLine } from '../target/time-line.js';
import { Demand, type Looked } from './demand.js';
import { explainKey } from './explain.js';
import { Holding } from './holding.js';
import type { KeyState } from './key.js';
import { DEFAULT_LEARNING, Learner, type Learning } from './learner.js';
import { Planner } from './planner.js';
import type { UnitState } from './unit.js';

/** Options of {@link ForecastPolicy}. */
export interface ForecastOptions {
  /** What an avoided cold start is worth, in idle sandbox-seconds; 0 holds nothing. @default 600 */
  coldStartValueSeconds?: number;
  /** Lead time of a runtime nothing is known of yet. @default 15 */
  defaultLeadSeconds?: number;
  /** Most sandboxes of one runtime. @default 500 */
  maxHot?: number;
  learning?: Partial<Learning>;
  /** Starting weights of the shared network. @default fitted on public traces, see docs/forecast.md */
  weights?: ArrayLike<number>;
}

/** Settings of one runtime. */
interface KeySettings {
  minHot: number;
  maxHot: number;
  valueSeconds: number | undefined;
}

/**
 * The default target policy: learns per runtime and across runtimes how likely the next claim is at every moment, and
 * holds a sandbox exactly while that is worth its idle time at the price given.
 */
export class ForecastPolicy implements TargetPolicy {
  readonly name = 'forecast';
  readonly demand: Demand;
  private readonly learner: Learner;
  private readonly planner = new Planner();
  private readonly holding = new Holding();
  private readonly book = new TargetBook();
  private readonly time = new TimeLine();
  private readonly settings = new Map<string, KeySettings>();
  private readonly defaultLeadSeconds: number;
  private readonly maxHot: number;
  private valueSeconds: number;

  constructor(options: ForecastOptions = {}) {
    this.learner = new Learner({ ...DEFAULT_LEARNING, ...options.learning }, options.weights);
    this.demand = new Demand(this.learner);
    this.defaultLeadSeconds = checkedNumber('defaultLeadSeconds', options.defaultLeadSeconds ?? 15, 0);
    this.maxHot = checkedNumber('maxHot', options.maxHot ?? 500, 0);
    this.valueSeconds = 0;
    this.setPrice(options.coldStartValueSeconds ?? 600);
  }

  /** Changes the price of the fleet; plans follow with their next look. Infinity is allowed. */
  setPrice(coldStartValueSeconds: number): void {
    this.valueSeconds = checkedNumber('coldStartValueSeconds', coldStartValueSeconds, 0, true);
  }

  observe(observation: Observation): void {
    const seconds = this.time.advance(observation.atMs);
    switch (observation.kind) {
      case 'claim':
        return this.claim(observation, seconds);
      case 'runtime':
        return this.configure(observation, seconds);
      case 'lead':
        if (observation.tier === 'hot') this.measuredLead(observation.key, observation.measuredMs / 1000, seconds);
        return;
      case 'hint':
      case 'hint-withdrawn':
        return;
      case 'runtime-removed':
        return this.remove(observation.key);
    }
  }

  decide(atMs: number, options: { full?: boolean } = {}): Decision {
    const now = this.time.advance(atMs);
    this.holding.due(now, (unit) => this.retarget(unit.key));
    const next = this.holding.next();
    return {
      atMs: now * 1000,
      changed: this.book.take(options.full ?? false),
      generic: undefined,
      wakeAtMs: next === undefined ? undefined : next * 1000,
    };
  }

  explain(key: string, atMs: number): Explanation | undefined {
    const state = this.demand.keys.get(key);
    if (!state) return undefined;
    return explainKey(state, this.learner, this.target(state), this.valueOf(key), this.time.peek(atMs));
  }

  save(): Uint8Array {
    throw new WarmingError('invalid_option', 'not yet');
  }

  restore(_state: Uint8Array): void {
    throw new WarmingError('invalid_option', 'not yet');
  }

  size(): { bytes: number; runtimes: number; units: number } {
    return { bytes: 0, runtimes: this.demand.keys.size, units: this.demand.unitCount };
  }

  private claim(observation: ClaimObserved, seconds: number): void {
    const key = this.demand.key(observation.key, this.defaultLeadSeconds, seconds);
    const { used, next } = this.demand.claim(key, seconds);
    this.holding.drop(used.unit);
    this.plan(used, seconds);
    if (next) this.plan(next, seconds);
    this.retarget(key);
  }

  private plan({ unit, mark }: Looked, now: number): void {
    const lead = unit.key.leadSeconds;
    this.learner.predict(unit, mark);
    const answer = this.planner.plan({
      outlook: this.learner.outlook,
      intensity: this.learner.intensity,
      valueSeconds: this.valueOf(unit.key.name),
      releaseSeconds: lead,
      readyInSeconds: unit.readyAtSeconds === undefined ? undefined : Math.max(0, unit.readyAtSeconds - now),
      leadSeconds: lead,
    });
    this.holding.adopt(unit, { atSeconds: mark.atSeconds, ...answer }, now);
  }

  private retarget(key: KeyState): void {
    this.book.put(this.target(key));
  }

  private target(key: KeyState): RuntimeTarget {
    const settings = this.settings.get(key.name);
    let hot = 0;
    let marginal = 0;
    for (const unit of key.units) {
      if (!unit.on) continue;
      hot++;
      marginal = unit.plan!.worthSeconds;
    }
    const bounded = Math.min(settings?.maxHot ?? this.maxHot, Math.max(settings?.minHot ?? 0, hot));
    return { key: key.name, hot: bounded, parked: 0, generic: false, marginalValueSeconds: marginal };
  }

  private valueOf(key: string): number {
    return this.settings.get(key)?.valueSeconds ?? this.valueSeconds;
  }

  private configure(observation: Extract<Observation, { kind: 'runtime' }>, seconds: number): void {
    const known = this.settings.get(observation.key);
    this.settings.set(observation.key, {
      minHot: checkedNumber('bounds.minHot', observation.bounds?.minHot ?? known?.minHot ?? 0, 0),
      maxHot: checkedNumber('bounds.maxHot', observation.bounds?.maxHot ?? known?.maxHot ?? this.maxHot, 0),
      valueSeconds:
        observation.coldStartValueSeconds === undefined
          ? known?.valueSeconds
          : checkedNumber('coldStartValueSeconds', observation.coldStartValueSeconds, 0, true),
    });
    const lead = observation.leadMs ? checkedNumber('leadMs.hot', observation.leadMs.hot, 0) / 1000 : undefined;
    const key = this.demand.key(observation.key, lead ?? this.defaultLeadSeconds, seconds);
    if (lead !== undefined) key.leadSeconds = lead;
    this.retarget(key);
  }

  private measuredLead(name: string, measuredSeconds: number, seconds: number): void {
    const measured = checkedNumber('measuredMs', measuredSeconds * 1000, 0) / 1000;
    const key = this.demand.key(name, measured, seconds);
    key.leadSeconds += 0.3 * (measured - key.leadSeconds);
  }

  private remove(name: string): void {
    const key = this.demand.keys.get(name);
    if (!key) return;
    for (const unit of key.units) this.holding.drop(unit);
    this.demand.remove(name);
    this.settings.delete(name);
    this.book.drop(name);
  }
}

export type { UnitState };

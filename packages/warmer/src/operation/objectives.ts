import type { WireObjective } from '@pilotlight/warming/wire';
import type { ObjectiveConfig } from '../config/schema.js';
import { percentile, Samples } from './samples.js';

type Indicator = ObjectiveConfig['indicator'];

/** Below this many samples a percentile says nothing, and an alarm would be noise. */
const fewestSamples = 10;

/**
 * How fast an objective's error budget is used up: the share of bad samples over the share that may be bad. 1 uses it up
 * exactly in its window.
 */
export function judge(objective: ObjectiveConfig, values: readonly number[]): Omit<WireObjective, 'name'> {
  const { indicator, target, percentile: rank } = objective;
  const enough = values.length >= fewestSamples;
  if (indicator === 'hit_rate') {
    const share = values.length === 0 ? null : values.filter((value) => value === 1).length / values.length;
    const burnRate = share === null || target >= 1 ? 0 : (1 - share) / (1 - target);
    return { indicator, target, measured: share, burnRate, burning: enough && burnRate >= objective.alertAtBurnRate };
  }
  const at = rank ?? 99;
  const slow = values.filter((value) => value > target).length;
  const burnRate = values.length === 0 ? 0 : slow / values.length / (1 - at / 100);
  return {
    indicator,
    target,
    percentile: at,
    measured: percentile(values, at),
    burnRate,
    burning: enough && burnRate >= objective.alertAtBurnRate,
  };
}

/** Watches the objectives and says when one begins or ceases to burn. */
export class ObjectiveWatch {
  readonly #objectives: readonly ObjectiveConfig[];
  readonly #now: () => number;
  readonly #samples = new Map<Indicator, Samples>();
  readonly #burning = new Set<string>();

  constructor(objectives: readonly ObjectiveConfig[], now: () => number) {
    this.#objectives = objectives;
    this.#now = now;
  }

  add(indicator: Indicator, value: number): void {
    const samples = this.#samples.get(indicator) ?? new Samples(20_000);
    this.#samples.set(indicator, samples);
    samples.add(this.#now(), value);
  }

  current(): WireObjective[] {
    const nowMs = this.#now();
    return this.#objectives.map((objective) => {
      const values = this.#samples.get(objective.indicator)?.since(nowMs - objective.windowMs) ?? [];
      return { name: objective.name, ...judge(objective, values) };
    });
  }

  /** What changed since the last look. */
  turned(): { objective: WireObjective; type: 'slo-burning' | 'slo-recovered' }[] {
    return this.current().flatMap((objective) => {
      if (objective.burning === this.#burning.has(objective.name)) return [];
      if (objective.burning) this.#burning.add(objective.name);
      else this.#burning.delete(objective.name);
      return [{ objective, type: objective.burning ? ('slo-burning' as const) : ('slo-recovered' as const) }];
    });
  }
}

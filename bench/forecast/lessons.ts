import { Demand } from '../../packages/warming/src/forecast/demand.js';
import { Learner } from '../../packages/warming/src/forecast/learner.js';
import { type NetworkBins, seedWeights } from '../../packages/warming/src/forecast/network.js';
import { KNOT_COUNT, MOST_BINS, MOVING_INPUTS, Outlook } from '../../packages/warming/src/forecast/outlook.js';
import { NETWORK_SHAPE } from '../../packages/warming/src/forecast/shape.js';
import type { Landmark, UnitState } from '../../packages/warming/src/forecast/unit.js';
import type { Arrival } from '../../packages/warming/src/replay/trace.js';

/** What a unit went through after a landmark, with all inputs as they were: one example for the fit. */
export interface Lesson {
  fixed: Float32Array;
  /** Per bin: width, then the moving inputs, then knot and how far towards the next. */
  bins: Float32Array;
  count: number;
  used: boolean;
}

const ROW = MOVING_INPUTS + 3;

/** Collects every so many lessons of a replay, from every second runtime or from all. */
export class LessonCollector extends Learner {
  readonly lessons: Lesson[] = [];
  readonly kept: Lesson[] = [];
  private readonly looked = new Outlook();
  private readonly every: number;
  private readonly validates: (key: string) => boolean;
  private state = 1;

  /** Lessons of runtimes for which `validates` is true go to `kept`. */
  constructor(every: number, validates: (key: string) => boolean) {
    super({ rate: 0, batch: 1e9, averaging: 0 }, seedWeights(NETWORK_SHAPE));
    this.every = every;
    this.validates = validates;
  }

  override learn(unit: UnitState, mark: Landmark, nowSeconds: number, used: boolean): void {
    const until = nowSeconds - mark.atSeconds;
    const from = mark.learnedSeconds;
    if (until <= from) return;
    mark.learnedSeconds = until;
    this.state = (Math.imul(this.state, 1_664_525) + 1_013_904_223) >>> 0;
    if (this.state / 4_294_967_296 >= 1 / this.every) return;
    const { looked } = this;
    looked.begin(unit, mark, this.fleet, from, until);
    looked.extend(MOST_BINS);
    const bins = new Float32Array(looked.count * ROW);
    for (let bin = 0; bin < looked.count; bin++) {
      const at = bin * ROW;
      bins[at] = looked.width[bin]!;
      bins.set(looked.inputs.subarray(bin * MOVING_INPUTS, (bin + 1) * MOVING_INPUTS), at + 1);
      bins[at + ROW - 2] = looked.knot[bin]!;
      bins[at + ROW - 1] = looked.towards[bin]!;
    }
    const lesson = { fixed: mark.inputs, bins, count: looked.count, used };
    (this.validates(unit.key.name) ? this.kept : this.lessons).push(lesson);
  }
}

export function collectLessons(
  arrivals: readonly Arrival[],
  leadSeconds: number,
  every: number,
  validates: (key: string) => boolean,
): LessonCollector {
  const collector = new LessonCollector(every, validates);
  const demand = new Demand(collector);
  for (const { key, seconds } of arrivals) demand.claim(demand.key(key, leadSeconds, seconds), seconds);
  return collector;
}

/** Bins of one lesson at a time, as a network takes them. */
export class LessonBins implements NetworkBins {
  count = 0;
  readonly inputs = new Float64Array(MOST_BINS * MOVING_INPUTS);
  readonly knot = new Uint8Array(MOST_BINS);
  readonly towards = new Float64Array(MOST_BINS);
  readonly width = new Float64Array(MOST_BINS);

  load(lesson: Lesson): void {
    const { bins, count } = lesson;
    this.count = count;
    for (let bin = 0; bin < count; bin++) {
      const at = bin * ROW;
      this.width[bin] = bins[at]!;
      const to = bin * MOVING_INPUTS;
      for (let input = 0; input < MOVING_INPUTS; input++) this.inputs[to + input] = bins[at + 1 + input]!;
      this.knot[bin] = Math.min(KNOT_COUNT - 2, bins[at + ROW - 2]!);
      this.towards[bin] = bins[at + ROW - 1]!;
    }
  }
}

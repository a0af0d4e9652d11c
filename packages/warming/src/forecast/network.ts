/** Sizes of a {@link HazardNetwork}. */
export interface NetworkShape {
  /** Inputs that hold for a whole plan. */
  fixed: number;
  hidden: number;
  /** Times along the plan between which the log intensity is interpolated. */
  knots: number;
  /** Inputs that change along the plan. */
  moving: number;
}

/** Units that mix the moving inputs, for what is not log-linear in them. Their number is written out where speed counts. */
const MIXED = 8;
const LEAK = 0.1;
const FIRST_MOMENT = 0.9;
const SECOND_MOMENT = 0.999;

/** The bins that a network answers for. */
export interface NetworkBins {
  count: number;
  inputs: Float64Array;
  knot: Uint8Array;
  towards: Float64Array;
}

/**
 * A small network for the logarithm of a claim intensity. One leaky hidden layer over the fixed inputs chooses, per plan,
 * the coefficients of a log-linear model over the moving inputs, and the thresholds and weights of a few units that mix
 * them; so the large layer is computed once per plan and each bin costs a few multiplications. It learns while it predicts. Learning moves `weights`; predictions use `averaged`, their
 * running mean, because single steps are too noisy for the rare events that decide whether a sandbox is worth holding.
 */
export class HazardNetwork {
  readonly shape: NetworkShape;
  readonly size: number;
  readonly weights: Float32Array;
  readonly averaged: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  steps = 0;
  readonly gradient: Float32Array;
  private readonly layer: Float32Array;
  private readonly layerGradient: Float64Array;
  private readonly coefficient: Float64Array;
  private readonly coefficientGradient: Float64Array;
  private readonly outputs: number;
  private readonly mixAt: number;
  private mixes = new Float64Array(64 * MIXED);
  private readonly inner = new Float64Array(MIXED);
  private active: Float32Array;
  /** Learning passes since the last step. */
  waiting = 0;

  constructor(shape: NetworkShape, weights?: ArrayLike<number>) {
    const { fixed, moving, hidden, knots } = shape;
    this.shape = shape;
    this.outputs = knots + moving + 2 * MIXED;
    this.mixAt = hidden * (fixed + 1) + this.outputs * (hidden + 1) + fixed;
    this.size = this.mixAt + MIXED * moving;
    this.weights = new Float32Array(this.size);
    if (weights) this.weights.set(weights);
    this.averaged = this.weights.slice();
    this.active = this.averaged;
    this.gradient = new Float32Array(this.size);
    this.first = new Float32Array(this.size);
    this.second = new Float32Array(this.size);
    this.layer = new Float32Array(hidden);
    this.layerGradient = new Float64Array(hidden);
    this.coefficient = new Float64Array(this.outputs);
    this.coefficientGradient = new Float64Array(this.outputs);
  }

  /** Starts a prediction: the inputs that hold for all of it. `learning` chooses the moving weights. */
  begin(fixedInputs: Float32Array, learning: boolean): void {
    const { fixed, hidden, knots } = this.shape;
    const { layer, coefficient, outputs } = this;
    const weights = learning ? this.weights : this.averaged;
    this.active = weights;
    let at = 0;
    for (let unit = 0; unit < hidden; unit++) {
      const sum = weights[at]! + dot(weights, at + 1, fixedInputs, fixed);
      at += fixed + 1;
      layer[unit] = sum > 0 ? sum : LEAK * sum;
    }
    for (let output = 0; output < outputs; output++) {
      coefficient[output] = weights[at]! + dot(weights, at + 1, layer, hidden);
      at += hidden + 1;
    }
    const linear = dot(weights, at, fixedInputs, fixed);
    for (let knot = 0; knot < knots; knot++) coefficient[knot]! += linear;
    if (learning) this.coefficientGradient.fill(0);
  }

  /**
   * Log intensities per second of the bins from `first` to before `end`. Most moving inputs are zero most of the time. What
   * the mixing units say is kept for {@link backward}.
   */
  predict(bins: NetworkBins, first: number, end: number, logs: Float64Array): void {
    const { moving, knots } = this.shape;
    const { coefficient, active, mixAt } = this;
    const { inputs } = bins;
    if (this.mixes.length < end * MIXED) this.mixes = new Float64Array(end * MIXED * 2);
    const { mixes } = this;
    const at = knots + moving;
    for (let bin = first; bin < end; bin++) {
      const knot = bins.knot[bin]!;
      const towards = bins.towards[bin]!;
      let sum = coefficient[knot]! * (1 - towards) + coefficient[knot + 1]! * towards;
      const from = bin * moving;
      let mix0 = coefficient[at]!;
      let mix1 = coefficient[at + 1]!;
      let mix2 = coefficient[at + 2]!;
      let mix3 = coefficient[at + 3]!;
      let mix4 = coefficient[at + 4]!;
      let mix5 = coefficient[at + 5]!;
      let mix6 = coefficient[at + 6]!;
      let mix7 = coefficient[at + 7]!;
      for (let input = 0, weight = mixAt; input < moving; input++, weight += MIXED) {
        const value = inputs[from + input]!;
        if (value === 0) continue;
        sum += coefficient[knots + input]! * value;
        mix0 += active[weight]! * value;
        mix1 += active[weight + 1]! * value;
        mix2 += active[weight + 2]! * value;
        mix3 += active[weight + 3]! * value;
        mix4 += active[weight + 4]! * value;
        mix5 += active[weight + 5]! * value;
        mix6 += active[weight + 6]! * value;
        mix7 += active[weight + 7]! * value;
      }
      const to = bin * MIXED;
      mixes[to] = mix0;
      mixes[to + 1] = mix1;
      mixes[to + 2] = mix2;
      mixes[to + 3] = mix3;
      mixes[to + 4] = mix4;
      mixes[to + 5] = mix5;
      mixes[to + 6] = mix6;
      mixes[to + 7] = mix7;
      for (let unit = 0; unit < MIXED; unit++) {
        const mix = mixes[to + unit]!;
        const value = mix > 0 ? mix : LEAK * mix;
        mixes[to + unit] = value;
        sum += coefficient[at + MIXED + unit]! * value;
      }
      logs[bin] = sum;
    }
  }

  /** Takes in the derivatives of the loss by the log intensities of the bins that were predicted last. */
  backward(bins: NetworkBins, count: number, derivatives: Float64Array): void {
    const { moving, knots } = this.shape;
    const { coefficient, coefficientGradient, gradient, mixes, inner, mixAt } = this;
    const { inputs } = bins;
    const at = knots + moving;
    for (let bin = 0; bin < count; bin++) {
      const derivative = derivatives[bin]!;
      const knot = bins.knot[bin]!;
      const towards = bins.towards[bin]!;
      coefficientGradient[knot]! += derivative * (1 - towards);
      coefficientGradient[knot + 1]! += derivative * towards;
      for (let unit = 0; unit < MIXED; unit++) {
        const mix = mixes[bin * MIXED + unit]!;
        coefficientGradient[at + MIXED + unit]! += derivative * mix;
        inner[unit] = derivative * coefficient[at + MIXED + unit]! * (mix > 0 ? 1 : LEAK);
        coefficientGradient[at + unit]! += inner[unit]!;
      }
      const inner0 = inner[0]!;
      const inner1 = inner[1]!;
      const inner2 = inner[2]!;
      const inner3 = inner[3]!;
      const inner4 = inner[4]!;
      const inner5 = inner[5]!;
      const inner6 = inner[6]!;
      const inner7 = inner[7]!;
      const from = bin * moving;
      for (let input = 0, weight = mixAt; input < moving; input++, weight += MIXED) {
        const value = inputs[from + input]!;
        if (value === 0) continue;
        coefficientGradient[knots + input]! += derivative * value;
        gradient[weight]! += inner0 * value;
        gradient[weight + 1]! += inner1 * value;
        gradient[weight + 2]! += inner2 * value;
        gradient[weight + 3]! += inner3 * value;
        gradient[weight + 4]! += inner4 * value;
        gradient[weight + 5]! += inner5 * value;
        gradient[weight + 6]! += inner6 * value;
        gradient[weight + 7]! += inner7 * value;
      }
    }
  }

  /** Ends a learning pass that was started with `begin(inputs, true)`. */
  end(fixedInputs: Float32Array): void {
    const { fixed, hidden, knots } = this.shape;
    const { layer, gradient, coefficientGradient, outputs, active } = this;
    const { layerGradient } = this;
    layerGradient.fill(0);
    let at = hidden * (fixed + 1);
    for (let output = 0; output < outputs; output++) {
      const slope = coefficientGradient[output]!;
      if (slope === 0) {
        at += hidden + 1;
        continue;
      }
      gradient[at++]! += slope;
      for (let unit = 0; unit < hidden; unit++) {
        gradient[at]! += slope * layer[unit]!;
        layerGradient[unit]! += slope * active[at]!;
        at++;
      }
    }
    let linear = 0;
    for (let knot = 0; knot < knots; knot++) linear += coefficientGradient[knot]!;
    for (let input = 0; input < fixed; input++) gradient[at++]! += linear * fixedInputs[input]!;
    at = 0;
    for (let unit = 0; unit < hidden; unit++) {
      const inner = layerGradient[unit]! * (layer[unit]! > 0 ? 1 : LEAK);
      gradient[at++]! += inner;
      for (let input = 0; input < fixed; input++) gradient[at++]! += inner * fixedInputs[input]!;
    }
    this.waiting++;
  }

  /** One step of Adam over the gradients collected, then the running mean moves by `averaging`. */
  step(rate: number, averaging: number): void {
    if (this.waiting === 0) return;
    const { gradient, first, second, weights, averaged, size } = this;
    const scale = 1 / this.waiting;
    this.steps++;
    const firstBias = 1 - FIRST_MOMENT ** Math.min(this.steps, 10_000);
    const secondBias = 1 - SECOND_MOMENT ** Math.min(this.steps, 100_000);
    const pace = rate / firstBias;
    const spread = 1 / secondBias;
    for (let index = 0; index < size; index++) {
      const slope = gradient[index]! * scale;
      const mean = first[index]! + (1 - FIRST_MOMENT) * (slope - first[index]!);
      const square = second[index]! + (1 - SECOND_MOMENT) * (slope * slope - second[index]!);
      const weight = weights[index]! - (pace * mean) / (Math.sqrt(square * spread) + 1e-6);
      first[index] = mean;
      second[index] = square;
      weights[index] = weight;
      averaged[index]! += averaging * (weight - averaged[index]!);
      gradient[index] = 0;
    }
    this.waiting = 0;
  }
}

function dot(weights: Float32Array, from: number, values: Float32Array, count: number): number {
  let one = 0;
  let two = 0;
  let three = 0;
  let four = 0;
  let index = 0;
  for (let at = from; index + 3 < count; index += 4, at += 4) {
    one += weights[at]! * values[index]!;
    two += weights[at + 1]! * values[index + 1]!;
    three += weights[at + 2]! * values[index + 2]!;
    four += weights[at + 3]! * values[index + 3]!;
  }
  for (; index < count; index++) one += weights[from + index]! * values[index]!;
  return one + two + (three + four);
}

/** Places of the two histogram intensities among the moving inputs, and how logs are scaled there. */
const OWN_GAPS_INPUT = 1;
const POOLED_GAPS_INPUT = 2;
const LOG_SCALE = 0.3;

/** Where a fit starts: small noise from a fixed seed, and the answer of the two gap histograms. */
export function seedWeights(shape: NetworkShape): Float64Array {
  const { fixed, moving, hidden, knots } = shape;
  const outputs = knots + moving + 2 * MIXED;
  const inner = hidden * (fixed + 1);
  const mixAt = inner + outputs * (hidden + 1) + fixed;
  const weights = new Float64Array(mixAt + MIXED * moving);
  let state = 1;
  const noise = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 4_294_967_296) * 2 - 1;
  };
  for (let index = 0; index < inner; index++) weights[index] = noise() * Math.sqrt(1.5 / fixed);
  for (let index = inner; index < inner + outputs * (hidden + 1); index++) weights[index] = noise() * 0.05;
  for (let index = mixAt; index < weights.length; index++) weights[index] = noise() * Math.sqrt(1.5 / moving);
  const bias = (output: number): number => inner + output * (hidden + 1);
  for (let output = 0; output < outputs; output++)
    weights[bias(output)] = output < knots ? -2 / LOG_SCALE : output < knots + moving ? 0 : noise() * 0.1;
  weights[bias(knots + OWN_GAPS_INPUT)] = 0.7 / LOG_SCALE;
  weights[bias(knots + POOLED_GAPS_INPUT)] = 0.3 / LOG_SCALE;
  return weights;
}

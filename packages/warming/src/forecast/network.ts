/** Sizes of a {@link HazardNetwork}. */
export interface NetworkShape {
  /** Inputs that hold for a whole plan. */
  fixed: number;
  hidden: number;
  /** Times along the plan between which the log intensity is interpolated. */
  knots: number;
  /** Inputs that change along the plan. */
  moving: number;
  /** Units that mix the moving inputs, for what is not log-linear in them. */
  mixed: number;
}

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
  private readonly layer: Float64Array;
  private readonly layerGradient: Float64Array;
  private readonly coefficient: Float64Array;
  private readonly coefficientGradient: Float64Array;
  private readonly outputs: number;
  private readonly mixAt: number;
  private readonly mix: Float64Array;
  private active: Float32Array;
  /** Learning passes since the last step. */
  waiting = 0;

  constructor(shape: NetworkShape, weights?: ArrayLike<number>) {
    const { fixed, moving, hidden, knots, mixed } = shape;
    this.shape = shape;
    this.outputs = knots + moving + 2 * mixed;
    this.mixAt = hidden * (fixed + 1) + this.outputs * (hidden + 1) + fixed;
    this.size = this.mixAt + mixed * moving;
    this.mix = new Float64Array(mixed);
    this.weights = new Float32Array(this.size);
    if (weights) this.weights.set(weights);
    this.averaged = this.weights.slice();
    this.active = this.averaged;
    this.gradient = new Float32Array(this.size);
    this.first = new Float32Array(this.size);
    this.second = new Float32Array(this.size);
    this.layer = new Float64Array(hidden);
    this.layerGradient = new Float64Array(hidden);
    this.coefficient = new Float64Array(this.outputs);
    this.coefficientGradient = new Float64Array(this.outputs);
  }

  /** Starts a prediction: the inputs that hold for all of it. `learning` chooses the moving weights. */
  begin(fixedInputs: ArrayLike<number>, learning: boolean): void {
    const { fixed, hidden, knots } = this.shape;
    const { layer, coefficient, outputs } = this;
    const weights = learning ? this.weights : this.averaged;
    this.active = weights;
    let at = 0;
    for (let unit = 0; unit < hidden; unit++) {
      let even = weights[at++]!;
      let odd = 0;
      let input = 0;
      for (; input + 1 < fixed; input += 2) {
        even += weights[at]! * fixedInputs[input]!;
        odd += weights[at + 1]! * fixedInputs[input + 1]!;
        at += 2;
      }
      if (input < fixed) even += weights[at++]! * fixedInputs[input]!;
      const sum = even + odd;
      layer[unit] = sum > 0 ? sum : LEAK * sum;
    }
    for (let output = 0; output < outputs; output++) {
      let sum = weights[at++]!;
      for (let unit = 0; unit < hidden; unit++) sum += weights[at++]! * layer[unit]!;
      coefficient[output] = sum;
    }
    let linear = 0;
    for (let input = 0; input < fixed; input++) linear += weights[at++]! * fixedInputs[input]!;
    for (let knot = 0; knot < knots; knot++) coefficient[knot]! += linear;
    if (learning) this.coefficientGradient.fill(0);
  }

  /** Log intensity per second in a bin. */
  predict(bins: NetworkBins, bin: number): number {
    const { moving, knots, mixed } = this.shape;
    const { coefficient, mix, active } = this;
    const { inputs } = bins;
    const knot = bins.knot[bin]!;
    const towards = bins.towards[bin]!;
    let sum = coefficient[knot]! * (1 - towards) + coefficient[knot + 1]! * towards;
    const from = bin * moving;
    const thresholds = knots + moving;
    for (let input = 0; input < moving; input++) sum += coefficient[knots + input]! * inputs[from + input]!;
    let at = this.mixAt;
    for (let unit = 0; unit < mixed; unit++) {
      let even = coefficient[thresholds + unit]!;
      let odd = 0;
      for (let input = from; input < from + moving; input += 2) {
        even += active[at]! * inputs[input]!;
        odd += active[at + 1]! * inputs[input + 1]!;
        at += 2;
      }
      const value = even + odd;
      mix[unit] = value > 0 ? value : LEAK * value;
      sum += coefficient[thresholds + mixed + unit]! * mix[unit]!;
    }
    return sum;
  }

  /** Takes in the derivative of the loss by the log intensity of the bin that was predicted last. */
  backward(bins: NetworkBins, bin: number, derivative: number): void {
    const { moving, knots, mixed } = this.shape;
    const { coefficient, coefficientGradient, gradient, mix } = this;
    const knot = bins.knot[bin]!;
    const towards = bins.towards[bin]!;
    coefficientGradient[knot]! += derivative * (1 - towards);
    coefficientGradient[knot + 1]! += derivative * towards;
    const from = bin * moving;
    for (let input = 0; input < moving; input++) {
      coefficientGradient[knots + input]! += derivative * bins.inputs[from + input]!;
    }
    const thresholds = knots + moving;
    let at = this.mixAt;
    for (let unit = 0; unit < mixed; unit++) {
      coefficientGradient[thresholds + mixed + unit]! += derivative * mix[unit]!;
      const inner = derivative * coefficient[thresholds + mixed + unit]! * (mix[unit]! > 0 ? 1 : LEAK);
      coefficientGradient[thresholds + unit]! += inner;
      for (let input = 0; input < moving; input++) gradient[at++]! += inner * bins.inputs[from + input]!;
    }
  }

  /** Ends a learning pass that was started with `begin(inputs, true)`. */
  end(fixedInputs: ArrayLike<number>): void {
    const { fixed, hidden, knots } = this.shape;
    const { layer, gradient, coefficientGradient, outputs, active } = this;
    const { layerGradient } = this;
    layerGradient.fill(0);
    let at = hidden * (fixed + 1);
    for (let output = 0; output < outputs; output++) {
      const slope = coefficientGradient[output]!;
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
    for (let index = 0; index < size; index++) {
      const slope = gradient[index]! * scale;
      first[index]! += (1 - FIRST_MOMENT) * (slope - first[index]!);
      second[index]! += (1 - SECOND_MOMENT) * (slope * slope - second[index]!);
      weights[index]! -= (rate * first[index]!) / firstBias / (Math.sqrt(second[index]! / secondBias) + 1e-6);
      averaged[index]! += averaging * (weights[index]! - averaged[index]!);
      gradient[index] = 0;
    }
    this.waiting = 0;
  }
}

/** Places of the two histogram intensities among the moving inputs, and how logs are scaled there. */
const OWN_GAPS_INPUT = 1;
const POOLED_GAPS_INPUT = 2;
const LOG_SCALE = 0.3;

/** Where a fit starts: small noise from a fixed seed, and the answer of the two gap histograms. */
export function seedWeights(shape: NetworkShape): Float64Array {
  const { fixed, moving, hidden, knots, mixed } = shape;
  const outputs = knots + moving + 2 * mixed;
  const inner = hidden * (fixed + 1);
  const mixAt = inner + outputs * (hidden + 1) + fixed;
  const weights = new Float64Array(mixAt + mixed * moving);
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

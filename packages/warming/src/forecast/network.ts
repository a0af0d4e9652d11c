/** Sizes of a {@link HazardNetwork}. */
export interface NetworkShape {
  /** Inputs that hold for a whole plan. */
  fixed: number;
  /** Inputs that change along the plan. */
  moving: number;
  hidden: number;
}

const LEAK = 0.1;
const FIRST_MOMENT = 0.9;
const SECOND_MOMENT = 0.999;

/**
 * A small network for the logarithm of a claim intensity: one leaky hidden layer and a linear path beside it. It learns
 * while it predicts. Learning moves `weights`; predictions use `averaged`, their running mean, because single steps are
 * too noisy for the rare events that decide whether a sandbox is worth holding.
 */
export class HazardNetwork {
  readonly shape: NetworkShape;
  readonly size: number;
  weights: Float64Array;
  averaged: Float64Array;
  private readonly gradient: Float64Array;
  private readonly first: Float64Array;
  private readonly second: Float64Array;
  private readonly base: Float64Array;
  private readonly activation: Float64Array;
  private readonly hiddenGradient: Float64Array;
  private readonly offsets: {
    moving: number;
    bias: number;
    out: number;
    fixedOut: number;
    movingOut: number;
    constant: number;
  };
  private linear = 0;
  private outputGradient = 0;
  private pending = 0;
  private active: Float64Array;
  steps = 0;

  constructor(shape: NetworkShape, weights?: ArrayLike<number>) {
    const { fixed, moving, hidden } = shape;
    this.shape = shape;
    const movingAt = hidden * fixed;
    const bias = movingAt + hidden * moving;
    const out = bias + hidden;
    const fixedOut = out + hidden;
    const movingOut = fixedOut + fixed;
    const constant = movingOut + moving;
    this.offsets = { moving: movingAt, bias, out, fixedOut, movingOut, constant };
    this.size = constant + 1;
    this.weights = new Float64Array(this.size);
    if (weights) this.weights.set(weights);
    this.averaged = this.weights.slice();
    this.active = this.averaged;
    this.gradient = new Float64Array(this.size);
    this.first = new Float64Array(this.size);
    this.second = new Float64Array(this.size);
    this.base = new Float64Array(hidden);
    this.activation = new Float64Array(hidden);
    this.hiddenGradient = new Float64Array(hidden);
  }

  /** Starts a prediction: the inputs that hold for all of it. `learning` chooses the moving weights. */
  begin(fixedInputs: ArrayLike<number>, learning: boolean): void {
    const { fixed, hidden } = this.shape;
    const { bias, fixedOut, constant } = this.offsets;
    const weights = learning ? this.weights : this.averaged;
    this.active = weights;
    let at = 0;
    for (let unit = 0; unit < hidden; unit++) {
      let sum = weights[bias + unit]!;
      for (let input = 0; input < fixed; input++) sum += weights[at++]! * fixedInputs[input]!;
      this.base[unit] = sum;
    }
    let linear = weights[constant]!;
    for (let input = 0; input < fixed; input++) linear += weights[fixedOut + input]! * fixedInputs[input]!;
    this.linear = linear;
    if (learning) {
      this.hiddenGradient.fill(0);
      this.outputGradient = 0;
    }
  }

  /** Log intensity per second for the moving inputs that start at `from`. */
  predict(inputs: Float64Array, from: number): number {
    const { moving, hidden } = this.shape;
    const { out, movingOut } = this.offsets;
    const weights = this.active;
    let at = this.offsets.moving;
    let result = this.linear;
    for (let input = 0; input < moving; input++) result += weights[movingOut + input]! * inputs[from + input]!;
    for (let unit = 0; unit < hidden; unit++) {
      let sum = this.base[unit]!;
      for (let input = 0; input < moving; input++) sum += weights[at++]! * inputs[from + input]!;
      this.activation[unit] = sum;
      result += weights[out + unit]! * (sum > 0 ? sum : LEAK * sum);
    }
    return result;
  }

  /** Adds the gradient of the last `predict`, given the derivative of the loss by its result. */
  backward(inputs: Float64Array, from: number, derivative: number): void {
    const { moving, hidden } = this.shape;
    const { out, movingOut } = this.offsets;
    const { gradient, weights } = this;
    for (let input = 0; input < moving; input++) gradient[movingOut + input]! += derivative * inputs[from + input]!;
    this.outputGradient += derivative;
    let at = this.offsets.moving;
    for (let unit = 0; unit < hidden; unit++) {
      const slope = this.activation[unit]! > 0 ? 1 : LEAK;
      gradient[out + unit]! += derivative * this.activation[unit]! * slope;
      const inner = derivative * weights[out + unit]! * slope;
      this.hiddenGradient[unit]! += inner;
      for (let input = 0; input < moving; input++) gradient[at++]! += inner * inputs[from + input]!;
    }
  }

  /** Ends a learning pass that was started with `begin(inputs, true)`. */
  end(fixedInputs: ArrayLike<number>): void {
    const { fixed, hidden } = this.shape;
    const { bias, fixedOut, constant } = this.offsets;
    const { gradient } = this;
    let at = 0;
    for (let unit = 0; unit < hidden; unit++) {
      const inner = this.hiddenGradient[unit]!;
      gradient[bias + unit]! += inner;
      for (let input = 0; input < fixed; input++) gradient[at++]! += inner * fixedInputs[input]!;
    }
    for (let input = 0; input < fixed; input++)
      gradient[fixedOut + input]! += this.outputGradient * fixedInputs[input]!;
    gradient[constant]! += this.outputGradient;
    this.pending++;
  }

  /** Learning passes since the last step. */
  get waiting(): number {
    return this.pending;
  }

  /** One step of Adam over the gradients collected, then the running mean moves by `averaging`. */
  step(rate: number, averaging: number): void {
    if (this.pending === 0) return;
    const { gradient, first, second, weights, averaged, size } = this;
    const scale = 1 / this.pending;
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
    this.pending = 0;
  }
}

/** Where a fit starts: small noise from a fixed seed, and the answer of the two gap histograms on the linear path. */
export function seedWeights(shape: NetworkShape): Float64Array {
  const { fixed, moving, hidden } = shape;
  const inner = hidden * (fixed + moving);
  const linear = inner + 2 * hidden;
  const weights = new Float64Array(linear + fixed + moving + 1);
  let state = 1;
  const noise = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 4_294_967_296) * 2 - 1;
  };
  for (let index = 0; index < inner; index++) weights[index] = noise() * Math.sqrt(1.5 / (fixed + moving));
  for (let index = inner + hidden; index < linear; index++) weights[index] = noise() * 0.1;
  weights[linear + fixed + OWN_GAPS_INPUT] = 0.7 / LOG_SCALE;
  weights[linear + fixed + POOLED_GAPS_INPUT] = 0.3 / LOG_SCALE;
  weights[linear + fixed + moving] = -2 / LOG_SCALE;
  return weights;
}

/** Places of the two histogram intensities among the moving inputs, and how logs are scaled there. */
const OWN_GAPS_INPUT = 2;
const POOLED_GAPS_INPUT = 3;
const LOG_SCALE = 0.3;

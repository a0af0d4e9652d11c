/** Decay times of the running claim rates, in seconds: a minute, ten, an hour, six, a day, five. */
export const DECAY_SECONDS: readonly number[] = [60, 600, 3_600, 21_600, 86_400, 432_000];

export const RATE_COUNT = DECAY_SECONDS.length;

/** Exponentially decayed claim counts over several memories. */
export class Rates {
  readonly counts = new Float32Array(RATE_COUNT);
  atSeconds: number;

  constructor(atSeconds: number) {
    this.atSeconds = atSeconds;
  }

  add(seconds: number): void {
    for (let index = 0; index < RATE_COUNT; index++) this.counts[index] = this.count(index, seconds) + 1;
    this.atSeconds = seconds;
  }

  count(index: number, seconds: number): number {
    return this.counts[index]! * Math.exp((this.atSeconds - seconds) / DECAY_SECONDS[index]!);
  }

  perSecond(index: number, seconds: number): number {
    return this.count(index, seconds) / DECAY_SECONDS[index]!;
  }
}

import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A number in [0, 1). */
export type Draw = () => number;

/**
 * One independent sequence for every name: what one operation draws does not shift what another one gets, so that a
 * run with the same seed and the same requests of one kind plays the same figures.
 */
export class SeededDraws {
  private readonly sequences = new Map<string, Draw>();
  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  of(name: string): Draw {
    let draw = this.sequences.get(name);
    if (!draw) {
      const generator = xoroshiro128plus(mixName(this.seed, name));
      draw = () => uniformFloat64(generator);
      this.sequences.set(name, draw);
    }
    return draw;
  }
}

function mixName(seed: number, name: string): number {
  let mixed = seed | 0;
  for (const letter of name) {
    mixed = Math.imul(mixed ^ letter.codePointAt(0)!, 0x01000193);
  }
  return mixed;
}

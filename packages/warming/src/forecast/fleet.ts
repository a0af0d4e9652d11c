import { POOL_CLASSES, PooledGaps } from './pooled-gaps.js';
import { Rates } from './rates.js';
import { Season } from './season.js';

/** What all runtimes together show. */
export class Fleet {
  readonly pools = Array.from({ length: POOL_CLASSES }, () => new PooledGaps());
  readonly season = new Season();
  readonly rates = new Rates(0);

  add(seconds: number): void {
    this.season.add(seconds);
    this.rates.add(seconds);
  }
}

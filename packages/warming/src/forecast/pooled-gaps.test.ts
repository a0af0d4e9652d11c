import { describe, expect, it } from 'vitest';
import { BIN_COUNT, binOf } from './bins.js';
import { GapHistogram } from './gap-histogram.js';
import { PooledGaps, shrunkChance } from './pooled-gaps.js';

describe('gap histograms', () => {
  it('still know a long silence after a thousand short gaps', () => {
    const own = new GapHistogram();
    const pool = new PooledGaps();
    const long = binOf(7_200);
    for (let round = 0; round < 6; round++) {
      own.add(long);
      pool.add(long);
      for (let short = 0; short < 1_000; short++) {
        own.add(0);
        pool.add(0);
      }
    }
    const chance = new Float64Array(BIN_COUNT);
    shrunkChance(own, pool, chance);
    expect(chance[0]!).toBeGreaterThan(0.7);
    expect(chance[binOf(600)]!).toBeLessThan(0.2);
    expect(chance[long]!).toBeGreaterThan(2 * chance[binOf(600)]!);
  });

  it('follow a unit whose gaps have changed', () => {
    const own = new GapHistogram();
    for (let round = 0; round < 500; round++) own.add(0);
    for (let round = 0; round < 300; round++) own.add(binOf(100));
    const chance = new Float64Array(BIN_COUNT);
    shrunkChance(own, new PooledGaps(), chance);
    expect(chance[0]!).toBeLessThan(0.1);
    expect(chance[binOf(100)]!).toBeGreaterThan(0.4);
  });
});

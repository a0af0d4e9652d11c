import { describe, expect, it } from 'vitest';
import { overflowShare } from './erlang.js';

function exact(depth: number, load: number): number {
  let loss = 1;
  let before = 1;
  for (let unit = 1; unit <= depth; unit++) {
    before = loss;
    loss = (load * loss) / (unit + load * loss);
  }
  return before - loss;
}

describe('the share of claims that reach a unit', () => {
  it.each([
    [1, 0.01],
    [1, 3],
    [2, 0.2],
    [8, 5.3],
    [30, 20],
    [140, 125],
    [280, 250],
  ])('is that of Erlang at depth %i and load %d', (depth, load) => {
    expect(Math.abs(Math.log(overflowShare(depth, load) / exact(depth, load)))).toBeLessThan(0.1);
  });

  it('is finite and never negative, however deep and however busy', () => {
    for (const load of [0, 1e-12, 1, 1e6, Infinity]) {
      for (const depth of [1, 7, 999, 100_000]) {
        const share = overflowShare(depth, load);
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1);
      }
    }
  });
});

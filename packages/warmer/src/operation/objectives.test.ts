import { describe, expect, it } from 'vitest';
import type { ObjectiveConfig } from '../config/schema.js';
import { judge, ObjectiveWatch } from './objectives.js';

const hot: ObjectiveConfig = {
  name: 'hot',
  indicator: 'hot_claim',
  percentile: 95,
  target: 50,
  windowMs: 1_000,
  alertAtBurnRate: 2,
};
const hits: ObjectiveConfig = { name: 'hits', indicator: 'hit_rate', target: 0.9, windowMs: 1_000, alertAtBurnRate: 2 };
const times = (slow: number, count: number) => Array.from({ length: count }, (_, index) => (index < slow ? 100 : 10));

describe('judge', () => {
  it('burns at 1 when exactly as many are slow as may be', () => {
    expect(judge(hot, times(5, 100))).toMatchObject({ measured: 10, burning: false });
    expect(judge(hot, times(5, 100)).burnRate).toBeCloseTo(1);
  });

  it('alarms when the budget goes too fast, but not on a handful of samples', () => {
    expect(judge(hot, times(12, 100)).burning).toBe(true);
    expect(judge(hot, times(3, 5)).burning).toBe(false);
  });

  it('knows the hit rate as a share', () => {
    expect(judge(hits, [1, 1, 0, 1])).toMatchObject({ measured: 0.75 });
    expect(judge(hits, [])).toMatchObject({ measured: null, burnRate: 0 });
  });
});

describe('ObjectiveWatch', () => {
  it('tells once when an objective begins to burn and once when it recovers', () => {
    let nowMs = 0;
    const watch = new ObjectiveWatch([hot], () => nowMs);
    for (let index = 0; index < 20; index += 1) watch.add('hot_claim', 100);
    expect(watch.turned().map(({ type }) => type)).toEqual(['slo-burning']);
    expect(watch.turned()).toEqual([]);
    nowMs = 5_000;
    expect(watch.turned().map(({ type }) => type)).toEqual(['slo-recovered']);
  });
});

import { expect, it } from 'vitest';
import { ForecastPolicy } from './forecast.js';

function hotAt(coldStartValueSeconds: number): number {
  const policy = new ForecastPolicy({ coldStartValueSeconds, maxHot: 50 });
  for (let index = 0; index < 20; index++) policy.observe({ kind: 'claim', key: 'a', atMs: 60_000 * index });
  return policy.decide(1_200_000, { full: true }).changed[0]?.hot ?? 0;
}

it('prepares for deeper bursts than there ever were when the price is high enough, and for ever deeper ones', () => {
  const counts = [1e3, 1e6, 1e9, 1e12, Infinity].map(hotAt);
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  expect(counts[1]).toBeLessThanOrEqual(2);
  expect(counts[3]).toBeGreaterThan(3);
  expect(counts[4]).toBe(counts[3]);
  expect(counts[4]).toBeLessThanOrEqual(12);
});

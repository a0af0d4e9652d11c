import { expect, it } from 'vitest';
import { Demand } from './demand.js';
import { longestUnclaimed } from './forgetting.js';
import { Learner } from './learner.js';

it('forgets the runtimes that were not claimed for longest when there are too many, never those that are kept', () => {
  const demand = new Demand(new Learner());
  for (let index = 0; index < 12; index++) {
    for (const name of [`k${index}`, 'k3']) demand.claim(demand.key(name, 15, index * 100), index * 100);
  }
  const isKept = ({ name }: { name: string }): boolean => name === 'k1';
  expect(longestUnclaimed(demand.keys, isKept, 12, 4)).toEqual([]);
  const old = longestUnclaimed(demand.keys, isKept, 11, 4);
  expect(old.map(({ name }) => name)).toEqual(['k0', 'k2', 'k4', 'k5']);
  const units = demand.units.length;
  demand.remove(new Set(old));
  expect(demand.keys.size).toBe(8);
  expect(demand.units.length).toBeLessThan(units);
  expect(demand.units.some(({ key }) => old.includes(key))).toBe(false);
});

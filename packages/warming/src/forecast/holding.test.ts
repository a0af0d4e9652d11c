import { expect, it } from 'vitest';
import { KeyHolds, type UnitHold, type UnitPlan } from './hold.js';
import { Holding } from './holding.js';
import { KeyState } from './key.js';

const LEAD = 15;

function oneUnit(): UnitHold {
  const key = new KeyState('a', LEAD, 0);
  return new KeyHolds().unit(key.unit(0, 0));
}

const plan = (atSeconds: number, windows: number[], afterSeconds?: number): UnitPlan => ({
  atSeconds,
  windows,
  worthSeconds: 1,
  valueSeconds: 100,
  again: afterSeconds === undefined ? undefined : { afterSeconds, odds: 1 },
});

it('keeps one wake-up for a unit however often its plan is replaced', () => {
  const holding = new Holding(() => undefined);
  const hold = oneUnit();
  for (let at = 0; at < 1_000; at++) holding.adopt(hold, plan(at, [LEAD, 500]), at);
  let wakes = 0;
  holding.due(998, () => wakes++);
  expect(wakes).toBe(0);
  expect(holding.next()).toBe(999 + 500);
  holding.due(999 + 500, () => wakes++);
  expect(wakes).toBe(1);
  expect(hold.on).toBe(false);
  expect(holding.next()).toBeUndefined();
});

it('wakes earlier when a new plan changes earlier', () => {
  const holding = new Holding(() => undefined);
  const hold = oneUnit();
  holding.adopt(hold, plan(0, [LEAD, 500]), 0);
  holding.adopt(hold, plan(10, [LEAD, 40]), 10);
  expect(holding.next()).toBe(50);
});

it('forgets the wake-up of a unit that was dropped', () => {
  const holding = new Holding(() => undefined);
  const hold = oneUnit();
  holding.adopt(hold, plan(0, [LEAD, 500]), 0);
  holding.drop(hold);
  expect(holding.next()).toBeUndefined();
});

it('plans on at the end of a plan that was cut short because a use was sure', () => {
  const lookedOn: number[] = [];
  const holding: Holding = new Holding((hold, again, nowSeconds) => {
    lookedOn.push(again.afterSeconds);
    holding.adopt(hold, plan(nowSeconds, [1e-3, 60]), nowSeconds);
  });
  const hold = oneUnit();
  holding.adopt(hold, plan(0, [LEAD, 90], 90), 0);
  holding.due(89, () => undefined);
  expect(lookedOn).toEqual([]);
  expect(hold.on).toBe(true);
  holding.due(90, () => undefined);
  expect(lookedOn).toEqual([90]);
  expect(hold.on).toBe(true);
  expect(holding.next()).toBe(150);
});

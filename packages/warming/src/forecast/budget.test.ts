import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Simulator } from '../replay/simulator.js';
import { ForecastPolicy } from './forecast.js';

const HOUR = 3_600;
const claims = fc.array(
  fc.record({ gap: fc.constantFrom(0, 0.5, 3, 20, 90, 700, 5_000), key: fc.constantFrom('a', 'b', 'c') }),
  { minLength: 30, maxLength: 80 },
);

/** The most that was spent of the budget since the start, at any minute after the first hour. */
function mostSpent(
  policy: ForecastPolicy,
  steps: { gap: number; key: string }[],
  perHour: number,
  tells: boolean,
): number {
  const simulator = new Simulator({ policy, leadSeconds: 15 });
  let told = 0;
  let seconds = 0;
  let most = 0;
  for (const { gap, key } of steps) {
    seconds += gap;
    for (; told + 60 <= seconds; told += 60) {
      const now = told + 60;
      simulator.runUntil(now);
      const spent = simulator.idleSeconds(now);
      if (tells) simulator.observe({ kind: 'idle', atMs: now * 1000, totalSeconds: spent });
      if (now > HOUR) most = Math.max(most, (spent * HOUR) / (perHour * now));
    }
    simulator.arrive({ seconds, key });
  }
  return most;
}

describe('a budget of idle seconds', () => {
  it.each([
    ['with what was spent told once a minute', true],
    ['when nobody tells what was spent', false],
  ])('is never overdrawn by more than a twentieth after an hour, %s', (_name, tells) => {
    fc.assert(
      fc.property(claims, fc.constantFrom(300, 1_500, 9_000), fc.boolean(), (steps, perHour, shares) => {
        const policy = new ForecastPolicy({
          coldStartValueSeconds: 50_000,
          idleBudgetSecondsPerHour: perHour,
          ...(shares ? { specialiseSeconds: 0.25 } : {}),
        });
        expect(mostSpent(policy, steps, perHour, tells)).toBeLessThanOrEqual(1.05);
      }),
      { numRuns: 25 },
    );
  });

  it('is spent where claims are worth it', () => {
    const steps = Array.from({ length: 1_500 }, (_, index) => ({
      gap: 60 + ((index * 37) % 41),
      key: `k${index % 4}`,
    }));
    const policy = new ForecastPolicy({ coldStartValueSeconds: 50, idleBudgetSecondsPerHour: 3_600 });
    expect(mostSpent(policy, steps, 3_600, true)).toBeGreaterThan(0.9);
  });

  it('of nothing holds nothing', () => {
    const policy = new ForecastPolicy({ coldStartValueSeconds: 5_000, idleBudgetSecondsPerHour: 0 });
    for (let index = 0; index < 50; index++) policy.observe({ kind: 'claim', key: 'a', atMs: 30_000 * index });
    expect(policy.decide(1_500_000, { full: true }).changed).toEqual([]);
  });

  it('never takes what the settings of a runtime ask for at least', () => {
    const policy = new ForecastPolicy({ idleBudgetSecondsPerHour: 60 });
    policy.observe({ kind: 'runtime', key: 'a', atMs: 0, bounds: { minHot: 2 } });
    for (let minute = 1; minute < 300; minute++) policy.decide(minute * 60_000);
    expect(policy.decide(18_000_000, { full: true }).changed[0]!.hot).toBe(2);
  });
});
